"""What a policy asks about a record, and what the evidence answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.consent import consents
from syncflow_dagster.core.consent.evidence import PERSON_ACCOUNT, Permission, RecordEvidence
from syncflow_dagster.core.consent.identifiers import Kind, all_of
from syncflow_dagster.core.consent.verdict import Answer, Says

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from syncflow_dagster.core.consent.evidence import PurposeRules, SubjectRules

SUPPRESSION = "suppression list"
ERASURE = "erasure requests"
_RECORD = "record"
_INDIVIDUAL = "Individual"
_CONSENT = "consent"
_API = "Consent API"
_FORMER = "merged and converted records"


def questions(subject: SubjectRules, purpose: PurposeRules) -> tuple[str, ...]:
    """Return what must be answered before a record may be written, in the order of asking."""
    asked = [SUPPRESSION, ERASURE]
    if subject.person:
        asked += [f"{_API} {action}" for action in purpose.actions]
    asked.append(_RECORD)
    fields = (*subject.fields, *subject.emails, *subject.phones)
    asked += [f"{subject.object}.{name}" for name in fields]
    if subject.person:
        asked.append(_INDIVIDUAL)
        asked += [f"{_INDIVIDUAL}.{name}" for name in subject.flags]
        asked += subject.consents
        asked += [_CONSENT] if purpose.needs_consent else []
    return tuple(dict.fromkeys(asked))


def answers(
    subject: SubjectRules, purpose: PurposeRules, found: RecordEvidence, now: datetime
) -> Mapping[str, Answer]:
    """Return what the evidence of a service answers; the lists are asked by somebody else.

    Args:
        subject: How consent is read for the record's object.
        purpose: What it is wanted for.
        found: What the service says of the record.
        now: The moment of sending, aware; consents hold or do not hold at it.
    """
    given = dict(_of_record(subject, found))
    if subject.person:
        given |= dict(_of_api(purpose, found))
        given |= dict(_of_individual(subject, found))
        given |= consents.answers(subject.consents, purpose, found, now)
        if purpose.needs_consent:
            given[_CONSENT] = consents.given(purpose, found, now)
    return given


def listed(source: str, at: datetime, code: str, detail: str | None) -> Answer:
    """Return the answer of a list of ours: `detail` says where somebody stands in it."""
    if detail is None:
        return Answer(Says.PERMITS, source, at)
    return Answer(Says.REFUSES, source, at, code, detail)


def _of_record(subject: SubjectRules, found: RecordEvidence) -> Iterator[tuple[str, Answer]]:
    if found.fields is None:
        yield _RECORD, _refuses(found, subject.object, "record_not_found")
        return
    yield _RECORD, Answer(Says.PERMITS, subject.object, found.read_at)
    for name, wanted in subject.fields.items():
        source = f"{subject.object}.{name}"
        yield source, _flag(found, found.fields, name, source, wanted, "field")
    if not subject.person and PERSON_ACCOUNT in found.fields:
        source = f"{subject.object}.{PERSON_ACCOUNT}"
        yield source, _flag(found, found.fields, PERSON_ACCOUNT, source, False, "field")
    yield from _of_addresses(subject, found, found.fields)


def _of_addresses(
    subject: SubjectRules, found: RecordEvidence, fields: Mapping[str, object]
) -> Iterator[tuple[str, Answer]]:
    """Tell whether all the person is known by could be looked up in our lists."""
    of_kind = {
        Kind.EMAIL: (subject.emails, found.emails),
        Kind.PHONE: (subject.phones, found.phones),
    }
    for kind, (names, further) in of_kind.items():
        for name in names:
            source = f"{subject.object}.{name}"
            if name not in fields or all_of(kind, fields[name]) is None:
                yield source, _unknown(found, source, "field_unreadable", source)
            elif name not in subject.fields:
                yield source, Answer(Says.PERMITS, source, found.read_at)
        if any(all_of(kind, one) is None for one in further):
            source = f"contact point {kind}"
            yield source, _unknown(found, source, "field_unreadable", source)
    if found.records is None:
        yield _FORMER, _unknown(found, _FORMER, "field_unreadable", _FORMER)


def _of_api(purpose: PurposeRules, found: RecordEvidence) -> Iterator[tuple[str, Answer]]:
    for action in purpose.actions:
        says = found.actions.get(action)
        if says is Permission.ALLOWED:
            answer = Answer(Says.PERMITS, _API, found.read_at)
        elif says is Permission.REFUSED:
            answer = _refuses(found, _API, "consent_api_refused", action)
        else:
            answer = _unknown(found, _API, "consent_api_unreadable", action)
        yield f"{_API} {action}", answer


def _of_individual(subject: SubjectRules, found: RecordEvidence) -> Iterator[tuple[str, Answer]]:
    fields = found.fields or {}
    link = f"{subject.object}.{subject.individual_field}"
    if subject.individual_field not in fields:
        yield _INDIVIDUAL, _unknown(found, link, "field_unreadable", link)
        return
    if fields[subject.individual_field] is None:
        permits = Answer(Says.PERMITS, f"{link}, which names none", found.read_at)
        required = subject.individual_required
        missing = _unknown(found, link, "no_individual") if required else permits
        for name in (_INDIVIDUAL, *(f"{_INDIVIDUAL}.{flag}" for flag in subject.flags)):
            yield name, missing
        return
    if found.individual is None:
        yield _INDIVIDUAL, _unknown(found, _INDIVIDUAL, "individual_unreadable")
        return
    yield _INDIVIDUAL, Answer(Says.PERMITS, _INDIVIDUAL, found.read_at)
    for flag in subject.flags:
        source = f"{_INDIVIDUAL}.{flag}"
        yield source, _flag(found, found.individual, flag, source, False, "individual")


def _flag(
    found: RecordEvidence,
    fields: Mapping[str, object],
    name: str,
    source: str,
    wanted: bool | str,
    code: str,
) -> Answer:
    """Compare a field with the value it must have: empty is no value, and no value is no yes."""
    value = fields.get(name)
    if value is None:
        return _unknown(found, source, f"{code}_unreadable", source)
    if type(value) is type(wanted) and value == wanted:
        return Answer(Says.PERMITS, source, found.read_at)
    return _refuses(found, source, f"{code}_refuses", source)


def _refuses(found: RecordEvidence, source: str, code: str, detail: str = "") -> Answer:
    return Answer(Says.REFUSES, source, found.read_at, code, detail)


def _unknown(found: RecordEvidence, source: str, code: str, detail: str = "") -> Answer:
    return Answer(Says.UNKNOWN, source, found.read_at, code, detail)

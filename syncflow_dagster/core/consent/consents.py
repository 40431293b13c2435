"""Consents that hold for a time, a channel and a purpose: what they come to at one moment.

A refusal holds from when it is known until it ends, a consent only between its two moments. Where
one has ended, or does not hold yet, and no consent for the same holds, nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.consent.verdict import Answer, Says

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from syncflow_dagster.core.consent.evidence import (
        ConsentRecord,
        PurposeRules,
        RecordEvidence,
    )

IN, OUT = "OptIn", "OptOut"
_KNOWN = frozenset({IN, OUT, "Seen", "NotSeen"})
#: Channel of Salesforce's consents that an action uses.
_CHANNELS = {"email": "Email", "phone": "Phone"}


def answers(
    objects: Iterable[str], purpose: PurposeRules, found: RecordEvidence, now: datetime
) -> Mapping[str, Answer]:
    """Return, for each object that holds consents, whether one of them stands in the way."""
    return {name: _standing(name, purpose, found, now) for name in objects}


def given(purpose: PurposeRules, found: RecordEvidence, now: datetime) -> Answer:
    """Return whether consent was given for a purpose, on each of its channels, and holds now."""
    ours = [
        one
        for records in found.consents.values()
        for one in records or ()
        if one.status == IN and one.purpose == purpose.data_use_purpose
    ]
    for channel in _channels(purpose) or (None,):
        on_it = [one for one in ours if channel in (None, one.channel)]
        if any(_holds(one, now) for one in on_it):
            continue
        detail = f"{purpose.name} {channel}" if channel else purpose.name
        code = _why_not(on_it, now)
        says = Says.REFUSES if code == "no_consent" else Says.UNKNOWN
        return Answer(says, "consents", found.read_at, code, detail)
    return Answer(Says.PERMITS, "consents", found.read_at)


def _standing(name: str, purpose: PurposeRules, found: RecordEvidence, now: datetime) -> Answer:
    records = found.consents.get(name)
    if records is None:
        return Answer(Says.UNKNOWN, name, found.read_at, "consent_unreadable", name)
    concerned = [one for one in records if _concerns(one, purpose)]
    if any(one.status == OUT and not _ended(one, now) for one in concerned):
        return Answer(Says.REFUSES, name, found.read_at, "opted_out", name)
    if any(one.status not in _KNOWN for one in concerned):
        return Answer(Says.UNKNOWN, name, found.read_at, "consent_unreadable", name)
    for one in concerned:
        if one.status in (IN, OUT) and not _holds(one, now) and not _followed(one, concerned, now):
            return Answer(Says.UNKNOWN, name, found.read_at, _why_not([one], now), name)
    return Answer(Says.PERMITS, name, found.read_at)


def _concerns(record: ConsentRecord, purpose: PurposeRules) -> bool:
    """Whether a consent or refusal is about the purpose: what is not said is about everything."""
    channels = _channels(purpose)
    of_channel = not channels or record.channel is None or record.channel in channels
    ours = purpose.data_use_purpose
    return of_channel and (ours is None or record.purpose is None or record.purpose == ours)


def _channels(purpose: PurposeRules) -> tuple[str, ...]:
    return tuple(_CHANNELS[action] for action in purpose.actions if action in _CHANNELS)


def _holds(record: ConsentRecord, now: datetime) -> bool:
    begun = record.effective_from is None or record.effective_from <= now
    return begun and not _ended(record, now)


def _ended(record: ConsentRecord, now: datetime) -> bool:
    return record.effective_to is not None and record.effective_to <= now


def _followed(old: ConsentRecord, records: Sequence[ConsentRecord], now: datetime) -> bool:
    """Whether a consent for the same holds where another does not."""
    return any(
        one.status == IN
        and _holds(one, now)
        and (one.channel, one.purpose) == (old.channel, old.purpose)
        for one in records
    )


def _why_not(records: Sequence[ConsentRecord], now: datetime) -> str:
    if not records:
        return "no_consent"
    return "consent_expired" if any(_ended(one, now) for one in records) else "consent_not_yet"

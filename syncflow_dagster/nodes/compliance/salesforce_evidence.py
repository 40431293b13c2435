"""What a Salesforce org says about records: its Consent API, their fields, Individuals, consents.

A field that describe does not show is hidden from the connected user or not there: it is not asked
for, and has no entry in the evidence. Consents of a contact point are found by the Individual the
point belongs to, as the object has no field for the person in every edition.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.consent.evidence import (
    PERSON_ACCOUNT,
    ConsentRecord,
    Permission,
    RecordEvidence,
)
from syncflow_dagster.core.outcomes import Retry, Stop
from syncflow_dagster.core.soql.record_ids import BadIdError, long_id
from syncflow_dagster.nodes.compliance.ports import AskAgain
from syncflow_dagster.nodes.compliance.salesforce_rows import former_records, rows_by_ids
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce.consent import consents
from syncflow_dagster.nodes.salesforce.errors import QuotaReached
from syncflow_dagster.nodes.salesforce.quota import DAILY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.consent.evidence import PurposeRules, SubjectRules
    from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo, Schema
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

    Row = Mapping[str, Any]

#: Seconds until requests of a day have come back in numbers.
_QUOTA_WAIT_S = 3600.0
_INDIVIDUAL = "Individual"
_TYPE_CONSENT, _POINT_CONSENT = "ContactPointTypeConsent", "ContactPointConsent"
#: Fields that say how a consent stands; one hidden of them, and nobody can tell.
_STANDING = ("PrivacyConsentStatus", "EffectiveFrom", "EffectiveTo", "DataUsePurposeId")
#: Fields that say whose and for which channel a consent is, the one it is found by first.
_TYPE_KEYS = ("PartyId", "ContactPointType")
_POINT_KEY, _POINT_PARENT = "ContactPointId", "ParentId"
#: Objects of contact points, the field with what people write there, and the consents' channel.
_POINTS = (
    ("ContactPointEmail", "EmailAddress", "Email"),
    ("ContactPointPhone", "TelephoneNumber", "Phone"),
)


def readings(subject: SubjectRules) -> Mapping[str, tuple[str, ...]]:
    """Return all objects and fields that evidence about an object's records is read from."""
    own = (*subject.fields, *subject.emails, *subject.phones)
    if not subject.person:
        return {subject.object: own}
    found = {subject.object: (*own, subject.individual_field), _INDIVIDUAL: subject.flags}
    if _TYPE_CONSENT in subject.consents:
        found[_TYPE_CONSENT] = (*_TYPE_KEYS, *_STANDING)
    if _POINT_CONSENT in subject.consents:
        found |= {name: (_POINT_PARENT, text) for name, text, _ in _POINTS}
        found[_POINT_CONSENT] = (_POINT_KEY, *_STANDING)
    return found


@dataclass(slots=True)
class _OfPersons:
    """What is known by Individual.

    Attributes:
        consents: Consents by object; an object without an entry could not be read.
        emails: Addresses of contact points.
        phones: Numbers of contact points.
    """

    consents: dict[str, dict[str, list[ConsentRecord]]] = field(default_factory=dict)
    emails: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    phones: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


class SalesforceEvidence:
    """Reads evidence from an org: the Consent API once, and a handful of queries.

    Args:
        client: The org.
        describes: Its objects as the connected user sees them.
        clock: When something was read.
    """

    def __init__(self, client: SalesforceClient, describes: Schema, clock: Clock) -> None:
        self._client = client
        self._describes = describes
        self._clock = clock

    def gather(
        self,
        subject: SubjectRules,
        purposes: Sequence[PurposeRules],
        record_ids: Sequence[str],
    ) -> Mapping[str, RecordEvidence]:
        """Read what the org says about some records now.

        Args:
            subject: What is read of the records' object.
            purposes: What it is wanted for.
            record_ids: 200 ids at most, of 15 or 18 characters.

        Returns:
            Evidence for every id, by the id as it was given.

        Raises:
            AskAgain: The org did not answer, or refuses a question as such.
        """
        long = {one: _long(one) for one in record_ids}
        ids = list(dict.fromkeys(one for one in long.values() if one is not None))
        nothing = RecordEvidence(self._clock.now())
        with _no_verdict():
            actions = list(dict.fromkeys(one for rules in purposes for one in rules.actions))
            told = self._actions(actions, ids) if subject.person else {}
            found = {
                one: replace(each, actions=told.get(one, {}))
                for one, each in self._records(subject, ids).items()
            }
            if subject.person:
                found = self._with_consents(subject, found)
        return {
            given: found.get(one, replace(nothing, actions=told.get(one, {})))
            if one is not None
            else nothing
            for given, one in long.items()
        }

    def _actions(
        self, actions: Sequence[str], ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Permission]]:
        if not ids:
            return {}
        told = consents(self._client, actions, ids)
        return {
            one: {action: Permission(says.value) for action, says in of_one.items()}
            for one, of_one in told.items()
        }

    def _records(self, subject: SubjectRules, ids: Sequence[str]) -> dict[str, RecordEvidence]:
        described = self._describes.object(subject.object)
        if described is None or not ids:
            return {}
        wanted = [*subject.fields, *subject.emails, *subject.phones]
        wanted += [subject.individual_field] if subject.person else [PERSON_ACCOUNT]
        shown = _shown(described, wanted)
        parent = described.field(subject.individual_field) if subject.person else None
        flags = self._flags(subject, parent)
        above = parent.relationship_name if parent is not None and flags else None
        selected = ["Id", *shown.values(), *(f"{above}.{one}" for one in flags.values() if above)]
        found, now = {}, self._clock.now()
        former = former_records(self._client, self._describes, described.name, ids)
        for row in rows_by_ids(self._client, selected, described.name, "Id", ids):
            fields = {name: row.get(its) for name, its in shown.items() if its in row}
            person = row.get(above) if above else None
            individual = None
            if isinstance(person, dict):
                individual = {name: person.get(its) for name, its in flags.items()}
            one = long_id(row["Id"])
            records = None if former is None else former.get(one, ())
            found[one] = RecordEvidence(now, fields=fields, individual=individual, records=records)
        return found

    def _flags(self, subject: SubjectRules, parent: FieldInfo | None) -> Mapping[str, str]:
        """Return the readable fields of the Individual, `Id` among them; none where it has none."""
        described = self._describes.object(_INDIVIDUAL)
        if parent is None or _INDIVIDUAL not in parent.reference_to or described is None:
            return {}
        return _shown(described, ["Id", *subject.flags])

    def _with_consents(
        self, subject: SubjectRules, found: Mapping[str, RecordEvidence]
    ) -> dict[str, RecordEvidence]:
        persons = {
            one: long_id(individual)
            for one, each in found.items()
            if isinstance(individual := (each.fields or {}).get(subject.individual_field), str)
        }
        known = self._of_persons(subject, list(dict.fromkeys(persons.values())))
        return {
            one: replace(
                each,
                consents={
                    name: of_all.get(persons.get(one, ""), [])
                    for name, of_all in known.consents.items()
                },
                emails=tuple(known.emails.get(persons.get(one, ""), ())),
                phones=tuple(known.phones.get(persons.get(one, ""), ())),
            )
            for one, each in found.items()
        }

    def _of_persons(self, subject: SubjectRules, persons: Sequence[str]) -> _OfPersons:
        known = _OfPersons()
        if _TYPE_CONSENT in subject.consents:
            rows = self._consent_rows(_TYPE_CONSENT, _TYPE_KEYS, persons)
            if rows is not None:
                of_all = known.consents.setdefault(_TYPE_CONSENT, defaultdict(list))
                for row in rows:
                    of_all[long_id(row["PartyId"])].append(_consent(row, row["ContactPointType"]))
        if _POINT_CONSENT in subject.consents:
            self._of_points(known, persons)
        return known

    def _of_points(self, known: _OfPersons, persons: Sequence[str]) -> None:
        """Read contact points, then the consents of these."""
        points: dict[str, tuple[str, str]] = {}
        for name, text, channel in _POINTS:
            rows = self._rows(name, (_POINT_PARENT, text), _POINT_PARENT, persons)
            if rows is None:
                return
            kept = known.emails if channel == "Email" else known.phones
            for row in rows:
                person = long_id(row[_POINT_PARENT])
                points[long_id(row["Id"])] = person, channel
                kept[person] += [row[text]] if row[text] else []
        rows = self._consent_rows(_POINT_CONSENT, (_POINT_KEY,), list(points))
        if rows is None:
            return
        of_all = known.consents.setdefault(_POINT_CONSENT, defaultdict(list))
        for row in rows:
            person, channel = points[long_id(row[_POINT_KEY])]
            of_all[person].append(_consent(row, channel))

    def _consent_rows(self, name: str, keys: Sequence[str], ids: Sequence[str]) -> list[Row] | None:
        purpose = self._describes.object("DataUsePurpose")
        named = purpose is not None and purpose.field("Name") is not None
        more = ("DataUsePurpose.Name",) if named else ()
        return self._rows(name, (*keys, *_STANDING), keys[0], ids, more)

    def _rows(
        self,
        name: str,
        fields: Sequence[str],
        key: str,
        ids: Sequence[str],
        parents: Sequence[str] = (),
    ) -> list[Row] | None:
        """Return rows of an object; None if the user cannot see it, or one of the fields."""
        described = self._describes.object(name)
        if described is None or len(_shown(described, fields)) < len(fields):
            return None
        return list(rows_by_ids(self._client, ["Id", *fields, *parents], name, key, ids))


@contextmanager
def _no_verdict() -> Iterator[None]:
    """Turn what an org does not answer into "ask again": it says nothing about anybody."""
    try:
        yield
    except QuotaReached as error:
        raise AskAgain(Stop(str(error), DAILY, _QUOTA_WAIT_S)) from error
    except SourceUnavailableError as error:
        raise AskAgain(Retry(str(error), counts=False, outage=True)) from error
    except QueryFailedError as error:
        raise AskAgain(Stop(str(error))) from error


def _long(record_id: str) -> str | None:
    try:
        return long_id(record_id)
    except BadIdError:
        return None


def _shown(described: ObjectInfo, names: Iterable[str]) -> dict[str, str]:
    """Return those fields describe shows, with the name it has for each."""
    known = {name: described.field(name) for name in names}
    return {name: info.name for name, info in known.items() if info is not None}


def _consent(row: Row, channel: str | None) -> ConsentRecord:
    """Read one consent; one whose times or purpose cannot be read has no status."""
    purpose = row.get("DataUsePurpose")
    name = purpose.get("Name") if isinstance(purpose, dict) else None
    try:
        begins, ends = _moment(row["EffectiveFrom"]), _moment(row["EffectiveTo"])
    except ValueError:
        return ConsentRecord(None)
    if row["DataUsePurposeId"] is not None and name is None:
        return ConsentRecord(None)
    return ConsentRecord(row["PrivacyConsentStatus"], channel, name, begins, ends)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

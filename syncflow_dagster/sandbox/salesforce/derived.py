"""Fields that the org fills by itself from others when a record is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.objects import standard_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef
    from syncflow_dagster.sandbox.salesforce.store import Record

# The numbers that `Name` counts up where people cannot write it.
_NUMBERED = {"Tag_Assignment__c": "TAG-{:06d}", "Invoice__c": "INV-{:06d}"}


def derive(definition: ObjectDef, record: Record, number: Callable[[], int]) -> None:
    """Fill a record that is about to be saved: names, addresses, states.

    Args:
        definition: Its object.
        record: Changed in place.
        number: Gives the next number of the object.
    """
    if "LastName" in definition.fields:
        names = (record.get("FirstName"), record.get("LastName"))
        record["Name"] = " ".join(one for one in names if one)
    for name, parts in definition.compounds.items():
        record[name] = _address(name, parts, record)
    pattern = _NUMBERED.get(definition.name)
    if pattern is not None and not record.get("Name"):
        record["Name"] = pattern.format(number())
    special = _SPECIAL.get(definition.name)
    if special is not None:
        special(record)


def _address(name: str, parts: tuple[FieldDef, ...], record: Record) -> dict[str, object] | None:
    if all(record.get(part.name) is None for part in parts):
        return None
    shown: dict[str, object] = {"geocodeAccuracy": None}
    for part in parts:
        # REST writes the parts in lower camel case, with the accuracy of a geocode among them.
        word = part.name.removeprefix(name.removesuffix("Address"))
        shown[word[0].lower() + word[1:]] = record.get(part.name)
    return dict(sorted(shown.items()))


def _contact(record: Record) -> None:
    record["IsEmailBounced"] = record.get("EmailBouncedDate") is not None


def _opportunity(record: Record) -> None:
    stage = record.get("StageName") or ""
    record["IsClosed"] = stage.startswith("Closed")
    record["IsWon"] = stage == "Closed Won"


def _contact_point(record: Record) -> None:
    record["Name"] = record.get("EmailAddress") or record.get("TelephoneNumber")


def _assignment(record: Record) -> None:
    entity = record.get("EntityId") or ""
    target = standard_schema().of_id(entity)
    record["EntityKeyPrefix"] = entity[:3] or None
    record["EntityType"] = None if target is None else target.name


def _member(record: Record) -> None:
    record["HasResponded"] = record.get("Status") == "Responded"


_SPECIAL: dict[str, Callable[[Record], None]] = {
    "Contact": _contact,
    "Opportunity": _opportunity,
    "ContactPointEmail": _contact_point,
    "ContactPointPhone": _contact_point,
    "TopicAssignment": _assignment,
    "CampaignMember": _member,
}

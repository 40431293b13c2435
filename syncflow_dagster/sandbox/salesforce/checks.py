"""What a record must be like to be saved, in the order in which the org objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.errors import RowError
from syncflow_dagster.sandbox.salesforce.values import rest_value, stored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from syncflow_dagster.sandbox.salesforce.org import Org
    from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef
    from syncflow_dagster.sandbox.salesforce.store import Record
    from syncflow_dagster.sandbox.salesforce.users import Viewer

shown = rest_value
kept = stored
_IGNORED = frozenset({"attributes", "id"})


def stamps(viewer: Viewer, now: datetime, definition: ObjectDef) -> Record:
    """The system's fields of a new record."""
    usual = {"CreatedDate": now, "CreatedById": viewer.id} | touched(viewer, now)
    return {name: value for name, value in usual.items() if name in definition.fields}


def touched(viewer: Viewer, now: datetime) -> Record:
    """The system's fields of a record that a user has changed."""
    return {"LastModifiedDate": now, "LastModifiedById": viewer.id, "SystemModstamp": now}


def changes(
    org: Org, definition: ObjectDef, values: Mapping[str, Any], viewer: Viewer, *, new: bool
) -> Record:
    """The sent values as they are kept, by exact name.

    Raises:
        RowError: A field is unknown, hidden, not writable, or its value not possible; or a
            required one is missing.
    """
    found: Record = {}
    locked = []
    for name, value in values.items():
        if name.lower() in _IGNORED:
            continue
        if isinstance(value, dict):
            field, sent = _by_external_id(org, definition, name, value, viewer)
        else:
            field, sent = _field(definition, name, viewer), value
        if not (field.createable if new else field.updateable):
            locked.append(field.name)
            continue
        found[field.name] = stored(field, sent)
        if field.type == "reference":
            _points(org, field, found[field.name])
    if locked:
        _refuse_locked(locked)
    _required(definition, found, new=new)
    return found


def _refuse_locked(locked: list[str]) -> None:
    text = (
        f"Unable to create/update fields: {', '.join(locked)}. Please check the security settings "
        "of this field and verify that it is read/write for your profile or permission set."
    )
    raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", text, tuple(locked))


def _field(definition: ObjectDef, name: str, viewer: Viewer) -> FieldDef:
    field = definition.field(name)
    if field is None or viewer.hides(definition.name, field.name):
        text = f"No such column '{name}' on sobject of type {definition.name}"
        raise RowError("INVALID_FIELD", text)
    return field


def _by_external_id(
    org: Org, definition: ObjectDef, name: str, value: Mapping[str, Any], viewer: Viewer
) -> tuple[FieldDef, object]:
    """The reference field behind `{"Account": {"External_Id__c": "x"}}`, and the Id found."""
    step = org.schema.parent(definition, name)
    if step is None or viewer.hides(definition.name, step[0].name):
        text = f"No such column '{name}' on sobject of type {definition.name}"
        raise RowError("INVALID_FIELD", text)
    field, target = step
    given = {key: one for key, one in value.items() if key != "attributes"}
    if len(given) != 1:
        text = f"The {name} foreign key must name one external ID field"
        raise RowError("INVALID_FIELD", text)
    ((key, wanted),) = given.items()
    by = external_id(target, key, viewer)
    ids = org.matches(by, target.name, stored(by, wanted))
    if len(ids) != 1:
        kind = "more than one record found for" if ids else "Foreign key"
        text = (
            f"{kind} external ID: {str(wanted).lower()} not found for field {by.name} "
            f"in entity {target.name}"
        )
        raise RowError("INVALID_FIELD", text, (field.name,))
    return field, ids[0]


def external_id(definition: ObjectDef, name: str, viewer: Viewer) -> FieldDef:
    """The field records are upserted by: an external id, or `Id`.

    Raises:
        RowError: There is no such external id.
    """
    field = definition.field(name)
    usable = field is not None and (field.external_id or field.name == "Id")
    if field is None or not usable or viewer.hides(definition.name, field.name):
        text = f"Provided external ID field does not exist or is not accessible: {name}"
        raise RowError("NOT_FOUND", text, status=404)
    return field


def _points(org: Org, field: FieldDef, record_id: str | None) -> None:
    if record_id is None:
        return
    target = org.schema.of_id(record_id)
    if target is None or target.name not in field.reference_to:
        text = f"{field.label}: id value of incorrect type: {record_id}"
        raise RowError("FIELD_INTEGRITY_EXCEPTION", text, (field.name,))
    record = org.tables[target.name].latest.get(record_id)
    if record is None:
        text = "invalid cross reference id"
        raise RowError("INVALID_CROSS_REFERENCE_KEY", text, (field.name,))
    if record.get("IsDeleted"):
        raise RowError("ENTITY_IS_DELETED", "entity is deleted", (field.name,))


def _required(definition: ObjectDef, found: Record, *, new: bool) -> None:
    missing = [
        one.name
        for one in definition.fields.values()
        if not one.nillable
        and one.createable
        and one.default is None
        and (found.get(one.name) is None if new else one.name in found and found[one.name] is None)
    ]
    if missing:
        text = f"Required fields are missing: [{', '.join(missing)}]"
        raise RowError("REQUIRED_FIELD_MISSING", text, tuple(missing))


def unique(org: Org, definition: ObjectDef, record: Record) -> None:
    """See that no other record has the same value in a unique field.

    Raises:
        RowError: One has.
    """
    for field in definition.fields.values():
        if not field.unique or record.get(field.name) is None:
            continue
        others = [
            one
            for one in org.matches(field, definition.name, record[field.name])
            if one != record["Id"]
        ]
        if others:
            text = (
                f"duplicate value found: {field.name} duplicates value on record with id: "
                f"{others[0][:15]}"
            )
            raise RowError("DUPLICATE_VALUE", text, (field.name,))

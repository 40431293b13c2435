"""Short ways to write the definitions of fields and objects."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef

# Longer texts are "long text areas", which cannot be filtered, sorted or grouped.
_LONG_TEXT = 255


def _label(name: str) -> str:
    if name.endswith("__c"):
        return name.removesuffix("__c").replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"(?<=.)Id$", " ID", name)).replace("  ", " ")


def text(name: str, length: int = 255, kind: str = "string", **more: Any) -> FieldDef:
    """A text field; a textarea of more than 255 characters cannot be filtered."""
    short = not (kind == "textarea" and length > _LONG_TEXT)
    usual = {"filterable": short, "sortable": short, "groupable": kind != "textarea"}
    return FieldDef(name, kind, _label(name), length, **(usual | more))


def flag(name: str, **more: Any) -> FieldDef:
    """A checkbox: never null, false unless given."""
    return FieldDef(name, "boolean", _label(name), **({"nillable": False, "default": False} | more))


def number(name: str, kind: str = "double", precision: int = 18, scale: int = 2) -> FieldDef:
    """A number of so many digits, `scale` of them behind the point."""
    groupable = kind == "int"
    return FieldDef(name, kind, _label(name), precision=precision, scale=scale, groupable=groupable)


def moment(name: str, kind: str = "datetime", **more: Any) -> FieldDef:
    """A date, or a date with time."""
    return FieldDef(name, kind, _label(name), **({"groupable": kind == "date"} | more))


def pick(name: str, *values: str, kind: str = "picklist", **more: Any) -> FieldDef:
    """A picklist, or several values of one (`kind="multipicklist"`)."""
    usual: dict[str, Any] = {"picklist": values}
    if kind == "multipicklist":
        usual |= {"sortable": False, "groupable": False}
    length = 4099 if kind == "multipicklist" else 255
    return FieldDef(name, kind, _label(name), length, **(usual | more))


def ref(name: str, *targets: str, relationship: str | None = None, **more: Any) -> FieldDef:
    """A reference; its relationship is named after the field unless told otherwise."""
    usual = name.replace("__c", "__r") if name.endswith("__c") else name.removesuffix("Id")
    return FieldDef(
        name,
        "reference",
        _label(name),
        18,
        reference_to=targets,
        relationship_name=relationship or usual,
        **more,
    )


def address(name: str) -> list[FieldDef]:
    """A compound address with the fields it is made of."""
    prefix = name.removesuffix("Address")
    lengths = {"Street": 255, "City": 40, "State": 80, "PostalCode": 20, "Country": 80}
    parts = [
        text(prefix + part, length, "textarea" if part == "Street" else "string", compound=name)
        for part, length in lengths.items()
    ]
    parts += [
        replace(number(prefix + part, precision=18, scale=15), compound=name)
        for part in ("Latitude", "Longitude")
    ]
    whole = FieldDef(
        name,
        "address",
        _label(name),
        createable=False,
        updateable=False,
        sortable=False,
        groupable=False,
    )
    return [*parts, whole]


def person_name() -> list[FieldDef]:
    """The name of a person: four fields, and `Name` made of them."""
    return [
        text("LastName", 80, nillable=False, compound="Name"),
        text("FirstName", 40, compound="Name"),
        pick("Salutation", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", compound="Name"),
        text("Name", 121, nillable=False, **_READ_ONLY),
    ]


_READ_ONLY: dict[str, Any] = {"createable": False, "updateable": False}


def system_fields(*, deletable: bool = True) -> list[FieldDef]:
    """What the service itself writes: Id, stamps and, unless the object has none, IsDeleted."""
    fixed = _READ_ONLY | {"nillable": False}
    fields = [FieldDef("Id", "id", "Record ID", 18, **fixed)]
    if deletable:
        fields.append(flag("IsDeleted", **_READ_ONLY))
    for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
        fields.append(moment(name, **fixed))
        if name != "SystemModstamp":
            fields.append(ref(name.removesuffix("Date") + "ById", "User", **fixed))
    return fields


def sobject(name: str, prefix: str, *fields: FieldDef | list[FieldDef], **more: Any) -> ObjectDef:
    """An object with the system's fields before its own."""
    binned = more.pop("has_bin", True)
    own: list[FieldDef] = []
    for one in fields:
        own.extend(one if isinstance(one, list) else [one])
    listed = [*system_fields(deletable=binned), *own]
    if more.get("mergeable"):
        listed.insert(2, ref("MasterRecordId", name, relationship="MasterRecord", **_READ_ONLY))
    by_name = {one.name: one for one in listed}
    return ObjectDef(name, _label(name), prefix, by_name, custom=name.endswith("__c"), **more)

"""Seed documents of the fake org: records as they are, or people that are made up.

    {"service": "salesforce",
     "records": {"Account": [{"key": "acme", "Name": "Acme"}],
                 "Contact": [{"LastName": "Diaz", "AccountId": "@acme"}]},
     "people": {"accounts": 300, "contacts": 3000, "leads": 500, "seed": 7}}

A record may have a `key`, by which references (`"@key"`) find it; an `Id`, the stamps
`CreatedDate`, `LastModifiedDate` and `SystemModstamp`, calculated fields and `IsDeleted` may be
given too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from syncflow_dagster.sandbox.salesforce.errors import RowError
from syncflow_dagster.sandbox.salesforce.people_seed import People  # noqa: TC001 - pydantic reads it
from syncflow_dagster.sandbox.salesforce.values import stored

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.org import Org, Record
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef


class SalesforceSeedError(ValueError):
    """A seed of the fake org is not valid; the text says where."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    service: str = "salesforce"
    records: dict[str, list[dict[str, Any]]] = {}
    people: People | None = None


@dataclass(frozen=True)
class Seed:
    """A checked seed document.

    Attributes:
        records: By object, as they are written.
        people: The people to make, if any.
    """

    records: dict[str, list[dict[str, Any]]]
    people: People | None


def parse_seed(document: object, source: str) -> Seed:
    """Check a seed's form.

    Args:
        document: The decoded JSON.
        source: What the seed is called in errors.

    Raises:
        SalesforceSeedError: It has not the form above.
    """
    try:
        read = _Document.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f"{source}: {where}: {first['msg']}"
        raise SalesforceSeedError(msg) from error
    return Seed(read.records, read.people)


def plant(seed: Seed, org: Org, source: str) -> None:
    """Add a seed's records to an org, visible at once, not logged; its people come later.

    Args:
        seed: What to add.
        org: Where to.
        source: What the seed is called in errors.

    Raises:
        SalesforceSeedError: A record does not fit the org's objects; nothing was added.
    """
    read = [
        _read(org, definition, values, f"{source}: records.{name}[{place}]")
        for name, listed in seed.records.items()
        for definition in [_definition(org, name, source)]
        for place, values in enumerate(listed)
    ]
    keys = {one.key: one.values["Id"] for one in read if one.key is not None}
    for one in read:
        _resolve(one, keys)
    for one in read:
        org.load(one.object_name, one.values, record_id=one.values["Id"])


@dataclass(frozen=True)
class _Planned:
    """A record that is about to be planted."""

    object_name: str
    key: str | None
    values: Record
    pointing: frozenset[str]
    where: str


def _definition(org: Org, name: str, source: str) -> ObjectDef:
    found = org.schema.object(name)
    if found is None:
        msg = f"{source}: records.{name}: there is no such object"
        raise SalesforceSeedError(msg)
    return found


def _read(org: Org, definition: ObjectDef, values: dict[str, Any], where: str) -> _Planned:
    read: Record = {"Id": org.new_id(definition)}
    pointing: set[str] = set()
    for name, value in values.items():
        if name == "key":
            continue
        field = definition.field(name)
        if field is None:
            msg = f"{where}: {definition.name} has no field {name!r}"
            raise SalesforceSeedError(msg)
        if _is_key(value) and field.type == "reference":
            read[field.name] = value
            pointing.add(field.name)
            continue
        try:
            read[field.name] = stored(field, value)
        except RowError as error:
            msg = f"{where}: {error.message}"
            raise SalesforceSeedError(msg) from error
    return _Planned(definition.name, values.get("key"), read, frozenset(pointing), where)


def _is_key(value: object) -> bool:
    return isinstance(value, str) and value.startswith("@")


def _resolve(planned: _Planned, keys: dict[str, str]) -> None:
    for name, value in planned.values.items():
        if name not in planned.pointing:
            continue
        if value[1:] not in keys:
            msg = f"{planned.where}: {name}: {value!r} is the key of no record"
            raise SalesforceSeedError(msg)
        planned.values[name] = keys[value[1:]]

"""Seed documents of the fake org: records as they are, or people that are made up.

    {"service": "salesforce",
     "records": {"Account": [{"key": "acme", "Name": "Acme"}],
                 "Contact": [{"LastName": "Diaz", "AccountId": "@acme"}]},
     "people": {"accounts": 300, "contacts": 3000, "leads": 500, "seed": 7},
     "bulk_rows": {"object": "Invoice__c", "rows": 1000000}}

A record may have a `key`, by which references (`"@key"`) find it; an `Id`, the stamps
`CreatedDate`, `LastModifiedDate` and `SystemModstamp`, calculated fields and `IsDeleted` may be
given too. `bulk_rows` are records computed from their number, for measuring (see `blocks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from syncflow_dagster.sandbox.salesforce.blocks import MOST_ROWS, add_rows
from syncflow_dagster.sandbox.salesforce.errors import RowError
from syncflow_dagster.sandbox.salesforce.people_seed import People  # noqa: TC001 - pydantic reads it
from syncflow_dagster.sandbox.salesforce.values import stored

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.org import Org, Record
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef


class SalesforceSeedError(ValueError):
    """A seed of the fake org is not valid; the text says where."""


class BulkRows(BaseModel):
    """Very many computed records of one object."""

    model_config = ConfigDict(extra="forbid", strict=True)

    object: str
    rows: int = Field(ge=1, le=MOST_ROWS)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    service: str = "salesforce"
    records: dict[str, list[dict[str, Any]]] = {}
    people: People | None = None
    bulk_rows: BulkRows | None = None


@dataclass(frozen=True)
class Seed:
    """A checked seed document.

    Attributes:
        records: By object, as they are written.
        people: The people to make, if any.
        bulk_rows: The computed records, if any.
    """

    records: dict[str, list[dict[str, Any]]]
    people: People | None
    bulk_rows: BulkRows | None


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
    return Seed(read.records, read.people, read.bulk_rows)


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
        for definition in [_definition(org, name, f"{source}: records")]
        for place, values in enumerate(listed)
    ]
    keys = {one.key: one.values["Id"] for one in read if one.key is not None}
    for one in read:
        _resolve(one, keys)
    bulk = seed.bulk_rows
    many = None if bulk is None else _definition(org, bulk.object, f"{source}: bulk_rows")
    for one in read:
        org.load(one.object_name, one.values, record_id=one.values["Id"])
    if bulk is not None and many is not None:
        add_rows(org, many, bulk.rows)


@dataclass(frozen=True)
class _Planned:
    """A record that is about to be planted."""

    object_name: str
    key: str | None
    values: Record
    pointing: frozenset[str]
    where: str


def _definition(org: Org, name: str, where: str) -> ObjectDef:
    found = org.schema.object(name)
    if found is None:
        msg = f"{where}.{name}: there is no such object"
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

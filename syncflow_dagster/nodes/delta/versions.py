"""How a snapshot's hashes were made: serialisation, compared fields, their rules, the parent's key.

Each snapshot row names its version. When the definition changes, a record's old field hashes are
read with the field names of its own version, so that only fields whose value differs count as
changed; the others' rows are brought to the new version without a delta row. A field that is new
changes nothing by itself, and one whose rule changed is made by both rules: by the old one to find
what really changed, by the new one to be kept. A column that has another name now is the same one.
Which rules type the parent's key is part of it, so that each record learns its parent anew when
they change, and none of it counts as a change of the record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from syncflow_dagster.core.identity.hashing import ENCODING
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError, MissingColumn
from syncflow_dagster.nodes.delta.normalise import Normaliser, parent_rules
from syncflow_dagster.store.sql import load
from syncflow_dagster.workflows.models.delta import FieldRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models.delta import DeltaNode

#: What of a rule says nothing about how its value is made comparable.
_BESIDE = {"description", "required", "max_length", "compared", "personal", "backfill"}
#: What says something for fields of some types only.
_ONLY_OF = {
    "scale": {"decimal"},
    "timezone": {"date", "datetime"},
    "precision": {"datetime"},
    "ambiguous": {"date", "datetime"},
}


@dataclass(frozen=True)
class Version:
    """One way of making a snapshot's hashes.

    Attributes:
        number: As stored in the snapshot rows.
        fields: Compared fields in the order of their hashes.
        rules: What was declared, as :func:`_rules` writes it.
    """

    number: int
    fields: tuple[str, ...]
    rules: dict[str, Any]

    def rule(self, field: str) -> dict[str, Any] | None:
        """Return how a field was made comparable, None if it was not compared."""
        return next((each for each in self.rules["fields"] if each["name"] == field), None)


@dataclass(frozen=True)
class Earlier:
    """Fields whose rules changed since a version, made again by the rules of then.

    Attributes:
        version: The version.
        remade: What makes each of those fields, by its name: from the column of then, and from
            the one of now, which is read where the source has the other no more.
    """

    version: Version
    remade: dict[str, tuple[Normaliser, ...]] = field(default_factory=dict)

    def column(self, field: str) -> str:
        """Return the name of the column that holds a field as it was made then."""
        return f"#{self.version.number}:{field}"

    def columns(self, raw: pl.DataFrame) -> list[pl.Series]:
        """Make the fields from source rows; a field whose columns are gone is not among them."""
        made = (_first_made(normalisers, raw) for normalisers in self.remade.values())
        return [column.alias(self.column(column.name)) for column in made if column is not None]


def compared_fields(node: DeltaNode) -> list[str]:
    """Return the fields whose change is a change of the record; the key's when there are none."""
    return [rule.name for rule in node.fields if rule.compared] or list(node.key)


def register(
    conn: psycopg.Connection[DictRow], node: DeltaNode, parent: DeltaNode | None
) -> Version:
    """Return the node's version, stored now if it is new.

    Raises:
        DeltaDefinitionError: The keys of node and parent do not match.
    """
    rules = _rules(node, parent)
    parameters = {
        "fingerprint": json.dumps(rules, sort_keys=True),
        "fields": compared_fields(node),
        "rules": Jsonb(rules),
    }
    row = conn.execute(_statement(node, "find_version"), parameters).fetchone()
    if row is None:
        row = conn.execute(_statement(node, "add_version"), parameters).fetchone()
    assert row is not None
    return _version(row)


def earlier(
    conn: psycopg.Connection[DictRow], node: DeltaNode, current: Version
) -> tuple[Earlier, ...]:
    """Return the versions, other than the current one, that the node's snapshot still holds.

    Raises:
        DeltaDefinitionError: This release cannot make the hashes of such a version.
    """
    rows = conn.execute(_statement(node, "all_versions")).fetchall()
    if len(rows) == 1:
        return ()
    used = conn.execute(_statement(node, "used_versions")).fetchall()
    numbers = {row["hash_version"] for row in used} - {current.number}
    return tuple(
        _earlier(node, current, _version(row)) for row in rows if row["hash_version"] in numbers
    )


def forget_unused(conn: psycopg.Connection[DictRow], node: DeltaNode) -> None:
    """Drop the versions no record of the snapshot needs any more, but for the newest."""
    conn.execute(_statement(node, "forget_versions"))


def key_changed(old: Version, new: Version) -> bool:
    """Tell whether the business key is made otherwise now, so that no record is the same."""
    if old.rules["key"] != new.rules["key"]:
        return True
    # A key field that was compared by no one has no rule in the oldest versions.
    pairs = [(old.rule(name), new.rule(name)) for name in new.rules["key"]]
    return any(
        then is not None and now is not None and _comparing(then, now) != _comparing(now, now)
        for then, now in pairs
    )


def _version(row: DictRow) -> Version:
    return Version(row["hash_version"], tuple(row["fields"]), row["rules"])


def _earlier(node: DeltaNode, current: Version, old: Version) -> Earlier:
    if old.rules["encoding"] != current.rules["encoding"]:
        msg = (
            f"node {node.name}: the stored hashes were made as {old.rules['encoding']!r}, this "
            f"release makes {current.rules['encoding']!r} and cannot compare the two; go back to "
            "the release that made them, or give the node a new table"
        )
        raise DeltaDefinitionError(msg)
    remade = {}
    for now in current.rules["fields"]:
        then = old.rule(now["name"])
        if then is not None and _comparing(then, now) != _comparing(now, now):
            columns = dict.fromkeys([then.get("column", now["column"]), now["column"]])
            rules = [{**then, "column": column} for column in columns]
            made = (_normaliser_of(node, rule) for rule in rules)
            remade[now["name"]] = tuple(each for each in made if each is not None)
    return Earlier(old, remade)


def _normaliser_of(node: DeltaNode, rule: dict[str, Any]) -> Normaliser | None:
    """Return what makes a single field; None where this release can make it so no more."""
    alone = {
        **node.model_dump(mode="json", exclude={"parent", "customer", "detection"}),
        "fields": [rule],
        "key": [rule["name"]],
    }
    try:
        return Normaliser(type(node).model_validate(alone), None)
    except (ValidationError, DeltaDefinitionError):
        return None


def _first_made(normalisers: tuple[Normaliser, ...], raw: pl.DataFrame) -> pl.Series | None:
    for normaliser in normalisers:
        try:
            return normaliser(raw).fields.to_series()
        except (MissingColumn, DeltaDefinitionError):
            # Its column is gone, or the function that made it.
            continue
    return None


def _comparing(rule: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return a stored rule in full; what it does not say is as it always was."""
    whole = FieldRule.model_validate({"column": now["column"], **rule})
    foreign = {name for name, types in _ONLY_OF.items() if whole.type not in types}
    return whole.model_dump(mode="json", exclude=_BESIDE | foreign)


def _rules(node: DeltaNode, parent: DeltaNode | None) -> dict[str, Any]:
    wanted = {*compared_fields(node), *node.key}
    rules: dict[str, Any] = {
        "encoding": ENCODING,
        "key": node.key,
        "fields": [_declared(rule) for rule in node.fields if rule.name in wanted],
    }
    if node.parent is not None:  # nothing is said of none, as ever
        rules["parent"] = {
            "node": node.parent.node,
            "key": [_declared(rule) for rule in _parent_key(node, parent)],
        }
    return rules


def _parent_key(node: DeltaNode, parent: DeltaNode | None) -> Iterator[FieldRule]:
    """Give the rules of the parent's key as a record names it: its own value, typed as theirs."""
    for own, theirs in parent_rules(node, parent):
        value = {"name": own.name, "column": own.source_column, "transform": own.transform}
        yield theirs.model_copy(update=value)


def _declared(rule: FieldRule) -> dict[str, Any]:
    # Rules that are as they always were are left out: a release that adds one with a default
    # changes no stored version.
    return {
        "name": rule.name,
        **rule.model_dump(mode="json", exclude=_BESIDE, exclude_defaults=True),
        "column": rule.source_column,
    }


def _statement(node: DeltaNode, name: str) -> sql.Composed:
    return sql.SQL(load("delta")[name]).format(
        version=sql.Identifier("syncflow", f"{node.table}_version"),
        snapshot=sql.Identifier("syncflow", f"{node.table}_snapshot"),
    )

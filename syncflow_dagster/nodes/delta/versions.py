"""How a snapshot's hashes were made: serialisation, compared fields, and their rules.

Each snapshot row names its version. When the definition changes, a record's old field hashes are
read with the field names of its own version, so that only fields whose value differs count as
changed; the others' rows are brought to the new version without a delta row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from syncflow_dagster.core.identity.hashing import ENCODING
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models.delta import DeltaNode

#: What of a rule decides how a value is made comparable.
_COMPARING = ("name", "type", "scale", "timezone", "case", "whitespace", "empty", "transform")


@dataclass(frozen=True)
class Version:
    """One way of making a snapshot's hashes.

    Attributes:
        number: As stored in the snapshot rows.
        fields: Compared fields in the order of their hashes.
    """

    number: int
    fields: tuple[str, ...]


def compared_fields(node: DeltaNode) -> list[str]:
    """Return the fields whose change is a change of the record; the key's when there are none."""
    return [rule.name for rule in node.fields if rule.compared] or list(node.key)


def register(conn: psycopg.Connection[DictRow], node: DeltaNode) -> Version:
    """Return the node's version, stored now if it is new."""
    rules = _rules(node)
    parameters = {
        "fingerprint": json.dumps(rules, sort_keys=True),
        "fields": compared_fields(node),
        "rules": Jsonb(rules),
    }
    row = conn.execute(_statement(node, "find_version"), parameters).fetchone()
    if row is None:
        row = conn.execute(_statement(node, "add_version"), parameters).fetchone()
    assert row is not None
    return Version(row["hash_version"], tuple(row["fields"]))


def known(conn: psycopg.Connection[DictRow], node: DeltaNode) -> dict[int, tuple[str, ...]]:
    """Return the fields of every version the node's snapshot may hold."""
    rows = conn.execute(_statement(node, "all_versions")).fetchall()
    return {row["hash_version"]: tuple(row["fields"]) for row in rows}


def _rules(node: DeltaNode) -> dict[str, Any]:
    compared = set(compared_fields(node))
    return {
        "encoding": ENCODING,
        "key": node.key,
        "fields": [
            rule.model_dump(mode="json", include=set(_COMPARING))
            for rule in node.fields
            if rule.name in compared
        ],
    }


def _statement(node: DeltaNode, name: str) -> sql.Composed:
    table = sql.Identifier("syncflow", f"{node.table}_version")
    return sql.SQL(load("delta")[name]).format(version=table)

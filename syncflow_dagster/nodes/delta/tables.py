"""The tables of a delta node: their names, and bringing them up to the node's definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from syncflow_dagster.core.records import ARCHIVE, SNAPSHOT, VERSION, reserved_among
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule, FieldType

SCHEMA = "syncflow"

#: PostgreSQL's type of each field type, as the catalogue prints it.
COLUMN_TYPES: dict[FieldType, str] = {
    "text": "text",
    "integer": "bigint",
    "decimal": "numeric",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamp with time zone",
}
_LONGEST_NAME = 63


def snapshot_table(node: DeltaNode) -> str:
    """Return the name of the table that holds the last known state of the node's records."""
    return node.table + SNAPSHOT


def version_table(node: DeltaNode) -> str:
    """Return the name of the table that says how the snapshot's hashes were made."""
    return node.table + VERSION


def archive_table(node: DeltaNode) -> str:
    """Return the name of the table that old delta rows move to."""
    return node.table + ARCHIVE


def delta_id(node: DeltaNode) -> sql.Identifier:
    """Return the delta table as a qualified identifier."""
    return sql.Identifier(SCHEMA, node.table)


def snapshot_id(node: DeltaNode) -> sql.Identifier:
    """Return the snapshot table as a qualified identifier."""
    return sql.Identifier(SCHEMA, snapshot_table(node))


def archive_id(node: DeltaNode) -> sql.Identifier:
    """Return the archive table as a qualified identifier."""
    return sql.Identifier(SCHEMA, archive_table(node))


def key_fields(node: DeltaNode) -> list[FieldRule]:
    """Return the rules of the business key's fields, in the key's order.

    Raises:
        DeltaDefinitionError: The key names a field the node does not have.
    """
    known = {rule.name: rule for rule in node.fields}
    missing = [name for name in node.key if name not in known]
    if missing:
        msg = (
            f"node {node.name}: the key names the field {missing[0]!r}, which is not among its "
            f"fields: {', '.join(known)}"
        )
        raise DeltaDefinitionError(msg)
    return [known[name] for name in node.key]


def prepare(database: Database, workflow: str, nodes: Sequence[DeltaNode]) -> None:
    """Create the nodes' tables, or add the columns of fields that are new.

    Calling it again changes nothing. Two processes may do it at once: one waits for the other.

    Args:
        database: A migrated database.
        workflow: The workflow's name.
        nodes: Delta nodes of the workflow, each parent before its children.

    Raises:
        DeltaDefinitionError: A field has a reserved name, a column exists with another type, or a
            table belongs to another node.
    """
    for node in nodes:
        check_definition(node)
    with database.transaction() as conn:
        conn.execute(load("delta")["lock_definitions"])
        for node in nodes:
            _register(conn, workflow, node)
            _create(conn, node)


def check_definition(node: DeltaNode) -> None:
    """Refuse a node whose names cannot be those of its tables.

    Raises:
        DeltaDefinitionError: See above.
    """
    reserved = reserved_among(rule.name for rule in node.fields)
    if reserved:
        msg = (
            f"node {node.name}: the field name {reserved[0]!r} is the name of a column that every "
            f"delta table has; name the field otherwise, such as {node.entity}_{reserved[0]}, "
            "and give the source's name under `column`"
        )
        raise DeltaDefinitionError(msg)
    if len(snapshot_table(node)) > _LONGEST_NAME:
        longest = _LONGEST_NAME - len(snapshot_table(node)) + len(node.table)
        msg = f"node {node.name}: the table name {node.table!r} is longer than {longest} characters"
        raise DeltaDefinitionError(msg)
    key_fields(node)
    if node.customer is not None and node.customer not in {rule.name for rule in node.fields}:
        msg = f"node {node.name}: customer names the field {node.customer!r}, which it has not"
        raise DeltaDefinitionError(msg)


def _register(conn: psycopg.Connection[DictRow], workflow: str, node: DeltaNode) -> None:
    wanted = {"table_name": node.table, "workflow": workflow, "node": node.name}
    for row in conn.execute(load("delta")["find_entities"], wanted).fetchall():
        if {name: row[name] for name in wanted} == wanted:
            continue
        msg = (
            f"node {node.name} of {workflow} is to keep its delta in {node.table}, but node "
            f"{row['node']} of {row['workflow']} keeps its own in {row['table_name']}: choose "
            "another table, or rename the tables in the database and in syncflow.delta_entity"
        )
        raise DeltaDefinitionError(msg)
    conn.execute(load("delta")["register_entity"], {**wanted, "entity": node.entity})


def _create(conn: psycopg.Connection[DictRow], node: DeltaNode) -> None:
    statements = load("delta")
    if not columns(conn, node.table):
        # Indexes and the trigger lock the table even where they exist, so only when it is new.
        for name in ("create_delta", "index_records", "index_unfinished", "guard_states"):
            conn.execute(sql.SQL(statements[name]).format(delta=delta_id(node)))
        conn.execute(sql.SQL(statements["create_snapshot"]).format(snapshot=snapshot_id(node)))
        versions_id = sql.Identifier(SCHEMA, version_table(node))
        conn.execute(sql.SQL(statements["create_version"]).format(version=versions_id))
    _extend(conn, node, node.table, node.fields)
    _extend(conn, node, snapshot_table(node), key_fields(node))
    if "row_hash" not in columns(conn, snapshot_table(node)):
        conn.execute(sql.SQL(statements["add_row_hash"]).format(snapshot=snapshot_id(node)))


def _extend(
    conn: psycopg.Connection[DictRow], node: DeltaNode, table: str, rules: Iterable[FieldRule]
) -> None:
    there = columns(conn, table)
    for rule in rules:
        wanted = COLUMN_TYPES[rule.type]
        if rule.name not in there:
            conn.execute(
                sql.SQL("alter table {} add column {} {}").format(
                    sql.Identifier(SCHEMA, table), sql.Identifier(rule.name), sql.SQL(wanted)
                )
            )
        elif there[rule.name] != wanted:
            msg = (
                f"node {node.name}: the field {rule.name} is {rule.type} ({wanted}) now, but the "
                f"column {table}.{rule.name} is {there[rule.name]}: change the column's type in "
                "the database, or give the field another name"
            )
            raise DeltaDefinitionError(msg)


def columns(conn: psycopg.Connection[DictRow], table: str) -> dict[str, str]:
    """Return the type of each column of one of our tables, as the catalogue prints it."""
    rows = conn.execute(load("delta")["columns"], {"schema": SCHEMA, "table": table}).fetchall()
    return {row["name"]: row["type"] for row in rows}

"""Names that must be there once only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.records import RESERVED_COLUMNS, TABLE_ENDINGS
from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import repeated
from syncflow_dagster.workflows.rules.triggers import TIME_TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph

_RETENTION = "retention"
#: Names of triggers that the file gives none, by type.
_DEFAULT_NAMES = {**dict.fromkeys(TIME_TRIGGERS, "schedule"), "after": "after"}


def node_names(graph: Graph) -> Iterator[Finding]:
    """Report nodes of one name."""
    names = [node["name"] for node in graph.nodes]
    yield from repeated(names, "the node name", "every node needs a name of its own")


def trigger_names(graph: Graph) -> Iterator[Finding]:
    """Report triggers of one name, and schedules named like the one of retention."""
    seen: set[str] = set()
    for trigger in graph.root["triggers"].items():
        kind = trigger["type"].text
        if kind not in _DEFAULT_NAMES:
            continue
        at = trigger["name"]
        if at.exists and at.text is None:
            continue  # The model says so.
        name = at.text or _DEFAULT_NAMES[kind]
        if name in seen:
            hint = "give each trigger a 'name' of its own"
            loc = at.loc if at.exists else trigger.loc
            yield Finding(loc, f"two triggers are called {name!r}", hint)
        if name == _RETENTION and kind in TIME_TRIGGERS:
            message = f"the schedule of the workflow's retention is called {name!r} already"
            yield Finding(at.loc, message, "give the trigger another name")
        seen.add(name)


def second_pending_rows(graph: Graph) -> Iterator[Finding]:
    """Report a second pending_rows trigger."""
    triggers = graph.root["triggers"].items()
    for trigger in [one for one in triggers if one["type"].text == "pending_rows"][1:]:
        message = "there is a pending_rows trigger already"
        yield Finding(trigger.loc, message, "one serves the whole workflow: remove this")


def field_names(graph: Graph) -> Iterator[Finding]:
    """Report fields of one name, and key fields listed twice."""
    for delta in graph.of_type("delta"):
        names = [rule["name"] for rule in delta["fields"].items()]
        yield from repeated(names, "the field", "every field of a node needs a name of its own")
        yield from repeated(delta["key"].texts(), "the key field", "list it once")


def reserved_field_names(graph: Graph) -> Iterator[Finding]:
    """Report fields named like a column that every delta table has."""
    for delta in graph.of_type("delta"):
        for rule in delta["fields"].items():
            name = rule["name"].text
            if name not in RESERVED_COLUMNS:
                continue
            message = f"every delta table has a column {name!r} of its own"
            column = rule["column"].text or name
            other = f"{delta['entity'].text or 'record'}_{name}"
            hint = f"name the field otherwise, for example {{name: {other}, column: {column}}}"
            yield Finding(rule["name"].loc, message, hint)


def tables(graph: Graph) -> Iterator[Finding]:
    """Report delta nodes that share a table, or whose table is one that another brings along."""
    names = [delta["table"] for delta in graph.of_type("delta")]
    yield from repeated(names, "the delta table", "every delta node needs a table of its own")
    owners = {f"{one.text}{end}": one.text for one in names if one.text for end in TABLE_ENDINGS}
    for name in names:
        if name.text in owners:
            owner = owners[name.text]
            message = f"the table {name.text!r} is made beside the delta table {owner!r}"
            yield Finding(name.loc, message, "choose another table")


def board_columns(graph: Graph) -> Iterator[Finding]:
    """Report columns of a board that two fields would be written to."""
    for mapping in graph.mappings():
        columns = [mapping.view["key_column"]]
        for key in ("columns", "statuses"):
            columns += [entry["column"] for entry in mapping.view[key].items()]
        yield from repeated(columns, "the board column", "a column takes one field only")


RULES = (
    node_names,
    trigger_names,
    second_pending_rows,
    field_names,
    reserved_field_names,
    tables,
    board_columns,
)

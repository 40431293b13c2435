"""Records that wait to be planned: how many, and which of the labels they want the board lacks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.nodes.monday.columns import Options
from syncflow_dagster.nodes.monday.columns.base import several
from syncflow_dagster.nodes.monday.preflight import Fault, mappings, place_of, warning
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import DeltaNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.nodes.monday.contract import Contract
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import ItemMapping, MondayPushNode, Workflow
    from syncflow_dagster.workflows.problems import Loc

#: Different values of a field that are looked at, the most frequent first.
_MOST_VALUES = 500
#: Labels one fault names.
_MOST_NAMED = 10


def waiting_rows(
    database: Database, workflow: Workflow, node: MondayPushNode
) -> tuple[int, Counter[str]]:
    """Count rows that wait to be planned, for those who need no plan.

    Args:
        database: The delta tables.
        workflow: The workflow.
        node: Its push node.

    Returns:
        How many there are, and the changes they make at least: `create_item`, `create_subitem`, and
        all `others`.
    """
    changes: Counter[str] = Counter()
    for mapping, _, is_subitems in mappings(node, ()):
        source = workflow.node(mapping.source)
        assert isinstance(source, DeltaNode)
        text: Any = sql.load("push")["waiting_rows"]
        query = compose.SQL(text).format(table=compose.Identifier(source.table))
        with database.transaction() as conn:
            found = conn.execute(query).fetchall()
        create = "create_subitem" if is_subitems else "create_item"
        for row in found:
            changes[create if row["operation"] == "INSERT" else "others"] += row["records"]
    return changes.total(), changes


def waiting_labels(
    database: Database, workflow: Workflow, node: MondayPushNode, contract: Contract
) -> Iterator[Fault]:
    """Report labels that rows which wait to be planned want and the board does not have.

    Args:
        database: The delta tables.
        workflow: The workflow.
        node: Its push node.
        contract: The boards as read.
    """
    for mapping, at, is_subitems in mappings(node, place_of(workflow, node)):
        board = contract.of(subitems=is_subitems)
        source = workflow.node(mapping.source)
        assert isinstance(source, DeltaNode)
        for loc, column_id, wanted in _wanted(database, source.table, mapping, at):
            column = board.columns.get(column_id) if board is not None else None
            if column is None or column.labels is None:
                continue
            missing = Counter({one: wanted[one] for one in wanted if one not in column.labels})
            if missing:
                yield _fault(loc, column_id, missing)


def _fault(loc: Loc, column_id: str, missing: Counter[str]) -> Fault:
    named = [f"{label!r} ({count:,})" for label, count in missing.most_common(_MOST_NAMED)]
    more = f" and {len(missing) - _MOST_NAMED:,} more" if len(missing) > _MOST_NAMED else ""
    message = f"waiting records want labels that column {column_id!r} lacks: {', '.join(named)}"
    hint = "add them on the board first; by the column's rule they are refused or left out"
    return warning("labels_wanted", loc, message + more, hint)


def _wanted(
    database: Database, table: str, mapping: ItemMapping, at: Loc
) -> Iterator[tuple[Loc, str, Counter[str]]]:
    """Return for each column that takes labels how often each is wanted."""
    for number, column in enumerate(mapping.columns):
        if column.type == "dropdown":
            options = Options(separator=column.separator)
            wanted: Counter[str] = Counter()
            for value, records in _values(database, table, column.field):
                wanted.update(dict.fromkeys(several(value, options), records))
            yield (*at, "columns", number, "column"), column.column, wanted
    for number, status in enumerate(mapping.statuses):
        wanted = Counter()
        for value, records in _values(database, table, status.field):
            wanted[status.labels.get(value, value)] += records
        yield (*at, "statuses", number, "column"), status.column, wanted


def _values(database: Database, table: str, name: str) -> list[tuple[str, int]]:
    text: Any = sql.load("push")["waiting_values"]
    query = compose.SQL(text).format(
        table=compose.Identifier(table), field=compose.Identifier(name)
    )
    with database.transaction() as conn:
        found = conn.execute(query, {"limit": _MOST_VALUES}).fetchall()
    return [(row["value"], row["records"]) for row in found]

"""What checks and tables ask the database. Reads only; imports no Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.nodes.delta.parents import awaited
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.delta.parts import Part
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import DeltaNode

#: Rows shown of a longer list.
SAMPLES = 50
_SCHEMA = "syncflow"


@dataclass(frozen=True, slots=True)
class Work:
    """Where a workflow's pushes take their work from.

    Attributes:
        tables: Delta tables.
        places: Node and pass of each delivery.
        children: Delta nodes whose records wait for a parent, each with the parent's node.
        due: Delta nodes whose records have times of their own.
    """

    tables: Sequence[str] = ()
    places: Sequence[tuple[str, int]] = ()
    children: Sequence[tuple[DeltaNode, DeltaNode]] = ()
    due: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PassWork:
    """What one pass of a push would find.

    Attributes:
        has_work: Whether anything would be planned, sent, looked up or released.
        waiting: Effects that hang on something that is not there.
        remaining: Other effects under way.
    """

    has_work: bool
    waiting: int
    remaining: int


def _tables(pairs: Sequence[tuple[DeltaNode, DeltaNode]]) -> list[str]:
    return [node.table for pair in pairs for node in pair]


class Observer:
    """Reads delta tables and the ledger without changing them.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = sql.load("observe")

    def pass_work(
        self,
        workflow: str,
        node: str,
        pass_number: int,
        until: datetime,
        plans: Work | None = None,
    ) -> PassWork:
        """Return what a pass, begun now, would find to do before a moment.

        Args:
            workflow: The workflow's name.
            node: The push node's name.
            pass_number: The pass.
            until: Database time up to which the pass would wait for what is not due yet.
            plans: What it plans from, if it plans.
        """
        (found,) = self._of_node("pass_work", workflow, node, **{"pass": pass_number}, until=until)
        has_rows = plans is not None and self._has_rows(plans)
        return PassWork(has_rows or found["has_work"], found["waiting"], found["remaining"])

    def has_plans(self, workflow: str, node: str, policy_hash: str) -> bool:
        """Tell whether a tag node has plans to apply, or to make anew under this policy."""
        return bool(self._of_node("any_plan", workflow, node, policy_hash=policy_hash))

    def held_up(self, workflow: str, node: str, pass_number: int) -> list[DictRow]:
        """Return what a pass that does not get on waits for, the longest waiting first."""
        return self._of_node("held_up", workflow, node, **{"pass": pass_number})

    def left_behind(self, workflow: str, places: Sequence[tuple[str, int]]) -> list[DictRow]:
        """Return open effects of nodes and passes that are not among these, and the `total`."""
        values = {
            "workflow": workflow,
            "nodes": [node for node, _ in places],
            "passes": [number for _, number in places],
            "limit": SAMPLES,
        }
        return self._database.fetch_all(self._queries["left_behind"], values)

    def rejected_rows(self, workflow: str, node: str, limit: int = SAMPLES) -> list[DictRow]:
        """Return rows that are no records, with column, value and reason, and the `total`."""
        return self._of_node("rejected_rows", workflow, node, limit=limit)

    def count_rejected(self, workflow: str, node: str) -> int:
        """Return how many rows of the source are no records."""
        rows = self.rejected_rows(workflow, node, limit=1)
        return int(rows[0]["total"]) if rows else 0

    def last_full_read(self, workflow: str, node: str, part: Part) -> datetime | None:
        """Return when all of a node's source was read last, None if builds always read all."""
        place = {"part": part.number, "parts": part.parts}
        rows = self._of_node("last_full_read", workflow, node, **place)
        return rows[0]["swept_at"] if rows else None

    def open_questions(self, workflow: str, node: str) -> list[DictRow]:
        """Return effects whose outcome is not known, with totals `unknown`, `needs_person`."""
        return self._of_node("open_questions", workflow, node)

    def unfinished_effects(self, workflow: str, node: str, pass_number: int) -> list[DictRow]:
        """Return refused and waiting effects of a pass, with totals `dead` and `waiting`."""
        return self._of_node("unfinished_effects", workflow, node, **{"pass": pass_number})

    def refused_rows(self, table: str) -> list[DictRow]:
        """Return delta rows that planning refused, and the `total`."""
        return self._of_table("refused_rows", table)

    def count_states(self, table: str) -> dict[str, int]:
        """Return how many delta rows are in each state."""
        rows = self._of_table("count_states", table)
        return {row["state"]: row["rows"] for row in rows}

    def by_customer(
        self, workflow: str, node: str, pass_number: int, since: datetime
    ) -> list[DictRow]:
        """Return what became of each customer's effects of a pass since a moment."""
        values = {"pass": pass_number, "since": since}
        return self._of_node("by_customer", workflow, node, **values)

    def count_made(self, workflow: str, node: str, pass_number: int) -> int:
        """Return how many objects a pass made are at the service, as far as we know."""
        row = self._database.fetch_one(
            self._queries["count_made"],
            {"workflow": workflow, "node": node, "pass": pass_number},
        )
        return int(row["number"]) if row else 0

    def live_keys(self, prefix: str) -> set[str]:
        """Return the keys of objects that are at a service, as far as we know."""
        rows = self._database.fetch_all(self._queries["live_keys"], {"prefix": prefix})
        return {row["object_key"] for row in rows}

    def _has_rows(self, work: Work) -> bool:
        if any(self._of_table("any_pending", table) for table in work.tables):
            return True
        there = self._there(_tables(work.children))
        with self._database.transaction() as conn:
            return any(
                row["number"]
                for pair in work.children
                if there.issuperset(_tables([pair]))
                for row in conn.execute(self._free_rows("", *pair), {"most": 1}).fetchall()
            )

    def _free_rows(self, workflow: str, node: DeltaNode, parent: DeltaNode) -> compose.Composed:
        return compose.SQL(self._bare("free_rows")).format(
            workflow=compose.Literal(workflow), awaited=awaited(node, parent)
        )

    def _there(self, tables: Sequence[str]) -> set[str]:
        rows = self._database.fetch_all(self._queries["known_tables"], {"tables": list(tables)})
        return {row["table_name"] for row in rows}

    def _of_table(self, name: str, table: str, **values: Any) -> list[DictRow]:
        if not self._there([table]):
            return []
        statement = compose.SQL(self._text(name)).format(table=compose.Identifier(_SCHEMA, table))
        with self._database.transaction() as conn:
            return conn.execute(statement, {**values, "table": table, "limit": SAMPLES}).fetchall()

    def _of_node(self, name: str, workflow: str, node: str, **values: Any) -> list[DictRow]:
        place = {"workflow": workflow, "node": node, "limit": SAMPLES}
        return self._database.fetch_all(self._queries[name], {**place, **values})

    def _text(self, name: str) -> Any:
        return self._queries[name]

    def _bare(self, name: str) -> Any:
        return self._queries[name].rstrip().rstrip(";")

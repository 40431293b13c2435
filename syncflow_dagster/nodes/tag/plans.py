"""Plans in the database: what would be written, who approved it, and what became of it.

Methods that take a connection work in the caller's transaction.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose
from psycopg.types.json import Jsonb

from syncflow_dagster.nodes.tag.caps import Caps
from syncflow_dagster.nodes.tag.order import Order
from syncflow_dagster.nodes.tag.wishes import SourceRow
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.ledger.ports import PlannedEffect
    from syncflow_dagster.nodes.tag.lines import Line
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import DeltaNode

    Connection = psycopg.Connection[DictRow]

#: Characters of a plan's hash that people are shown, and that are enough to name it.
SHORT = 12


class PlanStatus(StrEnum):
    """Where a plan stands.

    A dry run makes it PROPOSED, a run that may not apply it WAITING: its rows are HELD.
    """

    PROPOSED = "PROPOSED"
    WAITING = "WAITING"
    APPROVED = "APPROVED"
    APPLIED = "APPLIED"
    REFUSED = "REFUSED"
    OUTDATED = "OUTDATED"


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan that is to be kept.

    Attributes:
        plan_hash: What an approval is for.
        policy_hash: The policy it was made under.
        lines: Its changes.
        status: PROPOSED, WAITING or APPROVED; REFUSED where it is too large.
        planned_by: Who made it.
        planned_run: The run that did.
        undo_of: The run whose tags it takes back, if it does.
    """

    plan_hash: str
    policy_hash: str
    lines: Sequence[Line]
    status: PlanStatus
    planned_by: str
    planned_run: str | None = None
    undo_of: str | None = None


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as it is kept; times are the database's."""

    plan_id: int
    workflow: str
    node: str
    plan_hash: str
    policy_hash: str
    status: PlanStatus
    reason: str | None
    undo_of: str | None
    changes: int
    records: int
    planned_by: str
    planned_run: str | None
    planned_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    applied_run: str | None
    applied_at: datetime | None

    @property
    def mark(self) -> str:
        """What the reasons of rows begin with that wait for it."""
        return mark(self.plan_hash)


def mark(plan_hash: str) -> str:
    """Return what the reasons of rows begin with that wait for a plan."""
    return f"plan {plan_hash[:SHORT]} "


class PlanStore:
    """The plans of one tag node.

    Args:
        database: Where they are kept.
        workflow: Name of the workflow.
        node: Name of the tag node.
        source: The delta node whose records are tagged.

    Attributes:
        caps: Counts them.
        order: What goes before their rows.
    """

    def __init__(self, database: Database, workflow: str, node: str, source: DeltaNode) -> None:
        self._database = database
        self._place = {"workflow": workflow, "node": node}
        self._source = source
        self._queries = sql.load("tag")
        self.caps = Caps(workflow, node)
        self.order = Order(database, workflow, node, source.table)

    def take(self, after: int, limit: int) -> list[SourceRow]:
        """Return pending rows behind one, in their order, without locking them."""
        given = {**self._place, "after": after, "limit": limit}
        with self._database.transaction() as conn:
            return [self._row(one) for one in self._on(conn, "take_rows", given)]

    def rows(self, delta_ids: Sequence[int]) -> list[SourceRow]:
        """Return those of the rows that are pending still."""
        with self._database.transaction() as conn:
            found = self._on(conn, "plan_rows", {"delta_ids": list(delta_ids)})
            return [self._row(one) for one in found]

    def of_status(self, status: PlanStatus) -> list[StoredPlan]:
        """Return the node's plans that stand so, oldest first."""
        given = {**self._place, "status": status}
        return [
            stored(one) for one in self._database.fetch_all(self._queries["plans_of_status"], given)
        ]

    def row_ids(self, plan_id: int) -> list[int]:
        """Return the rows a plan is for."""
        rows = self._database.fetch_all(self._queries["row_ids"], {"plan_id": plan_id})
        return [row["delta_id"] for row in rows]

    def lines(self, plan_id: int, limit: int | None = None) -> list[DictRow]:
        """Return a plan's lines by record, or the first of them."""
        given = {"plan_id": plan_id, "limit": limit}
        return self._database.fetch_all(self._queries["lines"], given)

    def written_by(self, run: str) -> list[DictRow]:
        """Return what the plans a run applied have really written."""
        return self._database.fetch_all(
            self._queries["written_by_run"],
            {**self._place, "run": run, "table": self._source.table},
        )

    def outcomes(self, since: datetime, limit: int) -> list[DictRow]:
        """Return what became of the node's effects since a time, by kind, state and reason."""
        given = {**self._place, "since": since, "limit": limit}
        return self._database.fetch_all(self._queries["outcomes"], given)

    def lock_rows(self, conn: Connection, delta_ids: Sequence[int]) -> set[int]:
        """Lock those of the rows that are pending still, and return them."""
        rows = self._on(conn, "lock_rows", {"delta_ids": list(delta_ids)})
        return {row["delta_id"] for row in rows}

    def lost_rows(self, conn: Connection, plan: StoredPlan, delta_ids: Sequence[int]) -> int:
        """Return how many of a plan's rows are not as they were any more."""
        given = {"delta_ids": list(delta_ids), "mark": plan.mark}
        rows = self._on(conn, "lost_rows", given)
        return int(rows[0]["rows"])

    def keep(self, conn: Connection, plan: NewPlan, now: datetime) -> tuple[int, PlanStatus]:
        """Write a plan with its lines, or find the one with the same changes.

        Returns:
            Its id and where it stands.
        """
        row = conn.execute(self._queries["store_plan"], self.given(plan, now)).fetchone()
        assert row is not None
        lines = Jsonb([line.as_json() for line in plan.lines])
        conn.execute(self._queries["store_lines"], {"plan_id": row["plan_id"], "lines": lines})
        return row["plan_id"], PlanStatus(row["status"])

    def given(self, plan: NewPlan, now: datetime) -> dict[str, Any]:
        """Return a plan as its table's columns."""
        return {
            **self._place,
            "plan_hash": plan.plan_hash,
            "policy_hash": plan.policy_hash,
            "status": plan.status,
            "undo_of": plan.undo_of,
            "changes": len(plan.lines),
            "records": len({line.place.record_id for line in plan.lines}),
            "planned_by": plan.planned_by,
            "planned_run": plan.planned_run,
            "now": now,
        }

    def settle(
        self, conn: Connection, states: Mapping[int, tuple[str, str | None]], now: datetime
    ) -> None:
        """Give rows their new states and reasons."""
        if not states:
            return
        text: Any = sql.load("push")["settle_rows"]
        conn.execute(
            compose.SQL(text).format(table=compose.Identifier(self._source.table)),
            {
                "delta_ids": list(states),
                "states": [state for state, _ in states.values()],
                "reasons": [reason for _, reason in states.values()],
                "now": now,
            },
        )

    def release(self, conn: Connection, mark: str, now: datetime) -> None:
        """Let the rows be pending again that waited for a plan, by its mark."""
        self._on(conn, "release_rows", {"mark": mark, "now": now}, fetch=False)

    def release_stranded(self, conn: Connection, now: datetime) -> None:
        """Let the rows be pending again that wait for plans which are over."""
        self._on(conn, "release_stranded", {"now": now}, fetch=False)

    def outdate(self, conn: Connection, plan: StoredPlan, reason: str, now: datetime) -> None:
        """Let nobody apply a plan any more, and its rows be planned anew."""
        given = {"plan_id": plan.plan_id, "reason": reason}
        conn.execute(self._queries["outdate"], given)
        self.release(conn, plan.mark, now)

    def lock(self, conn: Connection, plan_id: int) -> StoredPlan:
        """Lock a plan and return it as it stands now."""
        row = conn.execute(self._queries["lock_plan"], {"plan_id": plan_id}).fetchone()
        assert row is not None
        return stored(row)

    def decide(
        self,
        conn: Connection,
        plan: StoredPlan,
        status: PlanStatus,
        *,
        actor: str,
        reason: str,
        now: datetime,
    ) -> None:
        """Write down what a person decided; of a refused plan the rows are dead."""
        decision = {"plan_id": plan.plan_id, "actor": actor, "reason": reason, "now": now}
        conn.execute(self._queries["decide"], {**decision, "status": status})
        action = "approve" if status is PlanStatus.APPROVED else "refuse"
        self._note(conn, {**decision, "action": action})
        if status is PlanStatus.REFUSED:
            rows = conn.execute(self._queries["row_ids"], {"plan_id": plan.plan_id}).fetchall()
            text = f"{plan.mark}was refused by {actor}: {reason}"
            ids = [row["delta_id"] for row in rows]
            given = {"delta_ids": ids, "reason": text, "mark": plan.mark, "now": now}
            self._on(conn, "bury_rows", given, fetch=False)
        self.release(conn, plan.mark, now)

    def note_auto_approval(
        self, conn: Connection, plan_id: int, actor: str, reason: str, now: datetime
    ) -> None:
        """Write down that the policy lets a plan of its size through."""
        given = {"plan_id": plan_id, "actor": actor, "reason": reason, "now": now}
        self._note(conn, {**given, "action": "auto_approve"})

    def _note(self, conn: Connection, decision: Mapping[str, object]) -> None:
        conn.execute(self._queries["note_decision"], {**decision, "os_user": _os_user()})

    def applied(self, conn: Connection, plan_id: int, run: str | None, now: datetime) -> None:
        """Write down that a plan's changes are in the ledger now."""
        conn.execute(self._queries["applied"], {"plan_id": plan_id, "run": run, "now": now})

    def adopt(self, conn: Connection, effects: Sequence[PlannedEffect]) -> None:
        """Note that the records are there which effects are about to change."""
        given = {
            "object_keys": [one.object_key for one in effects],
            "remote_ids": [one.payload["record_id"] for one in effects],
        }
        conn.execute(self._queries["adopt_objects"], given)

    def forget_lines(self, before: datetime) -> int:
        """Drop the lines of plans that are over since then; return how many."""
        return self._database.execute(
            self._queries["forget_lines"], {**self._place, "before": before}
        )

    def revive(self, conn: Connection) -> None:
        """Let go again what waits for a thing of which another change was refused."""
        conn.execute(self._queries["revive_objects"], self._place)

    def choose_bulk(self, conn: Connection, effects: Sequence[PlannedEffect]) -> None:
        """Let effects go in a bulk job."""
        keys = [one.effect_key for one in effects]
        conn.execute(self._queries["choose_bulk"], {"effect_keys": keys})

    def _row(self, found: DictRow) -> SourceRow:
        return SourceRow(
            table=self._source.table,
            delta_id=found["delta_id"],
            operation=found["operation"],
            customer=found["customer"],
            label=found["business_key"],
            values={rule.name: found[rule.name] for rule in self._source.fields},
        )

    def _on(
        self, conn: Connection, name: str, given: Mapping[str, object], *, fetch: bool = True
    ) -> list[DictRow]:
        text: Any = self._queries[name]
        statement = compose.SQL(text).format(table=compose.Identifier(self._source.table))
        cursor = conn.execute(statement, {**self._place, **given})
        return cursor.fetchall() if fetch else []


def _os_user() -> str:
    """Return whom the operating system knows this process by; unlike a given name it is known."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def stored(row: DictRow) -> StoredPlan:
    """Return a row of the table of plans."""
    return StoredPlan(**{**row, "status": PlanStatus(row["status"])})


def plans(
    database: Database, workflow: str, *, node: str | None = None, open_only: bool, limit: int
) -> list[StoredPlan]:
    """Return a workflow's plans, newest first.

    Args:
        database: Where they are kept.
        workflow: Whose.
        node: Only this tag node's.
        open_only: Only those that may still be applied.
        limit: At most so many.
    """
    given = {"workflow": workflow, "node": node, "open_only": open_only, "limit": limit}
    return [stored(one) for one in database.fetch_all(sql.load("tag")["plans"], given)]

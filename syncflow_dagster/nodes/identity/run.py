"""Deciding the pending records of an identity node, batch by batch, each in one transaction.

A batch is decided wholly or not at all: persons, moves, questions and the states of the delta rows
are committed together, so a kill at any moment leaves nothing half-decided, and what is decided
again is decided the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.core.matching.decide import Action, Decider, Decision
from syncflow_dagster.core.matching.ranking import likeness
from syncflow_dagster.core.matching.tiers import Tier
from syncflow_dagster.core.states import DeltaState
from syncflow_dagster.nodes.delta.tables import delta_id, prepare
from syncflow_dagster.nodes.identity.report import (
    PREVIEW,
    IdentityReport,
    IdentityState,
    Question,
)
from syncflow_dagster.nodes.identity.rows import record_of
from syncflow_dagster.nodes.identity.storage import Store
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point
from syncflow_dagster.workflows.models import DeltaNode

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.matching.people import Record
    from syncflow_dagster.core.matching.registry import Registry
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import IdentityNode, Workflow

    Connection = psycopg.Connection[DictRow]

__all__ = ["IdentityReport", "IdentityState", "identity_state", "run_identity"]

_QUESTIONS = {
    Tier.IDENTIFIER: "is known as one person and has an identifier of another",
    Tier.CORROBORATED: "is known as one person and looks like another",
    Tier.NAME: "has the name of a known person, and nothing else tells that it is the same",
    Tier.SEVERAL: "may be several known persons",
    Tier.SHARED: "has the mailbox of a known person, but not surely the name",
}


def run_identity(
    database: Database,
    clock: Clock,
    workflow: Workflow,
    node: IdentityNode,
    *,
    limit: int | None = None,
    progress: Callable[[IdentityReport], None] | None = None,
) -> IdentityReport:
    """Decide who is behind the records that have changed.

    Args:
        database: Delta tables and persons.
        clock: Database time.
        workflow: The workflow.
        node: Its identity node.
        limit: Changes looked at, at most.
        progress: Told after each batch what the run has come to.

    Returns:
        Counts, some questions, and what the node knows now.

    Raises:
        TypeError: The node's source is no delta node.
    """
    source = workflow.node(node.source)
    if not isinstance(source, DeltaNode):
        msg = f"the source {node.source!r} of node {node.name!r} is no delta node"
        raise TypeError(msg)
    prepare(database, workflow.workflow, [source])
    run = _Run(database, clock, workflow.workflow, node, source)
    report = IdentityReport()
    retry_transient(run.begin, clock)
    while limit is None or report.rows < limit:
        most = node.batch_rows if limit is None else min(node.batch_rows, limit - report.rows)
        part = retry_transient(lambda most=most: run.batch(most), clock)  # type: ignore[misc]
        if not part.rows:
            break
        crash_point("identity.committed")
        report.add(part)
        if progress is not None:
            progress(report)
    report.state = identity_state(database, workflow.workflow, node.name)
    return report


def identity_state(database: Database, workflow: str, node: str) -> IdentityState:
    """Return what an identity node knows."""
    names = {"workflow": workflow, "node": node}
    row = database.fetch_one(sql.load("identity")["state"], names)
    assert row is not None
    return IdentityState(**row)


@dataclass(frozen=True)
class _Taken:
    """A batch of delta rows that are locked, and what they say."""

    rows: list[tuple[DictRow, Record]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class _Run:
    """One run's parts."""

    database: Database
    clock: Clock
    workflow: str
    node: IdentityNode
    source: DeltaNode

    @property
    def _names(self) -> dict[str, str]:
        return {"workflow": self.workflow, "node": self.node.name}

    def begin(self) -> None:
        """Remember once which records were there when the node looked for the first time."""
        with self.database.transaction() as conn:
            self._on(conn, "begin", **self._names, now=self.clock.now())
        crash_point("identity.begun")

    def batch(self, limit: int) -> IdentityReport:
        """Decide some rows; none are left where the report counts none."""
        now = self.clock.now()
        part = IdentityReport()
        with self.database.transaction() as conn:
            conn.execute(sql.load("identity")["hold"], self._names)
            taken = self._take(conn, limit)
            part.rows, part.refused = len(taken.rows) + len(taken.refused), len(taken.refused)
            crash_point("identity.rows_taken")
            if taken.rows:
                self._decide(Store(conn, self.workflow, self.node.name, now), taken, part)
            if taken.refused:
                self._settle(conn, now, [(one, DeltaState.DEAD, why) for one, why in taken.refused])
            crash_point("identity.rows_settled")
        return part

    def _take(self, conn: Connection, limit: int) -> _Taken:
        taken = _Taken()
        for row in self._on(conn, "take_rows", limit=limit).fetchall():
            try:
                taken.rows.append((row, record_of(self.node, row)))
            except ValueError as error:
                taken.refused.append((row["delta_id"], str(error)))
        return taken

    def _decide(self, store: Store, taken: _Taken, part: IdentityReport) -> None:
        first_load_to = self._first_load_to(store.conn)
        late = any(row["delta_id"] > first_load_to for row, _ in taken.rows)
        records = [record for _, record in taken.rows]
        registry = store.load(records, by_name=late)
        rulings = store.rulings([one.record_id for one in records])
        decider = Decider(registry, f"{self.workflow}/{self.node.name}", rulings)
        decisions: dict[str, Decision] = {}
        for row, record in taken.rows:
            first = row["delta_id"] <= first_load_to
            decision = decider.take(record, str(row["delta_id"]), first_load=first)
            decisions[record.record_id] = decision
            part.count(decision)
        store.keep(registry, decisions)
        asked = {
            row["delta_id"]: self._ask(store, registry, row, record, decision, part)
            for row, record in taken.rows
            if (decision := decisions[record.record_id]).action is Action.HELD
        }
        crash_point("identity.persons_written")
        part.moves = store.keep_moves(decisions.values())
        crash_point("identity.moves_written")
        answered = [one for one, each in decisions.items() if each.action is not Action.HELD]
        overtaken = {**self._names, "record_ids": answered, "now": store.now}
        store.conn.execute(sql.load("identity")["overtake_cases"], overtaken)
        settled = [
            (row["delta_id"], *_settled(decisions[record.record_id], asked.get(row["delta_id"])))
            for row, record in taken.rows
        ]
        self._settle(store.conn, store.now, settled)

    def _ask(
        self,
        store: Store,
        registry: Registry,
        row: DictRow,
        record: Record,
        decision: Decision,
        part: IdentityReport,
    ) -> str:
        """Open a case, or bring the open one of the record up to date; return why it waits."""
        assert decision.tier is not None
        reason = _QUESTIONS[decision.tier]
        case = store.conn.execute(
            sql.load("identity")["ask"],
            {
                **self._names,
                "record_id": record.record_id,
                "delta_table": self.source.table,
                "delta_id": row["delta_id"],
                "tier": int(decision.tier),
                "reason": reason,
                "now": store.now,
            },
        ).fetchone()
        assert case is not None
        # Some of them may have become one since, in the same batch.
        absorbed = registry.changes.absorbed
        whose = {absorbed.get(one.person_id, one.person_id): one for one in decision.matches}
        for person_id, match in whose.items():
            values = {
                "case_id": case["case_id"],
                "persons": list(whose),
                "person_id": person_id,
                "likeness": likeness(record, registry.persons[person_id]),
                "tier": int(match.tier),
                "evidence": list(match.evidence),
            }
            store.conn.execute(sql.load("identity")["ask_about"], values)
        question = (case["case_id"], record.record_id, int(decision.tier), reason, len(whose))
        if len(part.questions) < PREVIEW:
            part.questions.append(Question(*question))
        return f"review case {case['case_id']}: {reason}"

    def _first_load_to(self, conn: Connection) -> int:
        row = conn.execute(sql.load("identity")["first_load_to"], self._names).fetchone()
        return 0 if row is None else int(row["first_load_to"])

    def _settle(self, conn: Connection, now: Any, rows: list[tuple[int, str, str | None]]) -> None:
        text: Any = sql.load("push")["settle_rows"]
        conn.execute(
            compose.SQL(text).format(table=delta_id(self.source)),
            {
                "delta_ids": [one for one, _, _ in rows],
                "states": [state for _, state, _ in rows],
                "reasons": [reason for _, _, reason in rows],
                "now": now,
            },
        )

    def _on(self, conn: Connection, name: str, **values: Any) -> psycopg.Cursor[DictRow]:
        text: Any = sql.load("identity")[name]
        return conn.execute(compose.SQL(text).format(table=delta_id(self.source)), values)


def _settled(decision: Decision, question: str | None) -> tuple[str, str | None]:
    match decision.action:
        case Action.HELD:
            return DeltaState.HELD, question
        case Action.IGNORED:
            return DeltaState.SYNCED, "a person decided that this record is left alone"
        case Action.GONE:
            return DeltaState.SYNCED, "it was deleted before it was looked at"
        case _:
            return DeltaState.SYNCED, None

"""Deciding the pending records of an identity node, batch by batch, each in one transaction.

A batch is decided wholly or not at all: persons, moves, questions and the states of the delta rows
are committed together, so a kill at any moment leaves nothing half-decided, and what is decided
again is decided the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql as compose

from syncflow_dagster.core.matching.decide import Action, Decider, Decision
from syncflow_dagster.core.states import DeltaState
from syncflow_dagster.nodes.delta.tables import delta_id, prepare
from syncflow_dagster.nodes.identity.keys import as_texts
from syncflow_dagster.nodes.identity.questions import Waiting, ask
from syncflow_dagster.nodes.identity.report import PREVIEW, IdentityReport, IdentityState
from syncflow_dagster.nodes.identity.rows import record_of
from syncflow_dagster.nodes.identity.rulings import asked_again
from syncflow_dagster.nodes.identity.storage import Store
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point
from syncflow_dagster.workflows.models import DeltaNode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.matching.decide import Rulings
    from syncflow_dagster.core.matching.people import Key, Record
    from syncflow_dagster.core.matching.registry import Registry
    from syncflow_dagster.nodes.identity.report import Question
    from syncflow_dagster.nodes.identity.rulings import Answered
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import IdentityNode, Workflow

    Connection = psycopg.Connection[DictRow]
    #: Delta rows, and what they say.
    Rows = list[tuple[DictRow, Record]]

__all__ = ["IdentityReport", "IdentityState", "identity_state", "run_identity"]

#: What the database says of values it does not take; a repeat does not mend that.
_REFUSALS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)


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

    rows: Rows = field(default_factory=list)
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
            conn.execute(sql.load("identity")["hold"], self._names)
            values = {**self._names, "now": self.clock.now()}
            self._on(conn, "begin", **values)
            self._on(conn, "look_again_at_erased", delta_table=self.source.table, **values)
        crash_point("identity.begun")

    def batch(self, limit: int) -> IdentityReport:
        """Decide some rows; none are left where the report counts none."""
        now = self.clock.now()
        part = IdentityReport()
        with self.database.transaction() as conn:
            conn.execute(sql.load("identity")["hold"], self._names)
            taken = self._take(conn, limit)
            refused = list(taken.refused)
            part.looked_at = [row["delta_id"] for row, _ in taken.rows]
            crash_point("identity.rows_taken")
            if taken.rows:
                store = Store(conn, self.workflow, self.node.name, now)
                refused += self._decide_all(store, taken.rows, part)
            part.rows, part.refused = len(taken.rows) + len(taken.refused), len(refused)
            if refused:
                self._settle(conn, now, [(one, DeltaState.DEAD, why) for one, why in refused])
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

    def _decide_all(self, store: Store, rows: Rows, part: IdentityReport) -> list[tuple[int, str]]:
        """Decide rows together; where the database refuses one, by halves, down to that one.

        Returns:
            The rows that were refused, and why.
        """
        try:
            with store.conn.transaction():
                decided = self._decide(replace(store, crowded=set()), rows)
        except _REFUSALS as error:
            if len(rows) == 1:
                return [(rows[0][0]["delta_id"], _refusal(error))]
            half = len(rows) // 2
            first = self._decide_all(store, rows[:half], part)
            return first + self._decide_all(store, rows[half:], part)
        part.add(decided)
        return []

    def _decide(self, store: Store, rows: Rows) -> IdentityReport:
        part = IdentityReport()
        first_load_to = self._first_load_to(store.conn)
        late = any(row["delta_id"] > first_load_to for row, _ in rows)
        records = [record for _, record in rows]
        answers = store.answers([one.record_id for one in records])
        registry = store.load(records, by_name=late, answers=answers.values())
        decisions = decide_rows(registry, store.scope, rows, answers, first_load_to)
        for decision in decisions.values():
            part.count(decision)
        news = store.keep(registry, decisions)
        waiting = [
            Waiting(row["delta_id"], record, decision)
            for row, record in rows
            if (decision := decisions[record.record_id]).action is Action.HELD
        ]
        asked = ask(store, self.source.table, registry, waiting)
        part.waiting = {number: question.tier for number, question in asked.items()}
        part.questions = list(asked.values())[:PREVIEW]
        crash_point("identity.persons_written")
        part.moves = store.keep_moves(registry, decisions.values())
        crash_point("identity.moves_written")
        done = [one for one, each in decisions.items() if each.action is not Action.HELD]
        store.run("overtake_cases", record_ids=done)
        settled = [
            (row["delta_id"], *_settled(decisions[record.record_id], asked.get(row["delta_id"])))
            for row, record in rows
        ]
        self._settle(store.conn, store.now, settled)
        self._look_again(store, news, [row["delta_id"] for row, _ in rows])
        return part

    def _look_again(self, store: Store, news: set[Key], decided: list[int]) -> None:
        """Let records that wait be looked at again which have in common what is new of persons."""
        keys = as_texts(news)
        if keys:
            values = {**self._names, "keys": keys, "decided": decided, "now": store.now}
            self._on(store.conn, "look_again", delta_table=self.source.table, **values)

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


def decide_rows(
    registry: Registry,
    scope: str,
    rows: Rows,
    answers: Mapping[str, Answered],
    first_load_to: int,
) -> dict[str, Decision]:
    """Decide records one after another, and those that wait again, for whom the later ones found.

    Args:
        registry: Known persons; it is changed.
        scope: Names the workflow and the node.
        rows: Delta rows and what they say.
        answers: What people answered, by record.
        first_load_to: The last delta row that was there when the node looked first.

    Returns:
        The decision of each record.
    """
    rulings: dict[str, Rulings] = {}
    decider = Decider(registry, scope, rulings)
    decisions: dict[str, Decision] = {}
    todo = rows
    while todo:
        for row, record in todo:
            first = row["delta_id"] <= first_load_to
            question = None
            if (told := answers.get(record.record_id)) is not None:
                again = list(told.stronger(record, registry))
                rulings[record.record_id] = told.rulings(again, registry)
                if told.same is None and not told.ignored:
                    question = asked_again(record, again, registry)
            decisions[record.record_id] = question or decider.take(
                record, str(row["delta_id"]), first_load=first
            )
        held = [one for one in todo if decisions[one[1].record_id].action is Action.HELD]
        if len(held) == len(todo):
            break
        todo = held
    return decisions


def _refusal(error: psycopg.Error) -> str:
    """Say why the database refuses a record, without its values."""
    about = error.diag.constraint_name or error.sqlstate
    what = type(error).__name__ + (f", {about}" if about else "")
    return f"the database does not take what it says ({what}): mend the record at its source"


def _settled(decision: Decision, question: Question | None) -> tuple[str, str | None]:
    match decision.action:
        case Action.HELD:
            assert question is not None
            return DeltaState.HELD, f"review case {question.case_id}: {question.reason}"
        case Action.IGNORED:
            return DeltaState.SYNCED, "a person decided that this record is left alone"
        case Action.GONE:
            return DeltaState.SYNCED, "it was deleted before it was looked at"
        case _:
            return DeltaState.SYNCED, None

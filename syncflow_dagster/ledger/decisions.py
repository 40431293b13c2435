"""What people decide about effects: dead letters tried again, questions answered. All is noted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from psycopg import sql as compose

from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.consequences import RETIRING_KINDS, Consequences
from syncflow_dagster.ledger.verdicts import Verdict
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]

Answer = Literal["applied", "not_applied", "drop"]
_STATES: dict[Answer, EffectState] = {
    "applied": EffectState.DONE,
    "not_applied": EffectState.RETRY,
    "drop": EffectState.CANCELLED,
}


class NotDecidable(RuntimeError):
    """There is nothing to decide about this effect; the text says why."""


@dataclass(frozen=True, slots=True)
class By:
    """Who decides, and why.

    Attributes:
        actor: Name of the person.
        reason: Why, in his words.
    """

    actor: str
    reason: str


class Decisions:
    """Carries out and notes what a person decides; one transaction per decision.

    Args:
        database: Where the ledger is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = sql.load("decisions")
        self._consequences = Consequences(sql.load("effects"))

    def effects(self, workflow: str, state: str | None, limit: int) -> list[DictRow]:
        """Return effects that need attention, or those of a state, oldest first, and the `total`.

        Args:
            workflow: Whose.
            state: Only those of this state; else all that wait, are in question, or are dead.
            limit: At most so many.
        """
        values = {"workflow": workflow, "state": state, "limit": limit}
        return self._database.fetch_all(self._queries["effects"], values)

    def retry_dead(
        self,
        workflow: str,
        by: By,
        now: datetime,
        *,
        effect_ids: Sequence[int] | None = None,
        reason: str | None = None,
        tables: Sequence[str] = (),
    ) -> int:
        """Let dead letters be tried again, and nothing else.

        What was sent and would change or archive something goes again as it is. The row is planned
        anew, under today's mapping, where a create is dead, which took its row's other effects
        with it, where planning itself refused the change, so that there is nothing to send, and
        where what it would change is no longer at the service. What a newer change has overtaken
        is left alone.

        Args:
            workflow: Whose.
            by: Who wants it.
            now: Database time.
            effect_ids: Only these.
            reason: Only those whose reason contains this, in whatever case.
            tables: Delta tables whose rows that planning refused are planned again, too.

        Returns:
            How many effects and refused rows go again.
        """
        chosen = None if effect_ids is None else list(effect_ids)
        values = {"workflow": workflow, "effect_ids": chosen, "reason": reason}
        with self._database.transaction() as conn:
            dead = self._wanted(conn, conn.execute(self._queries["dead"], values).fetchall())
            self._note(conn, [row["effect_id"] for row in dead], "retry", by, now)
            self._go_again(conn, [row for row in dead if not row["anew"]], now)
            for table, ids in _by_table(row for row in dead if row["anew"]).items():
                place = {"delta_table": table, "delta_ids": ids, "now": now}
                conn.execute(self._queries["void_rows"], place)
                self._on(conn, "pending_again", table, place)
            refused = 0
            if effect_ids is None:
                place = {"reason": reason, "now": now}
                for table in tables:
                    again = self._on(conn, "refused_again", table, {**place, "delta_table": table})
                    refused += again.rowcount
        return len(dead) + refused

    def resolve(
        self, effect_id: int, answer: Answer, by: By, now: datetime, remote_id: str | None = None
    ) -> None:
        """Answer the question an effect has become for a person.

        Args:
            effect_id: The effect; it is NEEDS_PERSON.
            answer: `applied`: it did happen. `not_applied`: it did not, and is sent again.
                `drop`: it is not wanted any more.
            by: Who answers.
            now: Database time.
            remote_id: The service's id of the object, where it did happen; a create needs it.

        Raises:
            NotDecidable: there is no such effect, it is in another state, or it cannot have made
                the object of that id.
        """
        with self._database.transaction() as conn:
            self.resolve_in(conn, effect_id, answer, by, now, remote_id)

    def resolve_in(
        self,
        conn: Connection,
        effect_id: int,
        answer: Answer,
        by: By,
        now: datetime,
        remote_id: str | None = None,
    ) -> None:
        """Answer the question an effect has become, in the caller's transaction; see `resolve`."""
        state = _STATES[answer]
        text = f"{answer.replace('_', ' ')}, by {by.actor}: {by.reason}"
        self._must_be_open(conn, effect_id, answer, remote_id)
        self._note(conn, [effect_id], answer, by, now, remote_id)
        row = conn.execute(
            self._queries["decide"],
            {
                "effect_id": effect_id,
                "state": state,
                "reason": text,
                "not_before": now if state == EffectState.RETRY else None,
                "remote_id": remote_id,
                "now": now,
            },
        ).fetchone()
        assert row is not None
        verdict = Verdict(effect_id, state, answer, text, remote_id=remote_id)
        touched = [row, *self._consequences.follow(conn, [(row, verdict)], now)]
        if state == EffectState.DONE and row["kind"] in RETIRING_KINDS:
            touched += self._consequences.end_with(conn, [row], now)
        self._consequences.roll_up(conn, touched, now)
        if state == EffectState.CANCELLED and row["delta_table"]:
            place = {"delta_id": row["delta_id"], "reason": text}
            self._on(conn, "explain_row", row["delta_table"], place)

    def _must_be_open(
        self, conn: Connection, effect_id: int, answer: Answer, remote_id: str | None
    ) -> None:
        place = {"effect_id": effect_id, "remote_id": remote_id}
        found = conn.execute(self._queries["look"], place).fetchone()
        if found is None:
            msg = f"there is no effect {effect_id}; `syncflow effects WORKFLOW` lists them"
            raise NotDecidable(msg)
        if found["state"] != EffectState.NEEDS_PERSON:
            msg = f"effect {effect_id} is {found['state']}; only NEEDS_PERSON waits for an answer"
            raise NotDecidable(msg)
        if answer == "applied" and found["creates"]:
            _must_have_made(effect_id, found, remote_id)

    def _wanted(self, conn: Connection, dead: Sequence[DictRow]) -> list[DictRow]:
        """Leave out effects of delta rows that a newer change has taken over."""
        wanted: set[tuple[str, int]] = set()
        for table, ids in _by_table(row for row in dead if row["delta_table"]).items():
            rows = self._on(conn, "still_wanted", table, {"delta_ids": ids}).fetchall()
            wanted |= {(table, row["delta_id"]) for row in rows}
        return [
            row
            for row in dead
            if row["delta_table"] is None or (row["delta_table"], row["delta_id"]) in wanted
        ]

    def _go_again(self, conn: Connection, dead: Sequence[DictRow], now: datetime) -> None:
        ids = [row["effect_id"] for row in dead]
        conn.execute(self._queries["again"], {"effect_ids": ids, "now": now})
        rows = [row for row in dead if row["delta_table"]]
        for table, delta_ids in _by_table(rows).items():
            # It has its effects, so it is not planned again: PENDING is only on the way.
            place = {"delta_ids": delta_ids, "now": now}
            self._on(conn, "pending_again", table, place)
            self._on(conn, "pushing_again", table, place)
        self._consequences.roll_up(conn, rows, now)

    def _note(
        self,
        conn: Connection,
        effect_ids: Sequence[int],
        action: str,
        by: By,
        now: datetime,
        remote_id: str | None = None,
    ) -> None:
        values = {"action": action, "actor": by.actor, "reason": by.reason, "now": now}
        ids = list(effect_ids)
        conn.execute(self._queries["note"], {**values, "effect_ids": ids, "remote_id": remote_id})

    def _on(self, conn: Connection, name: str, table: str, values: dict[str, object]) -> Any:
        text: Any = self._queries[name]
        return conn.execute(compose.SQL(text).format(table=compose.Identifier(table)), values)


def _must_have_made(effect_id: int, found: DictRow, remote_id: str | None) -> None:
    """Refuse an id that a create cannot have made."""
    if found["unsent"]:
        msg = (
            f"effect {effect_id} was never sent: an adoption asks about it. Keep one of the items "
            "its reason names, or fill in its record id, and run `syncflow adopt` again"
        )
        raise NotDecidable(msg)
    if not (remote_id or "").strip():
        msg = f"effect {effect_id} makes something: give the service's id of what it made"
        raise NotDecidable(msg)
    if found["stands_for"] is not None:
        msg = f"{remote_id} is {found['stands_for']} already, so effect {effect_id} did not make it"
        raise NotDecidable(msg)


def _by_table(rows: Any) -> dict[str, list[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        found[row["delta_table"]].add(row["delta_id"])
    return {table: sorted(ids) for table, ids in sorted(found.items())}

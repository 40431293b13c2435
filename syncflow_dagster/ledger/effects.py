"""The ledger's table of effects: thin, typed access, one transaction per method."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger import rows as as_rows
from syncflow_dagster.ledger.admission import Gate
from syncflow_dagster.ledger.consequences import RETIRING_KINDS, Consequences
from syncflow_dagster.ledger.customers import claim_in_turns
from syncflow_dagster.ledger.ports import Effect, PlannedEffect
from syncflow_dagster.ledger.worker import LOCK_CLASS
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.ledger.admission import Admission
    from syncflow_dagster.ledger.verdicts import Verdict
    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which effects a delivery is about: one pass of one node of one workflow.

    Attributes:
        account: Only those of this account; None for all.
    """

    workflow: str
    node: str
    pass_number: int
    account: str | None = None

    @property
    def place(self) -> dict[str, object]:
        """Workflow, node and account, as statements name them."""
        return {"workflow": self.workflow, "node": self.node, "account": self.account}


class EffectConflict(RuntimeError):
    """The database refused an effect: it is written already, or its object is being made."""

    def __init__(self, effect: PlannedEffect) -> None:
        super().__init__(
            f"{effect.effect_key} was not planned: the ledger already holds it, or a live create "
            f"of {effect.object_key}; run the push again, and look at the effect table if it stays"
        )


class EffectStore:
    """Reads and writes effects.

    Args:
        database: Where the ledger is.
        lease_s: Seconds a lease lasts if its worker lives but does not come back.
    """

    def __init__(self, database: Database, *, lease_s: float = 300.0) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_s)
        self._queries = sql.load("effects")
        self._consequences = Consequences(self._queries)
        self._gate = Gate(self._queries, self._consequences)
        # The customer whose turn was the last; None: nobody's yet.
        self._had_turn: str | None = None

    def insert(
        self, conn: Connection, effects: Sequence[PlannedEffect], *, scope: Scope, account: str
    ) -> set[str]:
        """Write planned effects, in their order, and return the keys of those that are new.

        An effect that serves no delta row of its own (a group) may be there already, planned for
        another row.

        Raises:
            EffectConflict: another live effect already makes the same object.
        """
        if not effects:
            return set()
        place = {"workflow": scope.workflow, "node": scope.node, "account": account}
        given = {**place, "effects": as_rows.planned(effects)}
        new = {row["effect_key"] for row in conn.execute(self._queries["insert"], given)}
        for effect in effects:
            if effect.delta_id is not None and effect.effect_key not in new:
                raise EffectConflict(effect)
        return new

    def presence(self, conn: Connection, object_keys: Sequence[str]) -> list[DictRow]:
        """Return per key: remote_id, generation, coming, leaving.

        The remote_id is None if the object is not live; the generation is that of its last life,
        None if it has had none.
        """
        return conn.execute(
            self._queries["presence"], {"object_keys": list(object_keys)}
        ).fetchall()

    def retire(self, conn: Connection, object_key: str, now: datetime) -> None:
        """Note that an object is no longer at the service."""
        self._consequences.retire(conn, object_key, now)

    def count_states(self, workflow: str, node: str) -> list[DictRow]:
        """Return rows (kind, state, effects) of a node."""
        return self._database.fetch_all(
            self._queries["count_states"], {"workflow": workflow, "node": node}
        )

    def take_up(self, scope: Scope, worker: int, now: datetime, *, settle_s: float) -> int:
        """Free what dead workers hold and what waited for something that is there now.

        Returns:
            How many intents turned out to have no known outcome.
        """
        with self._database.transaction() as conn:
            holder = {"now": now, "worker": worker, "lock_class": LOCK_CLASS}
            lost = conn.execute(self._queries["lost_leases"], {**_scope(scope), **holder})
            ids = [row["effect_id"] for row in lost]
            given = {"effect_ids": ids, "now": now, "settle_s": settle_s}
            abandoned = (
                conn.execute(self._queries["abandon_leases"], given).fetchall() if ids else []
            )
            released = conn.execute(
                self._queries["release_waiting"], {**_scope(scope), "now": now}
            ).fetchall()
            self._consequences.roll_up(conn, [*abandoned, *released], now)
        return sum(row["state"] == EffectState.UNKNOWN for row in abandoned)

    def mark_waiting(self, scope: Scope, now: datetime) -> int:
        """Say of each effect that cannot go what it waits for. Returns how many there are."""
        with self._database.transaction() as conn:
            rows = conn.execute(
                self._queries["mark_waiting"], {**_scope(scope), "now": now}
            ).fetchall()
            self._consequences.roll_up(conn, rows, now)
        return len(rows)

    def claim(
        self,
        scope: Scope,
        worker: int,
        now: datetime,
        limit: int,
        *,
        bulk: bool | None = None,
        parent_key: str | None = None,
    ) -> list[Effect]:
        """Lease up to `limit` effects that can go now, in their order.

        Customers take turns, from one call to the next, each with its oldest effects first.

        Args:
            scope: Of which pass.
            worker: Who leases them.
            now: Database time.
            limit: How many at most.
            bulk: Those that go in a bulk job, or those that do not; None for both, none of which
                goes in one any more.
            parent_key: What those of a bulk job belong to.
        """
        given = {
            **_scope(scope),
            "worker": worker,
            "now": now,
            "lease_until": now + self._lease,
            "bulk": bulk,
            "parent_key": parent_key,
        }
        statement = self._queries["claim"]
        with self._database.transaction() as conn:
            ids, after = claim_in_turns(conn, statement, given, limit, self._had_turn)
            found = self.read(conn, ids)
        self._had_turn = after
        return found

    def reclaim(self, effect_ids: Sequence[int], worker: int, now: datetime) -> list[Effect]:
        """Lease these effects again, if they are still waiting for another try."""
        with self._database.transaction() as conn:
            rows = conn.execute(
                self._queries["reclaim"],
                {
                    "effect_ids": list(effect_ids),
                    "worker": worker,
                    "now": now,
                    "lease_until": now + self._lease,
                },
            ).fetchall()
            return self.read(conn, [row["effect_id"] for row in rows])

    def commit_intent(
        self,
        effects: Sequence[Effect],
        worker: int,
        request_id: UUID,
        now: datetime,
        key: UUID | None = None,
        admission: Admission | None = None,
    ) -> list[Effect]:
        """Write down, before anything is sent, what is about to be sent.

        Safe to repeat with the same `request_id`. Returns the effects whose lease still holds and
        that are admitted.

        Args:
            effects: What is about to be sent, in one request.
            worker: Who holds them.
            request_id: The request.
            now: Database time.
            key: Its idempotency key; the request's id if left out.
            admission: Asked in the same transaction which of them may go.
        """
        ids = [effect.effect_id for effect in effects]
        intent = {
            "worker": worker,
            "request_id": request_id,
            "now": now,
            "lease_until": now + self._lease,
            "key": key or request_id,
        }
        with self._database.transaction() as conn:
            if admission is not None:
                self._gate.ask(conn, admission, effects, worker, now)
            rows = conn.execute(
                self._queries["commit_intent"],
                {**intent, "effect_ids": ids, "key_size": len(ids)},
            ).fetchall()
            held = {row["effect_id"] for row in rows}
            self.begin_attempts(conn, "send", sorted(held), request_id, now)
        return [effect for effect in effects if effect.effect_id in held]

    def settle(
        self,
        conn: Connection,
        verdicts: Sequence[Verdict],
        request_ids: dict[int, UUID],
        now: datetime,
    ) -> None:
        """Record what became of effects, with all that follows, in the caller's transaction.

        Args:
            conn: The transaction.
            verdicts: The new states.
            request_ids: Request each effect was sent under; another one's word is left alone.
            now: Database time.
        """
        given = {"verdicts": as_rows.told(verdicts, request_ids), "now": now}
        rows = conn.execute(self._queries["settle"], given).fetchall()
        verdict_of = {verdict.effect_id: verdict for verdict in verdicts}
        settled = [(row, verdict_of[row["effect_id"]]) for row in rows]
        touched = [*rows, *self._consequences.follow(conn, settled, now)]
        ended = [
            row
            for row, verdict in settled
            if verdict.state == EffectState.DONE and row["kind"] in RETIRING_KINDS
        ]
        touched += self._consequences.end_with(conn, ended, now)
        self._consequences.roll_up(conn, touched, now)

    def log_attempts(
        self,
        conn: Connection,
        action: str,
        verdicts: Sequence[Verdict],
        request_ids: dict[int, UUID],
        now: datetime,
    ) -> None:
        """Write the end of an attempt into the log of each effect."""
        given = {"verdicts": as_rows.told(verdicts, request_ids), "action": action, "now": now}
        conn.execute(self._queries["finish_attempts"], given)

    def next_due_s(self, scope: Scope, now: datetime) -> float | None:
        """Return the seconds until something can be taken up again; None if nothing will."""
        row = self._database.fetch_one(self._queries["next_due"], {**_scope(scope), "now": now})
        seconds = row["seconds"] if row else None
        return None if seconds is None else max(0.0, float(seconds))

    def remaining(self, scope: Scope) -> int:
        """Return how many effects of the pass are still to be brought to an end."""
        row = self._database.fetch_one(self._queries["remaining"], _scope(scope))
        return int(row["effects"]) if row else 0

    def left(self, scope: Scope) -> int:
        """Return how many effects of the node, of all passes, are not at an end."""
        row = self._database.fetch_one(self._queries["left"], _scope(scope))
        return int(row["effects"]) if row else 0

    def say_why(self, scope: Scope, reason: str) -> None:
        """Give the pass's unsent effects the reason for which they wait."""
        self._database.execute(self._queries["say_why"], {**_scope(scope), "reason": reason})

    def begin_attempts(
        self, conn: Connection, action: str, ids: list[int], request_id: UUID, now: datetime
    ) -> None:
        """Write the beginning of an attempt into the log of each effect."""
        conn.execute(
            self._queries["begin_attempts"],
            {"effect_ids": ids, "action": action, "request_id": request_id, "now": now},
        )

    def read(self, conn: Connection, ids: list[int]) -> list[Effect]:
        """Return effects as a destination sees them, in their order."""
        rows = conn.execute(self._queries["read_effects"], {"effect_ids": ids}).fetchall()
        return [
            Effect(
                effect_id=row["effect_id"],
                effect_key=row["effect_key"],
                kind=row["kind"],
                object_key=row["object_key"],
                creates=row["creates"],
                payload=row["payload"],
                target_id=row["target_id"],
                parent_id=row["parent_id"],
                tries=row["tries"],
                lookups=row["lookups"],
                unseen=row["unseen"],
                lead_id=row["lead_id"],
                sent_at=row["sent_at"],
                remote_id=row["remote_id"],
                key=row["idempotency_key"],
                key_size=row["key_size"],
                doubted=row["doubted"],
                bulk=row["bulk"],
                line=row["job_line"],
            )
            for row in rows
        ]


def _scope(scope: Scope) -> dict[str, object]:
    return {**scope.place, "pass": scope.pass_number}

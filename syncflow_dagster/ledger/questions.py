"""The ledger's open questions: effects whose outcome is UNKNOWN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from psycopg.rows import DictRow

    from syncflow_dagster.ledger.effects import EffectStore, Scope
    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.store.database import Database


class QuestionStore:
    """Reads questions that may be asked now, and puts them off; one transaction per method.

    Args:
        database: Where the ledger is.
        effects: Reads its effects.
    """

    def __init__(self, database: Database, effects: EffectStore) -> None:
        self._database = database
        self._effects = effects
        self._queries = sql.load("questions")

    def due(self, scope: Scope, now: datetime, limit: int) -> list[tuple[Effect, UUID]]:
        """Return effects whose outcome may be looked up now, with the request they were in."""
        return self._read("due", {**_place(scope), "now": now, "limit": limit})

    def due_of_job(self, scope: Scope, now: datetime) -> list[tuple[Effect, UUID]]:
        """Return all effects of one bulk job that may be asked for now, with their requests."""
        return self._read("due_of_job", {**_place(scope), "now": now})

    def begin(self, effects: Sequence[Effect], request_id: UUID, now: datetime) -> None:
        """Log that these effects are being looked up."""
        ids = [effect.effect_id for effect in effects]
        with self._database.transaction() as conn:
            self._effects.begin_attempts(conn, "lookup", ids, request_id, now)

    def put_off(
        self, effect_ids: Sequence[int], until: datetime, reason: str, *, counts: bool = True
    ) -> None:
        """Leave questions open that the service could not answer.

        Args:
            effect_ids: Effects that were asked for.
            until: When to ask again.
            reason: What the service said.
            counts: Whether they were looked up in vain.
        """
        given = {"effect_ids": list(effect_ids), "not_before": until, "reason": reason}
        self._database.execute(self._queries["put_off"], {**given, "counts": counts})

    def leave_job(self, effect_ids: Sequence[int], until: datetime, reason: str) -> None:
        """Note that their job says nothing of these; each is looked up alone from `until` on."""
        given = {"effect_ids": list(effect_ids), "not_before": until, "reason": reason}
        self._database.execute(self._queries["leave_job"], given)

    def _read(self, query: str, given: dict[str, object]) -> list[tuple[Effect, UUID]]:
        with self._database.transaction() as conn:
            rows: list[DictRow] = conn.execute(self._queries[query], given).fetchall()
            request_of = {row["effect_id"]: row["request_id"] for row in rows}
            effects = self._effects.read(conn, list(request_of))
        return [(effect, request_of[effect.effect_id]) for effect in effects]


def _place(scope: Scope) -> dict[str, object]:
    return {"workflow": scope.workflow, "node": scope.node}

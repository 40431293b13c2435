"""The ledger's open questions: effects whose outcome is UNKNOWN, but for those in bulk jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

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
        with self._database.transaction() as conn:
            given = {**scope.place, "now": now, "limit": limit}
            rows = conn.execute(self._queries["due"], given).fetchall()
            request_of = {row["effect_id"]: row["request_id"] for row in rows}
            effects = self._effects.read(conn, list(request_of))
        return [(effect, request_of[effect.effect_id]) for effect in effects]

    def begin(self, effects: Sequence[Effect], request_id: UUID, now: datetime) -> None:
        """Log that these effects are being looked up."""
        ids = [effect.effect_id for effect in effects]
        with self._database.transaction() as conn:
            self._effects.begin_attempts(conn, "lookup", ids, request_id, now)

    def put_off(
        self, effect_ids: Sequence[int], until: datetime, reason: str, *, unseen: bool
    ) -> None:
        """Leave questions open; `unseen` counts those that could have shown, and did not."""
        given = {"effect_ids": list(effect_ids), "not_before": until, "reason": reason}
        self._database.execute(self._queries["put_off"], {**given, "unseen": unseen})

"""Bulk jobs in the ledger: which effects go in one, and which jobs are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.ledger.ports import OpenJob
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from syncflow_dagster.ledger.effects import EffectStore, Scope
    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.store.database import Database


@dataclass(frozen=True, slots=True)
class DueJob:
    """An open job that may be asked for now.

    Attributes:
        request_id: The request that opened it.
        job: The job as its destination knows it.
    """

    request_id: UUID
    job: OpenJob


class JobStore:
    """What the ledger knows of bulk jobs; one transaction per method.

    An effect that is in a job is UNKNOWN until the job has told of it; then the job is forgotten.

    Args:
        database: Where the ledger is.
        effects: Reads its effects.
    """

    def __init__(self, database: Database, effects: EffectStore) -> None:
        self._database = database
        self._effects = effects
        self._queries = sql.load("bulk")

    def parents(self, scope: Scope, now: datetime) -> list[str | None]:
        """Return the keys of what effects that wait for a job belong to."""
        given = {**scope.place, "pass": scope.pass_number, "now": now}
        rows = self._database.fetch_all(self._queries["parents"], given)
        return [row["parent_key"] for row in rows]

    def make_ordinary(
        self, effects: Sequence[Effect], worker: int, now: datetime, reason: str
    ) -> None:
        """Let claimed effects go in ordinary requests instead, or in the job of a later plan."""
        given = {"effect_ids": _ids(effects), "worker": worker, "now": now, "reason": reason}
        self._database.execute(self._queries["ordinary"], given)

    def open(
        self,
        effects: Sequence[Effect],
        worker: int,
        request_id: UUID,
        job_id: str,
        *,
        scope: Scope,
        now: datetime,
    ) -> bool:
        """Write down whose job it is, line by line in the order of the effects.

        Returns:
            Whether all of them are still this worker's; else nothing is written, and the job must
            not get its file.
        """
        given = {"effect_ids": _ids(effects), "request_id": request_id, "worker": worker}
        with self._database.transaction() as conn:
            numbered = conn.execute(self._queries["number_lines"], given).fetchall()
            if len(numbered) < len(effects):
                conn.rollback()
                return False
            job = {"job_id": job_id, "lines": len(effects), "now": now}
            conn.execute(self._queries["open"], {**scope.place, **job, "request_id": request_id})
        return True

    def stored(self, request_id: UUID, now: datetime, look_at: datetime) -> None:
        """Write down that the service has a job's file, and when the job may be asked for."""
        given = {"request_id": request_id, "now": now, "not_before": look_at}
        self._database.execute(self._queries["stored"], given)

    def due(self, scope: Scope, now: datetime) -> DueJob | None:
        """Return an open job that may be asked for now."""
        row = self._database.fetch_one(self._queries["due"], {**scope.place, "now": now})
        if row is None:
            return None
        job = OpenJob(
            row["job_id"], row["lines"], row["stored"], row["failures"], float(row["age_s"])
        )
        return DueJob(row["request_id"], job)

    def effects(self, request_id: UUID) -> list[Effect]:
        """Return the effects of a job that it has not told of."""
        with self._database.transaction() as conn:
            rows = conn.execute(self._queries["effects"], {"request_id": request_id}).fetchall()
            return self._effects.read(conn, [row["effect_id"] for row in rows])

    def put_off(self, request_id: UUID, until: datetime, reason: str, *, failed: bool) -> None:
        """Ask for a job again later."""
        given = {"request_id": request_id, "not_before": until, "reason": reason}
        self._database.execute(self._queries["put_off"], {**given, "failed": failed})

    def leave(
        self, effect_ids: Sequence[int], request_id: UUID, until: datetime, reason: str
    ) -> None:
        """Note that their job says nothing of these; each is looked up alone from `until` on."""
        given = {"effect_ids": list(effect_ids), "request_id": request_id}
        self._database.execute(
            self._queries["leave"], {**given, "not_before": until, "reason": reason}
        )

    def forget(self, scope: Scope) -> None:
        """Forget the jobs of a node whose effects have all been decided."""
        self._database.execute(self._queries["forget"], scope.place)


def _ids(effects: Sequence[Effect]) -> list[int]:
    return [effect.effect_id for effect in effects]

"""Bulk jobs in the ledger: which effects go in one, and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from syncflow_dagster.ledger.effects import Scope
    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.store.database import Database


class JobStore:
    """What the ledger knows of bulk jobs; one transaction per method.

    An effect that is in a job is UNKNOWN until the job has told of it.

    Args:
        database: Where the ledger is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = sql.load("bulk")

    def parents(self, scope: Scope, now: datetime) -> list[str | None]:
        """Return the keys of what effects that wait for a job belong to."""
        rows = self._database.fetch_all(self._queries["parents"], {**_place(scope), "now": now})
        return [row["parent_key"] for row in rows]

    def make_ordinary(
        self, effects: Sequence[Effect], worker: int, now: datetime, reason: str
    ) -> None:
        """Let claimed effects go in ordinary requests instead."""
        given = {"effect_ids": _ids(effects), "worker": worker, "now": now, "reason": reason}
        self._database.execute(self._queries["ordinary"], given)

    def opened(self, effects: Sequence[Effect], request_id: UUID, job_id: str) -> None:
        """Write down the job of effects, and the line of each: the order they come in."""
        given = {"effect_ids": _ids(effects), "request_id": request_id, "job_id": job_id}
        self._database.execute(self._queries["opened"], given)

    def stored(self, effects: Sequence[Effect], request_id: UUID) -> None:
        """Write down that the service has the file of their job."""
        given = {"effect_ids": _ids(effects), "request_id": request_id}
        self._database.execute(self._queries["stored"], given)


def _ids(effects: Sequence[Effect]) -> list[int]:
    return [effect.effect_id for effect in effects]


def _place(scope: Scope) -> dict[str, object]:
    return {"workflow": scope.workflow, "node": scope.node, "pass": scope.pass_number}

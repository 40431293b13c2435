"""Budgets in PostgreSQL: what one process spends, the others know."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from syncflow_dagster.core import budget as rules
from syncflow_dagster.core.budget import Budget, Reading
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.store.database import Database


class Budgets:
    """The budgets of one account.

    Args:
        database: Where they are kept.
        clock: Time and waiting.
        account: Whose they are.
        first: Units per window and window in seconds, until the service says better.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        account: str,
        first: Mapping[str, tuple[int, float]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._account = account
        self._queries = sql.load("budget")
        #: Seconds this process has waited for a budget.
        self.waited_s = 0.0
        retry_transient(lambda: self._open(first), clock)

    def reserve(self, cost: Mapping[str, int]) -> None:
        """Set the units aside, waiting as long as it takes."""
        while wait := retry_transient(lambda: self._try_reserve(cost), self._clock):
            self.waited_s += wait
            self._clock.sleep(wait)

    def settle(
        self, reserved: Mapping[str, int], actual: Mapping[str, int], readings: Sequence[Reading]
    ) -> None:
        """Turn a reservation into spending and learn from what the service said."""
        retry_transient(lambda: self._settle(reserved, actual, readings), self._clock)

    def read(self) -> list[Budget]:
        """Return the budgets as they stand."""
        rows = self._database.fetch_all(self._queries["read"], {"account": self._account})
        return [Budget(**row) for row in rows]

    def _open(self, first: Mapping[str, tuple[int, float]]) -> None:
        now = self._clock.now()
        with self._database.transaction() as conn:
            for name, (allowed, window_s) in first.items():
                self._insert(conn, Reading(name, allowed, window_s), now)

    def _insert(self, conn: psycopg.Connection[DictRow], reading: Reading, now: object) -> None:
        conn.execute(
            self._queries["open"],
            {
                "account": self._account,
                "name": reading.name,
                "allowed": reading.allowed,
                "window_s": reading.window_s or 60.0,
                "now": now,
            },
        )

    def _try_reserve(self, cost: Mapping[str, int]) -> float:
        now = self._clock.now()
        with self._database.transaction() as conn:
            budgets = self._lock(conn, cost)
            results = [rules.reserve(one, cost[one.name], now) for one in budgets]
            wait = max((wait for _, wait in results), default=0.0)
            if not wait:
                self._keep(conn, [after for after, _ in results])
            return wait

    def _settle(
        self, reserved: Mapping[str, int], actual: Mapping[str, int], readings: Sequence[Reading]
    ) -> None:
        now = self._clock.now()
        said = {reading.name: reading for reading in readings}
        with self._database.transaction() as conn:
            for reading in readings:
                if reading.allowed:
                    self._insert(conn, reading, now)
            self._keep(
                conn,
                [
                    rules.settle(
                        one,
                        reserved.get(one.name, 0),
                        actual.get(one.name, reserved.get(one.name, 0)),
                        said.get(one.name),
                        now,
                    )
                    for one in self._lock(conn, {**reserved, **said})
                ],
            )

    def _lock(self, conn: psycopg.Connection[DictRow], names: Mapping[str, object]) -> list[Budget]:
        rows = conn.execute(
            self._queries["lock"], {"account": self._account, "names": list(names)}
        ).fetchall()
        return [Budget(**row) for row in rows]

    def _keep(self, conn: psycopg.Connection[DictRow], budgets: Sequence[Budget]) -> None:
        for one in budgets:
            conn.execute(self._queries["keep"], {"account": self._account, **asdict(one)})

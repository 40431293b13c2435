"""A worker: somebody who holds leases, and is known to be dead as soon as its process is."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

#: First half of the advisory lock that shows a worker to be alive; the second is its number.
LOCK_CLASS = 7_460


@dataclass(slots=True)
class Worker:
    """A numbered holder of leases.

    Its advisory lock lives in a session of its own, so the lock goes when the process goes, with
    no time-out to wait for. If the server restarts, the lock is taken again.
    """

    number: int
    _database: Database
    _session: psycopg.Connection[DictRow]

    def stay_known(self) -> None:
        """Take the advisory lock again if the session that held it is gone."""
        try:
            self._session.execute("select 1")
        except psycopg.OperationalError:
            self._session.close()
            self._session = self._database.connect()
            self._lock()

    def _lock(self) -> None:
        self._session.execute("select pg_advisory_lock(%s, %s)", (LOCK_CLASS, self.number))

    def close(self) -> None:
        """Give up the lock; leases still held pass to whoever looks next."""
        self._session.close()


@contextmanager
def worker(database: Database) -> Iterator[Worker]:
    """Give a new worker, known to be alive until the context is left."""
    row = database.fetch_one(sql.load("effects")["next_worker"])
    assert row is not None
    one = Worker(row["worker"], database, database.connect())
    one._lock()  # noqa: SLF001 - the same module
    try:
        yield one
    finally:
        one.close()


class Busy(RuntimeError):
    """Another process does this work at the moment; this one has nothing to do."""


@contextmanager
def only_one(database: Database, what: str) -> Iterator[None]:
    """Hold the exclusive right to do `what`, across all processes.

    Raises:
        Busy: somebody else holds it.
    """
    with database.connect() as session:
        row = session.execute(
            "select pg_try_advisory_lock(hashtextextended(%s, 7460)) as mine", (what,)
        ).fetchone()
        if row is None or not row["mine"]:
            msg = f"{what} is already being done by another process"
            raise Busy(msg)
        try:
            yield
        finally:
            # PostgreSQL takes a moment to see that a session is gone; who comes next need not wait.
            with suppress(psycopg.OperationalError):
                session.execute("select pg_advisory_unlock(hashtextextended(%s, 7460))", (what,))

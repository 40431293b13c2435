"""The database's clock: one time for all processes.

Leases and due times are compared across processes and machines, so they are read from the one
clock they share. A jump of this machine's clock then cannot end a lease early.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.store.database import Database


class DatabaseClock:
    """A :class:`syncflow_dagster.core.clock.Clock` that reads the database's time.

    Args:
        database: Where the time is read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        """Return the database's present moment, aware and in UTC.

        ``clock_timestamp()``, because ``now()`` stands still inside a transaction.
        """
        row = self._database.fetch_one("select clock_timestamp() as now")
        assert row is not None
        moment: datetime = row["now"]
        return moment.astimezone(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait for real seconds."""
        time.sleep(seconds)

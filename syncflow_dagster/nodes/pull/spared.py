"""Reading a database that is not to be flooded: so many reads at once, so many rows a second."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from syncflow_dagster.nodes.pull.read import PullRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.rows import Piece, Position
    from syncflow_dagster.store.database import Database

#: Seconds between two looks for a free place.
_LOOK_EVERY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class SparedRows(PullRows):
    """The rows of a pull node whose connection says how much may be asked of it.

    Attributes:
        database: SyncFlow's own, where all machines see who reads.
        clock: Whoever waits, waits by it.
        tell: Told when a read has to wait for others.
    """

    database: Database = field(repr=False)
    clock: Clock
    tell: Callable[[str], None]

    def read(self, position: Position) -> Iterator[Piece]:
        """Read the rows, when it is allowed and as fast as it is; see `PullRows.read`."""
        with self._place():
            began, rows = self.clock.now(), 0
            for piece in super().read(position):
                yield piece
                rows += piece.batch.num_rows
                self._wait(rows, (self.clock.now() - began).total_seconds())

    def _wait(self, rows: int, seconds: float) -> None:
        rate = self.connection.most_rows_per_s
        if rate is not None:
            self.clock.sleep(max(0.0, rows / rate - seconds))

    def _place(self) -> AbstractContextManager[None]:
        most = self.connection.most_at_once
        return nullcontext() if most is None else self._one_of(most)

    @contextmanager
    def _one_of(self, most: int) -> Iterator[None]:
        """Hold one of so many places at the database; it is free again when this process ends."""
        url = make_url(self.connection.url.get_secret_value())
        where = f"{url.host or ''}:{url.port or ''}/{url.database}"
        told = False
        with self.database.connect() as session:
            while not any(_hold(session, f"{where} {number}") for number in range(most)):
                if not told:
                    self.tell(f"waits until fewer than {most} reads of {where} are at work")
                told = True
                self.clock.sleep(_LOOK_EVERY_S)
            yield


def _hold(session: psycopg.Connection[DictRow], place: str) -> bool:
    row = session.execute(
        "select pg_try_advisory_lock(hashtextextended(%s, 7461)) as mine", (place,)
    ).fetchone()
    return row is not None and bool(row["mine"])

"""What happens in the small world when the store fails, or two push at once, or clocks jump."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest import mock

import psutil
import psycopg
from psycopg import sql as compose
from sqlalchemy import make_url

from syncflow_dagster.store import sql
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.testing.faults.board_world import Shift
from syncflow_dagster.testing.faults.disturbance import Disturbance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncflow_dagster.store.embedded import EmbeddedPostgres
    from syncflow_dagster.testing.faults.board_book import Book
    from syncflow_dagster.testing.faults.board_world import Desk

#: Committed writes after which it happens: in the middle of the work.
_MIDDLE = 30
#: Seconds for which a store stays as it is.
_FOR_S = 2.0
#: Sessions that are ended in the middle of a transaction.
_ENDED = 10
_RESTART_WITHIN_S = 60.0
#: The machine's clock, in turn: hours it is ahead.
_JUMPS_H = (-1, 1, -24, 0)


def act_during(what: Callable[[Desk], None]) -> Callable[[Desk, Book], str | None]:
    """Return the act in which something happens in the middle of the push.

    Args:
        what: What happens.
    """

    def act(desk: Desk, book: Book) -> str | None:
        desk.build(book)
        with Disturbance(desk.control, _MIDDLE, lambda: what(desk)) as disturbance:
            error = desk.settle()
        return error or disturbance.missed()

    return act


def restart_fast(server: EmbeddedPostgres) -> None:
    """Shut PostgreSQL down as an administrator does, and wait until its guardian has it back."""
    pid = server.pid
    if pid is not None:
        process = psutil.Process(pid)
        process.send_signal(signal.SIGINT)
        process.wait(_RESTART_WITHIN_S)
    until = time.monotonic() + _RESTART_WITHIN_S
    while time.monotonic() < until:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    msg = f"PostgreSQL was not back within {_RESTART_WITHIN_S:g} s"
    raise TimeoutError(msg)


def end_sessions(url: str) -> None:
    """End every session of a database."""
    with _admin(url) as conn:
        conn.execute(sql.load("faults")["end_sessions"], _named(url))


def end_transactions(desk: Desk) -> None:
    """End sessions of the store that are in the middle of a transaction, some times."""
    ended, until = 0, time.monotonic() + 5 * _FOR_S
    with _admin(desk.database.url) as conn:
        while ended < _ENDED and time.monotonic() < until:
            row = conn.execute(
                sql.load("faults")["end_transactions"], _named(desk.database.url)
            ).fetchone()
            ended += row[0] if row else 0


def read_only(url: str, for_s: float = _FOR_S) -> None:
    """Let a database take no writes for a while, as one that was failed over."""
    for value in ("on", "off"):
        _set(url, "default_transaction_read_only", value)
        end_sessions(url)
        if value == "on":
            time.sleep(for_s)


def disk_full(desk: Desk) -> None:
    """Let every write to the ledger fail for a while as on a full disk."""
    queries = sql.load("faults")
    with psycopg.connect(desk.database.url, autocommit=True) as conn:
        conn.execute(queries["no_space"])
        time.sleep(_FOR_S)
        conn.execute(queries["space_again"])


def two_at_once(desk: Desk, book: Book) -> str | None:
    """Two push the same at the same time."""
    desk.build(book)
    _together(desk, [desk.push, desk.push])
    return desk.settle()


def two_serializable(desk: Desk, book: Book) -> str | None:
    """The same, where transactions that meet are refused by PostgreSQL."""
    _set(desk.database.url, "default_transaction_isolation", "serializable")
    end_sessions(desk.database.url)
    return two_at_once(desk, book)


def ahead(desk: Desk, book: Book) -> str | None:
    """Two push at once, and one of them takes it to be an hour later: leases seem to be over."""
    desk.build(book)
    late = Shift(DatabaseClock(desk.database), timedelta(hours=1))
    _together(desk, [desk.push, lambda: desk.push(late)])
    return desk.settle()


def machine_clock_jumps(desk: Desk, book: Book) -> str | None:
    """Two push at once while the clock of their machine jumps back and forth."""
    desk.build(book)
    with _jumping_clock():
        _together(desk, [desk.push, desk.push])
        return desk.settle()


@contextmanager
def _jumping_clock() -> Iterator[None]:
    right = time.time
    began = time.monotonic()

    def wrong() -> float:
        turn = int((time.monotonic() - began) * 4) % len(_JUMPS_H)
        return right() + _JUMPS_H[turn] * 3_600.0

    with (
        mock.patch("time.time", wrong),
        mock.patch("time.time_ns", lambda: int(wrong() * 1_000_000_000)),
    ):
        yield


def _together(desk: Desk, pushes: list[Callable[[], str | None]]) -> None:
    def run(push: Callable[[], str | None]) -> None:
        told = push()
        if told is not None:
            desk.told.append(told)

    threads = [threading.Thread(target=run, args=(push,)) for push in pushes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _set(url: str, name: str, value: str) -> None:
    statement = compose.SQL("alter database {} set {} = {}").format(
        compose.Identifier(_named(url)["database"]),
        compose.Identifier(name),
        compose.Literal(value),
    )
    with _admin(url) as conn:
        conn.execute(statement)


def _admin(url: str) -> psycopg.Connection[tuple[int, ...]]:
    base = make_url(url).set(database="postgres").render_as_string(hide_password=False)
    return psycopg.connect(base, autocommit=True)


def _named(url: str) -> dict[str, str]:
    return {"database": str(make_url(url).database)}

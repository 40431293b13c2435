"""Access to PostgreSQL through one pool per process.

Error classes raised here:

* :class:`psycopg.Error` and its children, untouched, from statements;
* :class:`DatabaseUnavailable`, an ``OperationalError``, when no connection can be had.

:func:`is_transient` says which of them a fresh transaction may survive, and
:func:`retry_transient` runs such a transaction again. Nothing is repeated without being asked.
"""

from __future__ import annotations

import re
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

if TYPE_CHECKING:
    from types import TracebackType

    from syncflow_dagster.core.clock import Clock

Params = Sequence[Any] | Mapping[str, Any] | None
_T = TypeVar("_T")

_SEARCH_PATH = "syncflow, public"
#: A server or a way there that is gone without a word is noticed in a minute and a half.
#: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES-IDLE
_KEEPALIVES = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 3}
_SCHEMES = frozenset({"postgresql", "postgres"})

# libpq also takes passwords as parameters of the URL:
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_SECRET_PARAMETER = re.compile(r"([?&](?:password|sslpassword)=)[^&#]*", re.IGNORECASE)

# Classes after which the same work, begun afresh, can succeed:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_TRANSIENT_CLASSES = ("08", "40")
_TRANSIENT_STATES = frozenset(
    {
        "25P03",  # idle_in_transaction_session_timeout
        "53300",  # too_many_connections
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "57P05",  # idle_session_timeout
    }
)


class DatabaseUnavailable(psycopg.OperationalError):
    """No connection could be had in time; the text says why and what to do."""


def plain_url(url: str, driver: str | None = None) -> str:
    """Return a PostgreSQL URL with the driver asked for and everything else unchanged.

    Args:
        url: ``postgresql://``, ``postgres://`` or ``postgresql+<driver>://``, with a host or with
            a unix socket folder (``?host=/folder``).
        driver: SQLAlchemy's name of a driver, or None for libpq's own form.

    Raises:
        ValueError: The URL is not one of PostgreSQL.
    """
    parts = urlsplit(url)
    if parts.scheme.partition("+")[0] not in _SCHEMES:
        msg = (
            f"a database URL must start with postgresql://, this one starts with "
            f"{parts.scheme or 'no scheme'!r}; right would be postgresql://user:secret@host/name"
        )
        raise ValueError(msg)
    scheme = f"postgresql+{driver}" if driver else "postgresql"
    # urlunsplit would drop the "//" of an URL without host; libpq and SQLAlchemy need it.
    return f"{scheme}://{parts.netloc}" + urlunsplit(("", "", parts.path, parts.query, ""))


class Database:
    """A pool of connections whose rows are dictionaries.

    Every connection has ``search_path = syncflow, public`` and the application name ``syncflow``.
    A connection the server has ended is not given out, so a server restart between two
    transactions is not seen by the caller; one inside a transaction is, as an error that
    :func:`is_transient` knows.

    Args:
        url: See :func:`plain_url`.
        min_size: Connections kept open.
        max_size: Connections at most.
        timeout: Seconds to wait for a connection before :class:`DatabaseUnavailable`.
    """

    def __init__(
        self, url: str, *, min_size: int = 1, max_size: int = 8, timeout: float = 30.0
    ) -> None:
        self.url = plain_url(url)
        self._timeout = timeout
        self._pool: ConnectionPool[psycopg.Connection[DictRow]] = ConnectionPool(
            self.url,
            kwargs={
                "row_factory": dict_row,
                "application_name": "syncflow",
                "connect_timeout": 10,
                **_KEEPALIVES,
            },
            min_size=min_size,
            max_size=max_size,
            timeout=timeout,
            configure=_configure,
            check=_check,
            name="syncflow",
            open=False,
        )
        self._pool.open()

    @property
    def psycopg2_url(self) -> str:
        """The URL for Dagster's storage: it needs SQLAlchemy with the psycopg2 driver named."""
        return plain_url(self.url, "psycopg2")

    @property
    def sqlalchemy_url(self) -> str:
        """The URL for SQLAlchemy with psycopg 3."""
        return plain_url(self.url, "psycopg")

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[DictRow]]:
        """Give a connection inside a transaction: committed at the end, rolled back on an error.

        Raises:
            DatabaseUnavailable: No connection could be had in time.
        """
        with self._taken(autocommit=False) as conn, conn:  # commits or rolls back; it stays open
            yield conn

    def fetch_all(self, sql: str, params: Params = None) -> list[DictRow]:
        """Run one statement in its own transaction and return all its rows."""
        with self._statement(sql, params) as cursor:
            return cursor.fetchall()

    def fetch_one(self, sql: str, params: Params = None) -> DictRow | None:
        """Run one statement in its own transaction and return its first row, if any."""
        with self._statement(sql, params) as cursor:
            return cursor.fetchone()

    def execute(self, sql: str, params: Params = None) -> int:
        """Run one statement in its own transaction and return the number of rows it touched."""
        with self._statement(sql, params) as cursor:
            return cursor.rowcount

    def connect(self) -> psycopg.Connection[DictRow]:
        """Open a connection of the caller's own, in autocommit, outside the pool.

        For session state that must not be shared, such as an advisory lock.

        Raises:
            DatabaseUnavailable: The server does not answer or refuses us.
        """
        try:
            conn = psycopg.connect(
                self.url,
                autocommit=True,
                row_factory=dict_row,
                application_name="syncflow",
                connect_timeout=10,
            )
        except psycopg.OperationalError as error:
            msg = (
                f"cannot connect to {redact(self.url)}: {error}. Check that the server runs and "
                "that SYNCFLOW_DATABASE_URL names it; unset it to use the embedded server"
            )
            raise DatabaseUnavailable(msg) from error
        conn.execute(f"set search_path = {_SEARCH_PATH}")
        return conn

    def close(self) -> None:
        """Close all connections. Calling it twice is harmless."""
        self._pool.close()

    def __enter__(self) -> Self:
        """Return the database itself; leaving closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self.close()

    @contextmanager
    def _taken(self, *, autocommit: bool) -> Iterator[psycopg.Connection[DictRow]]:
        try:
            conn = self._pool.getconn()
        except PoolTimeout as error:
            raise self._explain() from error
        try:
            conn.autocommit = autocommit
            yield conn
        finally:
            self._pool.putconn(conn)

    @contextmanager
    def _statement(self, sql: str, params: Params) -> Iterator[psycopg.Cursor[DictRow]]:
        """Run a statement whose transaction the server begins and ends: that is one way there."""
        with self._taken(autocommit=True) as conn:
            yield conn.execute(sql, params)

    def _explain(self) -> DatabaseUnavailable:
        try:
            self.connect().close()
        except DatabaseUnavailable as error:
            return error
        return DatabaseUnavailable(
            f"all {self._pool.max_size} connections stayed busy for {self._timeout:g} s: "
            "a transaction is held open too long, or max_size is too small"
        )


def redact(url: str) -> str:
    """Return the URL without its password, fit for a message."""
    url = _SECRET_PARAMETER.sub(r"\1***", url)
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return url.replace(parts.netloc, f"{user.partition(':')[0]}:***@{host}", 1)


def is_transient(error: BaseException) -> bool:
    """Say whether the same work, begun afresh, may succeed.

    True for a lost or refused connection, a server that stops, starts or recovers, a deadlock and
    a serialization failure. False for everything a repeat cannot mend.
    """
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:
        # libpq reports a lost or refused connection without a code.
        return isinstance(error, psycopg.OperationalError)
    return state.startswith(_TRANSIENT_CLASSES) or state in _TRANSIENT_STATES


def retry_transient(
    call: Callable[[], _T],
    clock: Clock,
    *,
    attempts: int = 10,
    first_wait: float = 0.1,
    longest_wait: float = 5.0,
) -> _T:
    """Run a whole transaction again while the database is only passing through trouble.

    Only for work that is safe to repeat: everything it does is in the transaction, or is
    recognised by what a first, half-seen attempt left behind.

    Args:
        call: Opens its own transaction and does all the work in it.
        clock: Waits between attempts.
        attempts: Attempts at most; with the default waits, about 20 s of waiting in all.
        first_wait: Seconds before the second attempt, doubled after each.
        longest_wait: The longest single wait in seconds.

    Returns:
        What the call returned.

    Raises:
        psycopg.Error: The last attempt's error, or the first that a repeat cannot mend.
    """
    wait = first_wait
    for _ in range(attempts - 1):
        try:
            return call()
        except psycopg.Error as error:
            if not is_transient(error):
                raise
        clock.sleep(wait)
        wait = min(wait * 2, longest_wait)
    return call()


def _check(conn: psycopg.Connection[DictRow]) -> None:
    """Ask the server whether a connection lives, but only where something has come from it.

    A server that ends a connection says so, of one that is gone the keepalives tell, and nothing
    else comes while nothing is asked. To ask each time would be another way there for each
    statement.
    """
    heard = select.poll()
    heard.register(conn.fileno(), select.POLLIN)
    if heard.poll(0):
        ConnectionPool.check_connection(conn)


def _configure(conn: psycopg.Connection[DictRow]) -> None:
    # A statement, not a start-up option: connection poolers refuse unknown start-up options.
    conn.execute(f"set search_path = {_SEARCH_PATH}")
    conn.commit()

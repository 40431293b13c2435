"""Rows of PostgreSQL: COPY sends them, Arrow parses them, both at once.

Measured on a million rows of twenty columns: a tenth longer than to receive the rows as CSV and
throw them away; the ADBC driver takes twice as long as that, and gives numbers as text.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq, sql
from psycopg.waiting import Wait

from syncflow_dagster.nodes.pull.copy_text import CopyText
from syncflow_dagster.nodes.pull.paramstyle import rewritten
from syncflow_dagster.nodes.pull.quotes import without_end
from syncflow_dagster.nodes.pull.servers import CONNECT_TIMEOUT_S, ServerSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from psycopg import Connection
    from psycopg.abc import PQGen

    from syncflow_dagster.nodes.pull.ports import Query

_DATABASE = "postgresql"
#: One state of the data for all that is asked, and one spelling of every value. Zones before 1900
#: have offsets with seconds, so instants come in UTC. Doubles need all digits before version 12.
#: A backslash in '…' is one, or nobody could say without asking the server where a text ends.
_SESSION = """
begin isolation level repeatable read, read only;
set local timezone = 'UTC';
set local datestyle = 'ISO';
set local intervalstyle = 'postgres';
set local bytea_output = 'hex';
set local extra_float_digits = 3;
set local standard_conforming_strings = on;
"""
_DEFAULTS = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "application_name": "syncflow-pull",
    # A server that vanished is noticed after a minute; the system's own default is two hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
# SQLSTATE classes and codes after which the same query, begun afresh, can succeed:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING = ("08", "40", "53", "57P", "25P03", "58")
_CANCEL_TIMEOUT_S = 5
#: Bytes parsed at once, and how many such pieces wait for their turn.
_PIECE_BYTES = 2 << 20
_PIECES_AHEAD = 2


class PostgresSource(ServerSource):
    """A PostgreSQL database; see `ServerSource`. The session's time zone is UTC."""

    @classmethod
    def options(cls) -> frozenset[str]:
        """Return what libpq takes in a URL."""
        return frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())

    @property
    def name(self) -> str:
        """The database as messages name it: without user and password."""
        host = f"{self._url.host}/" if self._url.host else ""
        return f"postgresql database {host}{self._url.database or ''}"

    def _errors(self) -> tuple[type[Exception], ...]:
        return (psycopg.Error, OSError, UnicodeEncodeError)

    def _passing(self, error: Exception) -> bool:
        state = getattr(error, "sqlstate", None)
        if state is not None:
            return str(state).startswith(_PASSING)
        # A server that is lost answers with no code.
        return isinstance(error, (psycopg.OperationalError, OSError))

    def _words(self, error: Exception, query: Query) -> str:
        del query
        diagnostic = error.diag if isinstance(error, psycopg.Error) else None
        words = (diagnostic and diagnostic.message_primary) or str(error)
        hint = diagnostic and diagnostic.message_hint
        return f"{words}. {hint}" if hint else words

    def _connect(self) -> Connection:
        _, arguments = self._url.get_dialect()().create_connect_args(self._url)
        connection = psycopg.connect(
            **{**_DEFAULTS, **arguments, "client_encoding": "UTF8"}, autocommit=True
        )
        connection.execute(_SESSION)
        return connection

    def _close(self, connection: Connection) -> None:
        connection.close()

    def _batches(
        self, connection: Connection, query: Query, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        text = _with_literals(connection, query)
        with connection.cursor() as cursor:
            # The author's own statement, with escaped values.
            cursor.execute(f"select * from (\n{text}\n) as query limit 0".encode())  # noqa: S608
            parser = CopyText.of(cursor.description or ())
            with (
                cursor.copy(f"copy (\n{text}\n) to stdout".encode()),
                _pieces(connection, batch_rows) as pieces,
            ):
                first = next(pieces, bytearray())
                yield parser.batch(first)
                for piece in pieces:
                    yield parser.batch(piece)


def _with_literals(connection: Connection, query: Query) -> str:
    """Return the statement with its values in it, as COPY takes no parameters."""

    def literal(name: str) -> str:
        text = sql.Literal(query.parameters[name]).as_string(connection).strip()
        # `-5::bigint` would be the negative of a cast.
        return f"({text})" if text.startswith("-") else text

    whole = replace(query, text=without_end(query.text, _DATABASE))
    return rewritten(whole, _DATABASE, literal)[0]


@contextmanager
def _pieces(connection: Connection, most_rows: int) -> Iterator[Iterator[bytearray]]:
    """Receive the rows of a COPY in a thread of its own, some pieces ahead of the reader.

    Whoever leaves half-way ends the statement on the server too.
    """
    receiver = _Receiver(connection, most_rows)
    pool = ThreadPoolExecutor(1, "syncflow-pull")
    try:
        yield receiver.pieces(pool)
    finally:
        _leave(connection)
        pool.shutdown(cancel_futures=True)
        # Here, as psycopg would read a COPY that was left to its end.
        connection.close()


def _leave(connection: Connection) -> None:
    if connection.info.transaction_status != pq.TransactionStatus.ACTIVE:
        return
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=_CANCEL_TIMEOUT_S)
    # The thread may wait for a server that answers no more.
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)


class _Receiver:
    """Rows as the server sends them, in pieces that end with a row.

    Args:
        connection: COPY has begun on it.
        most_rows: Rows of a piece; less where they are large.
    """

    def __init__(self, connection: Connection, most_rows: int) -> None:
        self._connection = connection
        self._most_rows = most_rows
        self._ended = False

    def pieces(self, pool: ThreadPoolExecutor) -> Iterator[bytearray]:
        """Receive through `pool`, a few pieces ahead."""
        ahead = deque(pool.submit(self._piece) for _ in range(_PIECES_AHEAD))
        while piece := ahead.popleft().result():
            ahead.append(pool.submit(self._piece))
            yield piece

    def _piece(self) -> bytearray:
        return bytearray() if self._ended else self._connection.wait(self._rows())

    def _rows(self) -> PQGen[bytearray]:
        # psycopg's own loop takes a turn for each row; a turn for each piece is what makes it fast.
        server, rows, count = self._connection.pgconn, bytearray(), 0
        while count < self._most_rows and len(rows) < _PIECE_BYTES:
            length, row = server.get_copy_data(1)
            if length > 0:
                rows += row
                count += 1
            elif length == 0:
                while not (yield Wait.R):
                    continue
                server.consume_input()
            else:
                self._ended = True
                result = server.get_result()
                if result is not None and result.status == pq.ExecStatus.FATAL_ERROR:
                    raise psycopg.errors.error_from_result(result)
                break
        return rows

"""Rows of a SQL database, through SQLAlchemy, in Arrow batches of bounded size."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from syncflow_dagster.nodes.pull import columns
from syncflow_dagster.nodes.pull.dialects import dialect
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.pull.statement import statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from sqlalchemy import URL, Connection, CursorResult, Engine

    from syncflow_dagster.nodes.pull.dialects import Dialect
    from syncflow_dagster.nodes.pull.ports import Query

_CONNECT_TIMEOUT_S = 10
_SQLITE_PASSING = ("locked", "busy", "disk i/o", "unable to open")


class SqlSource:
    """A database without a source of its own; it is never written to.

    Each read opens a connection of its own and closes it, also when the reader stops half-way.

    Args:
        url: SQLAlchemy URL.
    """

    def __init__(self, url: str) -> None:
        self._url = normal_url(url)
        self._engine = _engine(self._url)

    @property
    def name(self) -> str:
        """The database as messages name it: without user and password."""
        host = f"{self._url.host}/" if self._url.host else ""
        return f"{self._url.get_backend_name()} database {host}{self._url.database or ''}"

    def read(self, query: Query, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Read the rows of a query; see `Source.read`."""
        if batch_rows < 1:
            msg = f"batch_rows must be at least 1, not {batch_rows}"
            raise ValueError(msg)
        with self._connect() as conn, self._explained(query):
            yield from _stream(conn, query, batch_rows)

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        database = self._url.database
        if self._url.get_backend_name() == "sqlite" and not _sqlite_exists(database):
            # SQLite would create an empty database and then find no table in it.
            msg = f"{self.name} cannot be reached: there is no file {database}"
            raise SourceUnavailableError(msg)
        try:
            conn = self._engine.connect()
        except (SQLAlchemyError, OSError) as error:
            msg = f"{self.name} cannot be reached: {self._message(error)}"
            raise SourceUnavailableError(msg) from error
        with conn:
            yield conn

    @contextmanager
    def _explained(self, query: Query) -> Iterator[None]:
        where = f" ({query.path})" if query.path is not None else ""
        try:
            yield
        except SQLAlchemyError as error:
            if _passing(error):
                msg = f"{self.name} broke off{where}: {self._message(error)}"
                raise SourceUnavailableError(msg) from error
            msg = f"{self.name} refuses the query{where}: {self._message(error)}"
            raise QueryFailedError(msg) from error
        except columns.ColumnError as error:
            msg = f"the result of the query{where} cannot be used: {error}"
            raise QueryFailedError(msg) from error

    def _message(self, error: BaseException) -> str:
        """Return the database's own words, without statement, values and password."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        words = " ".join(str(cause).split())
        if self._url.password:
            words = words.replace(str(self._url.password), "***")
        return words


def normal_url(url: str) -> URL:
    """Return a URL with the driver this project ships.

    Raises:
        sqlalchemy.exc.ArgumentError: It is no URL.
    """
    return make_url(re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", url))


def _engine(url: URL) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    arguments = {"timeout": _CONNECT_TIMEOUT_S} if is_sqlite else {}
    engine = create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    if is_sqlite:
        event.listen(engine, "connect", _sqlite_read_only)
    return engine


def _sqlite_read_only(connection: Any, _record: Any) -> None:
    connection.execute("pragma query_only = on")


def _sqlite_exists(database: str | None) -> bool:
    return not database or database.startswith(("file:", ":memory:")) or Path(database).exists()


def _stream(conn: Connection, query: Query, batch_rows: int) -> Iterator[pa.RecordBatch]:
    planner = dialect(conn.dialect.name)
    planner.prepare(conn, query)
    options = {"stream_results": True, "yield_per": batch_rows, "max_row_buffer": batch_rows}
    with conn.execute(statement(query), execution_options=options) as result:
        yield from _batches(result, planner, batch_rows)


def _batches(
    result: CursorResult[Any], planner: Dialect, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    if not result.returns_rows:
        msg = "it returns no rows at all; it must be a select"
        raise columns.ColumnError(msg)
    columns.check_names(list(result.keys()))
    # Taken before the first fetch: one that reads all rows closes the cursor.
    described = list(result.cursor.description or ()) if result.cursor is not None else []
    rows = result.fetchmany(batch_rows)
    plans = planner.plan(described, rows)
    while True:
        yield columns.batch(plans, rows)
        rows = result.fetchmany(batch_rows)
        if not rows:
            return


def _passing(error: SQLAlchemyError) -> bool:
    """Say whether the same query may succeed later."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if type(error.orig).__module__.startswith("sqlite3"):
        return any(word in str(error.orig).lower() for word in _SQLITE_PASSING)
    # A server that is lost answers with no code.
    return isinstance(error, OperationalError)

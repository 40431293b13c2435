"""Rows of SQL Server through Microsoft's own driver, as Arrow from the driver.

`mssql-python` brings Microsoft's ODBC driver with it; that is large and not free software, so it is
an extra: `syncflow-dagster[sqlserver]`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from syncflow_dagster.nodes.pull import columns
from syncflow_dagster.nodes.pull.paramstyle import rewritten
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.pull.servers import CONNECT_TIMEOUT_S, ServerSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mssql_python import Connection, Cursor

    from syncflow_dagster.nodes.pull.ports import Query

#: https://learn.microsoft.com/sql/connect/odbc/dsn-connection-string-attribute
_OPTIONS = frozenset({
    "applicationintent", "authentication", "connectretrycount", "connectretryinterval", "encrypt",
    "hostnameincertificate", "ipaddresspreference", "keepalive", "keepaliveinterval",
    "multisubnetfailover", "packetsize", "servercertificate", "serverspn", "trusted_connection",
    "trustservercertificate",
})  # fmt: skip
_NOT_LOADED = "Failed to load the driver"
_LIBRARIES = (
    "Microsoft's ODBC driver cannot be loaded; it needs libraries of the system: on Debian and "
    "Ubuntu `apt-get install libltdl7 libkrb5-3 libgssapi-krb5-2`"
)
#: https://learn.microsoft.com/sql/relational-databases/system-catalog-views/sys-databases-transact-sql
_STATE = "select snapshot_isolation_state from sys.databases where database_id = db_id()"
_ALLOWED = 1
_NO_ARROW = re.compile(r"Unsupported data type for Arrow batch fetch for column - (.*), Type - ")


class SqlServerSource(ServerSource):
    """A SQL Server or Azure SQL database; see `ServerSource`.

    Nothing is ever committed: what a query might write is rolled back with its connection.
    """

    needs_host = True

    @classmethod
    def options(cls) -> frozenset[str]:
        """Return the attributes of the ODBC driver's connection string that may be set."""
        return _OPTIONS | {"driver"}  # URLs made for others name an ODBC driver; there is one here

    def _errors(self) -> tuple[type[Exception], ...]:
        from mssql_python.exceptions import ConnectionStringParseError
        from mssql_python.exceptions import Exception as DriverError

        return (DriverError, ConnectionStringParseError, RuntimeError, OSError)

    def _passing(self, error: Exception) -> bool:
        from mssql_python import OperationalError

        return isinstance(error, (OperationalError, OSError))

    def _words(self, error: Exception, query: Query) -> str:
        del query
        parts = (getattr(error, "driver_error", None), getattr(error, "ddbc_error", None))
        return ": ".join(filter(None, parts)) or str(error)

    def _connect(self) -> Connection:
        import mssql_python

        # Otherwise a closed connection would be kept, with its transaction.
        mssql_python.pooling(enabled=False)
        try:
            # A transaction keeps the isolation it was begun with, so none begins yet.
            return mssql_python.connect(
                self._connection_string(), timeout=CONNECT_TIMEOUT_S, autocommit=True
            )
        except mssql_python.Error as error:
            if _NOT_LOADED in str(error):
                raise QueryFailedError(_LIBRARIES) from None
            raise

    def _connection_string(self) -> str:
        url = self._url
        account = {"UID": url.username, "PWD": url.password} if url.username else {}
        given = {name: value for name, value in url.query.items() if name.lower() in _OPTIONS}
        place = {"Server": f"tcp:{url.host},{url.port or 1433}", "Database": url.database}
        attributes = {**place, **account, **given}
        return ";".join(
            f"{name}={{{str(value or '').replace('}', '}}')}}}"
            for name, value in attributes.items()
        )

    def _close(self, connection: Connection) -> None:
        import mssql_python

        try:
            connection.close()
        except (mssql_python.Error, RuntimeError):
            # A connection that is lost is closed.
            return

    def _batches(
        self, connection: Connection, query: Query, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        given = query.parameters
        # A NULL says no type, and the driver would ask the server for one it may not know.
        text, names = rewritten(query, "mssql", lambda name: "null" if given[name] is None else "?")
        values = [given[name] for name in names if given[name] is not None]
        asked = connection.cursor()
        asked.execute(_STATE)
        snapshot = any(state == _ALLOWED for (state,) in asked.fetchall())
        cursor = self._executed(connection, text, values, snapshot=snapshot)
        if cursor.description is None:
            msg = "it returns no rows at all; it must be a select"
            raise columns.ColumnError(msg)
        columns.check_names([name for name, *_ in cursor.description])
        batch = _fetched(cursor, batch_rows)
        yield conform(batch)
        while (batch := _fetched(cursor, batch_rows)).num_rows:
            yield conform(batch)

    def _executed(
        self, connection: Connection, text: str, values: list[Any], *, snapshot: bool
    ) -> Cursor:
        """Run a statement on one state of the data, if the database and all it reads allow that."""
        level = "snapshot" if snapshot else "read committed"
        cursor = connection.cursor()
        cursor.execute(f"set transaction isolation level {level}")
        connection.setautocommit(False)
        try:
            cursor.execute(text, *([values] if values else []))
        except self._errors() as error:
            if not snapshot or self._passing(error):
                raise
        else:
            return cursor
        # Tables in memory, linked servers and other databases may be read in no snapshot. The
        # words that say so are in the server's language, so whatever failed is tried without.
        connection.rollback()
        connection.setautocommit(True)
        return self._executed(connection, text, values, snapshot=False)


def conform(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch of the driver with the types all sources have.

    Raises:
        ColumnError: A column is of no such type.
    """
    arrays = [_column(name, batch.column(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _fetched(cursor: Cursor, batch_rows: int) -> pa.RecordBatch:
    try:
        batch = cursor.arrow_batch(batch_rows)
    except RuntimeError as error:
        found = _NO_ARROW.search(str(error))
        if found is None:
            raise
        name = found[1]
        msg = (
            f"column {name!r} has a type that cannot be read; write for example "
            f"cast({name} as nvarchar(4000)) as {name}"
        )
        raise columns.ColumnError(msg) from None
    # A value the driver cannot convert leaves the rest of its row empty; only a message says so.
    wrong = [text for state, text in cursor.messages if not state.startswith("[01")]
    if wrong:
        msg = f"the driver could not convert all values: {wrong[0]}"
        raise columns.ColumnError(msg)
    return batch


def _column(name: str, values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_integer(kind):
        return values.cast(columns.INTEGER)
    if pa.types.is_floating(kind):
        return values.cast(columns.FLOAT)
    if pa.types.is_large_string(kind):
        return values.cast(columns.TEXT)
    if pa.types.is_large_binary(kind):
        return values.cast(columns.BINARY)
    if pa.types.is_timestamp(kind):
        return values.cast(columns.LOCAL_TIME if kind.tz is None else columns.INSTANT)
    if pa.types.is_time(kind):
        times = values.cast(pa.time64("us"), safe=False).to_pylist()
        return pa.array([None if at is None else columns.as_text(at) for at in times], columns.TEXT)
    if pa.types.is_decimal(kind) or kind in {columns.BOOLEAN, columns.DATE}:
        return values
    msg = f"column {name!r} has the type {kind}, which no field can hold; leave it out"
    raise columns.ColumnError(msg)

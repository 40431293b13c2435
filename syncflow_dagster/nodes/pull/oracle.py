"""Rows of Oracle through python-oracledb's thin mode, as Arrow from the driver.

The driver's Arrow fetch brings a NUMBER of unknown size to a double, and bytes of the national
character set unread; a result with such a column is fetched row by row, where numbers are exact.
Types the driver reads wrongly either way are refused, with what to write in the query instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa

from syncflow_dagster.nodes.pull import columns
from syncflow_dagster.nodes.pull.columns import ColumnPlan
from syncflow_dagster.nodes.pull.quotes import without_end
from syncflow_dagster.nodes.pull.servers import CONNECT_TIMEOUT_S, ServerSource, in_utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oracledb import Connection, Cursor, FetchInfo

    from syncflow_dagster.nodes.pull.columns import Convert
    from syncflow_dagster.nodes.pull.ports import BoundValue, Query

_OPTIONS = frozenset({"protocol", "wallet_location", "wallet_password", "config_dir"})
_SESSION = (
    # A TIMESTAMP compared with an instant is read in the session's zone.
    "alter session set time_zone = '+00:00'",
    "set transaction read only",
)
_MOST_DIGITS = 38  # of NUMBER, and of Arrow's decimal128
_INTEGER_DIGITS = 18  # always fit 64 bits
_NO_SCALE = -127  # of NUMBER and FLOAT without a scale

#: Arrow types by Oracle's.
_TYPES: Mapping[str, tuple[pa.DataType, Convert | None]] = {
    "DB_TYPE_BINARY_DOUBLE": (columns.FLOAT, None),
    "DB_TYPE_BINARY_FLOAT": (columns.FLOAT, None),
    "DB_TYPE_BLOB": (columns.BINARY, None),
    "DB_TYPE_BOOLEAN": (columns.BOOLEAN, None),
    "DB_TYPE_CHAR": (columns.TEXT, None),
    "DB_TYPE_CLOB": (columns.TEXT, None),
    "DB_TYPE_DATE": (columns.LOCAL_TIME, None),  # it has a time of day
    "DB_TYPE_LONG": (columns.TEXT, None),
    "DB_TYPE_LONG_RAW": (columns.BINARY, None),
    "DB_TYPE_NCHAR": (columns.TEXT, None),
    "DB_TYPE_NCLOB": (columns.TEXT, None),
    "DB_TYPE_NVARCHAR": (columns.TEXT, None),
    "DB_TYPE_RAW": (columns.BINARY, None),
    "DB_TYPE_TIMESTAMP": (columns.LOCAL_TIME, None),
    "DB_TYPE_VARCHAR": (columns.TEXT, None),
}
_ROW_BY_ROW = frozenset({"DB_TYPE_NCHAR", "DB_TYPE_NCLOB", "DB_TYPE_NVARCHAR"})
#: What to write for types that cannot be read. The driver drops the zone of a TIMESTAMP WITH TIME
#: ZONE (python-oracledb issues 274 and 596) and gets one WITH LOCAL TIME ZONE in the database's.
_WRITE: Mapping[str, str] = {
    "DB_TYPE_TIMESTAMP_TZ": "sys_extract_utc({0})",
    "DB_TYPE_TIMESTAMP_LTZ": "sys_extract_utc({0})",
    "DB_TYPE_INTERVAL_DS": "to_char({0})",
    "DB_TYPE_INTERVAL_YM": "to_char({0})",
    "DB_TYPE_ROWID": "rowidtochar({0})",
    "DB_TYPE_UROWID": "rowidtochar({0})",
    "DB_TYPE_JSON": "json_serialize({0} returning clob)",
    "DB_TYPE_XMLTYPE": "xmlserialize(content {0} as clob)",
}
#: Driver errors that name a value, with what to do.
_UNFIT = {
    "DPY-4036": "a number does not fit the column's own size",
    "DPY-4042": "a number does not fit the column's own size",
    "DPY-8002": "the texts of a batch are too long together; lower batch_rows",
}
#: ORA codes beside the driver's own "recoverable" ones after which the query may succeed: no
#: listener or service yet (12xxx), starting or stopping (1012 … 1092), limits and time (18, 20,
#: 1013, 2391), deadlock and changed data (60, 1555, 8103, 8176): https://docs.oracle.com/error-help/
_PASSING = frozenset({
    18, 20, 28, 60, 1012, 1013, 1033, 1034, 1089, 1090, 1092, 1555, 2391, 2396, 3113, 3114, 3135,
    8103, 8176, 12514, 12516, 12518, 12519, 12520, 12528, 12537, 12541, 12547, 12570, 12571,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class OraclePlan:
    """How a result is fetched.

    Attributes:
        columns: One for each column.
        arrow: Whether the driver's Arrow fetch reads all of them rightly.
    """

    columns: Sequence[ColumnPlan]
    arrow: bool

    @property
    def schema(self) -> pa.Schema:
        """What every batch looks like."""
        return pa.schema([(each.name, each.type) for each in self.columns])


class OracleSource(ServerSource):
    """An Oracle database; see `ServerSource`."""

    needs_host = True

    @classmethod
    def options(cls) -> frozenset[str]:
        """Return how the database is named, and python-oracledb's options of TLS and wallets."""
        return _OPTIONS | {"service_name", "sid"}

    @property
    def database(self) -> str:
        """The service or SID."""
        given = self._url.query
        return str(given.get("service_name") or given.get("sid") or self._url.database or "")

    def _errors(self) -> tuple[type[Exception], ...]:
        import oracledb

        # ValueError: a number of more than 38 digits.
        return (oracledb.Error, OSError, ValueError)

    def _passing(self, error: Exception) -> bool:
        if isinstance(error, OSError):
            return True
        detail = error.args[0] if error.args else None
        return bool(getattr(detail, "isrecoverable", False)) or (
            getattr(detail, "code", None) in _PASSING
        )

    def _words(self, error: Exception, query: Query) -> str:
        del query
        detail = error.args[0] if error.args else None
        words = str(getattr(detail, "message", None) or error)
        unfit = _UNFIT.get(str(getattr(detail, "full_code", None)))
        # The help's address says nothing the code does not.
        return unfit or words.partition("\nHelp: ")[0]

    def _connect(self) -> Connection:
        import oracledb

        url = self._url
        place = {name: url.query[name] for name in ("service_name", "sid") if name in url.query}
        connection = oracledb.connect(
            host=url.host,
            port=url.port or 1521,
            user=url.username,
            password=url.password,
            **(place or {"sid": str(url.database)}),
            **{name: value for name, value in url.query.items() if name in _OPTIONS},
            tcp_connect_timeout=CONNECT_TIMEOUT_S,
            program="syncflow-pull",
        )
        with connection.cursor() as cursor:
            for statement in _SESSION:
                cursor.execute(statement)
        return connection

    def _close(self, connection: Connection) -> None:
        import oracledb

        try:
            connection.close()
        except oracledb.Error:
            # A connection that is lost is closed.
            return

    def _batches(
        self, connection: Connection, query: Query, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        text = without_end(query.text, "oracle")  # Oracle takes no semicolon
        with connection.cursor() as cursor:
            cursor.parse(text)
            described = cursor.description
            values = {name: _bound(cursor, v) for name, v in in_utc(query.parameters).items()}
        if described is None:
            msg = "it returns no rows at all; it must be a select"
            raise columns.ColumnError(msg)
        planned = plan(described)
        read = _frames if planned.arrow else _rows
        yield from read(connection, text, values, planned, batch_rows)


def plan(described: Sequence[FetchInfo]) -> OraclePlan:
    """Fix the columns of a result.

    Args:
        described: What the driver says of each column.

    Raises:
        ColumnError: A column's type cannot be read; the text says what to write instead.
    """
    columns.check_names([info.name for info in described])
    kinds = {info.type_code.name for info in described}
    plans = [_column(info) for info in described]
    sized = all(
        info.type_code.name != "DB_TYPE_NUMBER" or each.type != columns.TEXT
        for info, each in zip(described, plans, strict=True)
    )
    return OraclePlan(plans, sized and not kinds & _ROW_BY_ROW)


def conform(frame: Any, schema: pa.Schema) -> pa.RecordBatch:
    """Return a data frame of the driver as a batch of a schema.

    Raises:
        ColumnError: The driver gave columns of different lengths, or broken values.
    """
    try:
        arrays = [
            pa.array(each).cast(kind)
            for each, kind in zip(frame.column_arrays(), schema.types, strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        batch.validate(full=True)
    except (pa.ArrowException, ValueError):
        msg = "the driver gave columns of different lengths, or values of other types"
        raise columns.ColumnError(msg) from None
    return batch


def _column(info: FetchInfo) -> ColumnPlan:
    kind = info.type_code.name
    if kind == "DB_TYPE_NUMBER":
        return _number(info)
    if kind in _TYPES:
        return ColumnPlan(info.name, *_TYPES[kind])
    spoken = kind.removeprefix("DB_TYPE_").replace("_", " ")
    template = _WRITE.get(kind)
    hint = f"write {template.format(info.name)} as {info.name}" if template else "leave it out"
    msg = f"column {info.name!r} has the type {spoken}, which cannot be read; {hint}"
    raise columns.ColumnError(msg)


def _number(info: FetchInfo) -> ColumnPlan:
    """Plan a NUMBER: an integer or decimal of its size; exact text where it has none.

    A scale may be negative (NUMBER(5,-2) counts hundreds) or above the precision (NUMBER(2,4)).
    """
    precision, scale = info.precision or 0, info.scale or 0
    if not precision or scale == _NO_SCALE:
        return ColumnPlan(info.name, columns.TEXT, columns.as_text)
    digits = max(precision - min(scale, 0), scale)
    if scale <= 0 and digits <= _INTEGER_DIGITS:
        return ColumnPlan(info.name, columns.INTEGER, int)
    if digits > _MOST_DIGITS:
        return ColumnPlan(info.name, columns.TEXT, columns.as_text)
    return ColumnPlan(info.name, pa.decimal128(digits, max(scale, 0)))


def _frames(
    connection: Connection, text: str, values: dict[str, Any], planned: OraclePlan, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    frames = connection.fetch_df_batches(
        text, values, size=batch_rows, requested_schema=planned.schema
    )
    empty = True
    for frame in frames:
        if frame.column_arrays() and frame.num_rows():
            empty = False
            yield conform(frame, planned.schema)
    if empty:
        yield pa.RecordBatch.from_pylist([], schema=planned.schema)


def _rows(
    connection: Connection, text: str, values: dict[str, Any], planned: OraclePlan, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    with connection.cursor() as cursor:
        cursor.arraysize = cursor.prefetchrows = batch_rows
        cursor.execute(text, values, fetch_lobs=False, fetch_decimals=True)
        rows = cursor.fetchmany(batch_rows)
        while True:
            yield columns.batch(planned.columns, rows)
            rows = cursor.fetchmany(batch_rows)
            if not rows:
                return


def _bound(cursor: Cursor, value: BoundValue) -> Any:
    import oracledb

    if isinstance(value, bool):
        return int(value)  # there is no BOOLEAN before version 23
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime) and value.microsecond:
        # The driver would bind a DATE, which ends at the second. A DATE otherwise: a column of
        # that type is not found by its index for a TIMESTAMP.
        variable = cursor.var(oracledb.DB_TYPE_TIMESTAMP)
        variable.setvalue(0, value)
        return variable
    return value

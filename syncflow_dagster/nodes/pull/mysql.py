"""Rows of MySQL and MariaDB: values as the server writes them, typed by Arrow.

No kept library gives Arrow for a query with bound parameters: connectorx binds none, and there is
no ADBC driver in a package. PyMySQL hands every value over as the server's own bytes; Arrow parses
a column of them at once, which takes half the time of one Python object for each value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from syncflow_dagster.nodes.pull import columns
from syncflow_dagster.nodes.pull.paramstyle import rewritten
from syncflow_dagster.nodes.pull.servers import CONNECT_TIMEOUT_S, ServerSource, in_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pymysql import Connection
    from pymysql.protocol import FieldDescriptorPacket

    from syncflow_dagster.nodes.pull.ports import Query

_OPTIONS = frozenset({"unix_socket", "ssl_ca", "ssl_cert", "ssl_key", "ssl_key_password"})
_SESSION = (
    # TIMESTAMP columns are instants; the server shows them in the session's zone. A reader may
    # take long over a batch: the server would hang up after a minute.
    "set session time_zone = '+00:00', session net_write_timeout = 3600",
    "set session transaction read only",
)
#: Errors after which the same query may succeed: connections (1040 … 1080, 1152 … 1161, 1203, 1226,
#: 1927, 20xx), locks (1205, 1213), time limits and kills (1317, 1969, 3024):
#: https://dev.mysql.com/doc/mysql-errors/8.4/en/ and https://mariadb.com/kb/en/mariadb-error-codes/
_PASSING = frozenset({
    0, 1040, 1042, 1043, 1053, 1077, 1079, 1080, *range(1152, 1162), 1203, 1205, 1213, 1226, 1317,
    1927, 1969, 2002, 2003, 2005, 2006, 2013, 2055, 3024,
})  # fmt: skip
_SYNTAX_ERROR = 1064
_NO_CHARACTERS = 63  # the character set `binary`
_UNSIGNED = 32  # https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__column__definition__flags.html


@dataclass(frozen=True, slots=True)
class RawColumn:
    """How one column of the server's bytes is brought to Arrow.

    Attributes:
        name: The column's name in the result.
        type: Its Arrow type.
        parse: Makes values of that type from `pa.binary()`; texts in place of dates where one is
            of no calendar, such as 2026-02-00.
    """

    name: str
    type: pa.DataType
    parse: Callable[[pa.Array], pa.Array]

    def array(self, values: Sequence[bytes | None]) -> pa.Array:
        """Return a column's values.

        Raises:
            ColumnError: A value is none of the column's type.
        """
        try:
            return self.parse(pa.array(values, pa.binary()))
        except (pa.ArrowException, ValueError, OverflowError):
            # The error's text would show a value.
            hint = f"cast({self.name} as char) as {self.name}"
            msg = f"column {self.name!r} holds a value that is no {self.type}; write {hint}"
            raise columns.ColumnError(msg) from None


class MySqlSource(ServerSource):
    """A MySQL or MariaDB database; see `ServerSource`."""

    @classmethod
    def options(cls) -> frozenset[str]:
        """Return PyMySQL's options of sockets and TLS; TLS is used if the server offers it."""
        return _OPTIONS | {"charset"}  # URLs often name one; it is always utf8mb4 here

    def _errors(self) -> tuple[type[Exception], ...]:
        from pymysql.err import MySQLError

        return (MySQLError, OSError)

    def _passing(self, error: Exception) -> bool:
        return isinstance(error, OSError) or _code(error) in _PASSING

    def _words(self, error: Exception, query: Query) -> str:
        words = str(error.args[1]) if len(error.args) > 1 else str(error)
        if _code(error) == _SYNTAX_ERROR and query.parameters:
            # The server quotes the statement, and this driver has put the values into it.
            return re.sub(r" near '.*' at line ", " at line ", words, flags=re.DOTALL)
        return words

    def _connect(self) -> Connection:
        import pymysql
        from pymysql.converters import encoders
        from pymysql.cursors import SSCursor

        url = self._url
        # A certificate that is given is meant to be checked; PyMySQL alone would not.
        checked = {"ssl_verify_cert": True, "ssl_verify_identity": True}
        connection = pymysql.connect(
            host=url.host,
            port=url.port or 3306,
            user=url.username,
            password=(url.password or "").encode(),
            database=url.database,
            charset="utf8mb4",
            use_unicode=False,  # no text is made of bytes; Arrow reads them
            conv=dict(encoders),
            cursorclass=SSCursor,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            program_name="syncflow-pull",
            **{name: value for name, value in url.query.items() if name in _OPTIONS},
            **(checked if "ssl_ca" in url.query else {}),
        )
        with connection.cursor(pymysql.cursors.Cursor) as cursor:
            for statement in _SESSION:
                cursor.execute(statement)
        return connection

    def _close(self, connection: Connection) -> None:
        if connection.open:
            connection.close()

    def _batches(
        self, connection: Connection, query: Query, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        text, _ = rewritten(query, "mysql", "%({})s".format, lambda sql: sql.replace("%", "%%"))
        cursor = connection.cursor()
        cursor.execute(text, _bound(query))
        if cursor.description is None:
            msg = "it returns no rows at all; it must be a select"
            raise columns.ColumnError(msg)
        # PyMySQL says in no other place which sign and character set a column has, and offers no
        # other way to leave a result than to read all the rows that are left.
        result = connection._result  # noqa: SLF001
        try:
            plans = plan(result.fields)
            columns.check_names([each.name for each in plans])
            rows = cursor.fetchmany(batch_rows)
            while True:
                yield batch(plans, rows)
                rows = cursor.fetchmany(batch_rows)
                if not rows:
                    return
        finally:
            result.unbuffered_active = False


def plan(fields: Sequence[FieldDescriptorPacket]) -> list[RawColumn]:
    """Fix the columns of a result by what the server says of them."""
    return [RawColumn(field.name, *_kind(field)) for field in fields]


def batch(plans: Sequence[RawColumn], rows: Sequence[Sequence[bytes | None]]) -> pa.RecordBatch:
    """Return rows as one batch.

    Args:
        plans: One for each column, in the rows' order.
        rows: The server's bytes; may be empty.

    Raises:
        ColumnError: A value is none of its column's type.
    """
    values = list(zip(*rows, strict=True)) if rows else [()] * len(plans)
    arrays = [each.array(column) for each, column in zip(plans, values, strict=True)]
    return columns.as_batch(arrays, pa.schema([(each.name, each.type) for each in plans]))


def _kind(field: FieldDescriptorPacket) -> tuple[pa.DataType, Callable[[pa.Array], pa.Array]]:
    from pymysql.constants import FIELD_TYPE as CODE

    code, unsigned = field.type_code, bool(field.flags & _UNSIGNED)
    if code in {CODE.TINY, CODE.SHORT, CODE.INT24, CODE.LONG, CODE.LONGLONG, CODE.YEAR}:
        kind = pa.uint64() if unsigned and code == CODE.LONGLONG else columns.INTEGER
        return kind, _parser(kind)
    if code in {CODE.NEWDECIMAL, CODE.DECIMAL}:
        # The length counts the sign and the point: DECIMAL(12,2) has 14.
        precision = field.length - (field.scale > 0) - (not unsigned)
        kind = columns.decimals(precision, field.scale)
        return kind, _parser(kind)
    if code in {CODE.FLOAT, CODE.DOUBLE}:
        return columns.FLOAT, _parser(columns.FLOAT)
    if code in {CODE.DATE, CODE.NEWDATE}:
        return columns.DATE, _moments(columns.DATE)
    if code == CODE.DATETIME:
        return columns.LOCAL_TIME, _moments(columns.LOCAL_TIME)
    if code == CODE.TIMESTAMP:
        return columns.INSTANT, _moments(columns.INSTANT)
    if code == CODE.BIT:
        return (columns.BOOLEAN, _bit) if field.length == 1 else (pa.uint64(), _bits)
    if code == CODE.GEOMETRY or (code in _TEXTS and field.charsetnr == _NO_CHARACTERS):
        return columns.BINARY, _as_it_is
    return columns.TEXT, _text


# VARCHAR, TINY_BLOB … BLOB, VAR_STRING, STRING: texts or, in the character set `binary`, bytes.
_TEXTS = frozenset({15, 249, 250, 251, 252, 253, 254})


def _text(values: pa.Array) -> pa.Array:
    return values.cast(columns.TEXT)


def _as_it_is(values: pa.Array) -> pa.Array:
    return values


def _parser(kind: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    return lambda values: values.cast(columns.TEXT).cast(kind)


def _moments(kind: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    """Parse dates; MySQL's 0000-00-00, which stands where no date is known, becomes NULL."""

    def parse(values: pa.Array) -> pa.Array:
        from syncflow_dagster.nodes.pull import dates

        text = values.cast(columns.TEXT)
        if _has_year_zero(text):
            text = pc.if_else(pc.starts_with(text, "0000-00-00"), None, text)
            if _has_year_zero(text):
                return dates.as_text(text, kind)
        try:
            if kind == columns.INSTANT:
                return pc.assume_timezone(text.cast(columns.LOCAL_TIME), "UTC")
            return text.cast(kind)
        except pa.ArrowInvalid:
            return dates.as_text(text, kind)

    return parse


def _has_year_zero(text: pa.Array) -> bool:
    return bool(pc.any(pc.starts_with(text, "0000-")).as_py())


def _bit(values: pa.Array) -> pa.Array:
    return pc.equal(values, b"\1")


def _bits(values: pa.Array) -> pa.Array:
    numbers = [None if each is None else int.from_bytes(each) for each in values.to_pylist()]
    return pa.array(numbers, pa.uint64())


def _bound(query: Query) -> dict[str, Any]:
    values = in_utc(query.parameters)
    return {name: str(v) if isinstance(v, UUID) else v for name, v in values.items()}


def _code(error: Exception) -> int | None:
    code = error.args[0] if error.args else None
    return code if isinstance(code, int) else None

"""MySQL's columns and errors, without a server: the driver's own packets and exceptions."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pymysql
import pytest
from pymysql.constants import FIELD_TYPE as CODE
from pymysql.converters import escape_item
from pymysql.protocol import FieldDescriptorPacket
from server_cases import closed_port, failing
from sqlalchemy import make_url

from syncflow_dagster.nodes.pull import mysql
from syncflow_dagster.nodes.pull.columns import ColumnError
from syncflow_dagster.nodes.pull.mysql import MySqlSource
from syncflow_dagster.nodes.pull.ports import Query, QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.rows import dates_type

UTF8, BINARY, UNSIGNED = 45, 63, 32


def field(code, length=11, scale=0, charset=BINARY, flags=0, name="x"):
    """Return a column's description as the server sends it."""
    texts = b"".join(
        bytes([len(text)]) + text for text in (b"def", b"", b"", b"", name.encode(), b"")
    )
    sent = texts + struct.pack("<BHIBHBH", 12, charset, length, code, flags, scale, 0)
    return FieldDescriptorPacket(sent, "utf-8")


CASES = [
    (field(CODE.TINY, 1), b"2", pa.int64(), 2),
    (field(CODE.LONG, 10, flags=UNSIGNED), b"4294967295", pa.int64(), 4294967295),
    (field(CODE.LONGLONG, 20), b"-9223372036854775808", pa.int64(), -9223372036854775808),
    (field(CODE.LONGLONG, 20, flags=UNSIGNED), b"18446744073709551615", pa.uint64(), 2**64 - 1),
    (field(CODE.YEAR, 4, flags=UNSIGNED), b"2026", pa.int64(), 2026),
    (field(CODE.NEWDECIMAL, 14, 2), b"-1.10", pa.decimal128(12, 2), Decimal("-1.10")),
    (field(CODE.NEWDECIMAL, 13, 2, flags=UNSIGNED), b"1.10", pa.decimal128(12, 2), Decimal("1.10")),
    (field(CODE.NEWDECIMAL, 11, 0), b"7", pa.decimal128(10, 0), Decimal(7)),
    (field(CODE.NEWDECIMAL, 67, 30), b"0.000000000000000000000000000001", pa.string(),
     "0.000000000000000000000000000001"),
    (field(CODE.FLOAT, 12, 31), b"0.1", pa.float64(), 0.1),
    (field(CODE.DOUBLE, 22, 31), b"1e300", pa.float64(), 1e300),
    (field(CODE.DATE, 10), b"0001-01-01", pa.date32(), date(1, 1, 1)),
    (field(CODE.DATE, 10), b"0000-00-00", pa.date32(), None),
    (field(CODE.DATETIME, 26, 6), b"9999-12-31 23:59:59.000001", pa.timestamp("us"),
     datetime(9999, 12, 31, 23, 59, 59, 1)),  # noqa: DTZ001
    (field(CODE.DATETIME, 19), b"0000-00-00 00:00:00", pa.timestamp("us"), None),
    (field(CODE.TIMESTAMP, 19), b"2026-03-29 01:30:00", pa.timestamp("us", "UTC"),
     datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    (field(CODE.TIME, 10), b"-838:59:59", pa.string(), "-838:59:59"),
    (field(CODE.BIT, 1), b"\x00", pa.bool_(), False),
    (field(CODE.BIT, 12), b"\x0a\x01", pa.uint64(), 2561),
    (field(CODE.JSON, 2**32 - 1), b'{"a": 1.10}', pa.string(), '{"a": 1.10}'),
    (field(CODE.BLOB, 1020, charset=UTF8), "😀".encode(), pa.string(), "😀"),
    (field(CODE.VAR_STRING, 40, charset=UTF8), b"", pa.string(), ""),
    (field(CODE.STRING, 40, charset=UTF8, flags=256), b"good", pa.string(), "good"),
    (field(CODE.BLOB, 255), b"\x00\xff", pa.binary(), b"\x00\xff"),
    (field(CODE.STRING, 4), b"\x00\x01\x00\x00", pa.binary(), b"\x00\x01\x00\x00"),
    (field(CODE.GEOMETRY, 2**32 - 1), b"\x00\x01", pa.binary(), b"\x00\x01"),
    (field(CODE.NULL, 0), None, pa.string(), None),
]  # fmt: skip


@pytest.mark.parametrize(("described", "sent", "kind", "value"), CASES)
def test_a_column_has_its_type_whether_it_holds_values_or_not(described, sent, kind, value):
    plans = mysql.plan([described])
    empty = mysql.batch(plans, [])
    found = mysql.batch(plans, [(sent,), (None,)])
    assert empty.schema == found.schema == pa.schema({"x": kind})
    assert found.to_pylist() == [{"x": value}, {"x": None}]


@pytest.mark.parametrize(
    ("described", "odd", "sent", "meant"),
    [
        (field(CODE.DATE, 10), "2026-02-00", "2026-02-01", "2026-02-01"),
        (field(CODE.DATE, 10), "0000-02-01", "2026-02-01", "2026-02-01"),
        (field(CODE.DATETIME, 19), "2026-00-00 00:00:00", "2026-02-01 03:04:05.5",
         "2026-02-01T03:04:05.500"),
        (field(CODE.TIMESTAMP, 19), "2026-02-31 00:00:00", "2026-02-01 03:04:05",
         "2026-02-01T03:04:05Z"),
    ],
)  # fmt: skip
def test_a_date_of_no_calendar_makes_its_batch_text(described, odd, sent, meant):
    plans = mysql.plan([described, field(CODE.DATE, 10, name="y")])
    zero = sent.translate(str.maketrans("123456789", "000000000"))
    sent_rows = [(sent, "2026-01-02"), (odd, None), (zero, "0000-00-00"), (None, None)]
    rows = [tuple(value and value.encode() for value in row) for row in sent_rows]
    batch = mysql.batch(plans, rows)
    assert batch.column("x").to_pylist() == [meant, odd, None, None]
    assert batch.column("y").to_pylist() == [date(2026, 1, 2), None, None, None]
    usual = mysql.batch(plans, rows[:1]).schema
    assert usual.field("x").type != pa.string()
    # Whoever needs dates is told which they would have been.
    assert dates_type(batch.schema.field("x")) == str(usual.field("x").type)
    assert [dates_type(usual.field("x")), dates_type(batch.schema.field("y"))] == [None, None]


def test_a_value_that_is_none_of_its_type_is_an_error_without_the_value():
    with pytest.raises(ColumnError, match="column 'x' holds a value that is no int64; write") as e:
        mysql.batch(mysql.plan([field(CODE.LONG)]), [(b"2026-secret",)])
    assert "2026" not in str(e.value)
    with pytest.raises(ColumnError, match="column 'x' holds a value that is no string"):
        mysql.batch(mysql.plan([field(CODE.VAR_STRING, 40, charset=UTF8)]), [(b"\xff",)])


def test_what_is_bound_keeps_its_instant_and_is_always_escaped():
    east = timezone(timedelta(hours=2))
    query = Query("", {
        "at": datetime(2026, 1, 2, 3, tzinfo=east), "local": datetime(2026, 1, 2, 3),  # noqa: DTZ001
        "id": UUID(int=1), "text": "it's \\",
    })  # fmt: skip
    escaped = {name: escape_item(value, "utf8mb4") for name, value in mysql._bound(query).items()}
    assert escaped == {
        "at": "'2026-01-02 01:00:00'", "local": "'2026-01-02 03:00:00'",
        "id": "'00000000-0000-0000-0000-000000000001'", "text": "'it\\'s \\\\'",
    }  # fmt: skip


URL = "mysql://me:hunter2@db/orders"


@pytest.mark.parametrize(
    ("error", "expected", "fragment"),
    [
        (
            pymysql.err.OperationalError(2013, "Lost connection"),
            SourceUnavailableError,
            "broke off",
        ),
        (pymysql.err.OperationalError(1213, "Deadlock found"), SourceUnavailableError, "broke off"),
        (pymysql.err.InternalError(1205, "Lock wait"), SourceUnavailableError, "broke off"),
        (pymysql.err.InterfaceError(0, ""), SourceUnavailableError, "broke off"),
        (ConnectionResetError(104, "reset"), SourceUnavailableError, "broke off"),
        (
            pymysql.err.ProgrammingError(1146, "Table 'a.b' doesn't exist"),
            QueryFailedError,
            "refuses",
        ),
        (pymysql.err.OperationalError(1054, "Unknown column"), QueryFailedError, "Unknown column"),
        (pymysql.err.OperationalError(1142, "SELECT denied"), QueryFailedError, "SELECT denied"),
    ],
)
def test_errors_are_told_apart_by_what_to_do_next(error, expected, fragment):
    with pytest.raises(expected, match=fragment) as caught:
        list(failing(MySqlSource, URL, reading=error).read(Query("select 1"), 10))
    assert caught.value.__cause__ is None  # its text may hold values


def test_a_refused_login_shows_no_password():
    error = pymysql.err.OperationalError(1045, "Access denied for 'me' (using hunter2)")
    with pytest.raises(SourceUnavailableError, match=r"cannot be reached.*\*\*\*") as caught:
        list(failing(MySqlSource, URL, connecting=error).read(Query("select 1"), 10))
    assert "hunter2" not in str(caught.value)


def test_a_server_that_is_not_there_is_worth_another_try():
    with closed_port() as port:
        source = MySqlSource(make_url(f"mariadb://me:pw@127.0.0.1:{port}/orders"))
        with pytest.raises(SourceUnavailableError, match=r"mariadb database 127\.0\.0\.1/orders"):
            list(source.read(Query("select 1"), 10))


def test_options_that_would_be_left_unread_are_refused():
    with pytest.raises(
        ValueError, match="mean nothing here: ssl_kee; it may have charset"
    ) as caught:
        MySqlSource(make_url("mysql://me:hunter2@h/d?ssl_kee=secret&charset=latin1"))
    assert "secret" not in str(caught.value)

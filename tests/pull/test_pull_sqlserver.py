"""SQL Server: Microsoft's driver against a stand-in that speaks the protocol."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import mssql_python
import pyarrow as pa
import pytest
import tds_server
from server_cases import closed_port
from sqlalchemy import make_url

from syncflow_dagster.nodes.pull import sqlserver
from syncflow_dagster.nodes.pull.ports import Query, QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.pull.sqlserver import SqlServerSource

AT = (123_456_789).to_bytes(5, "little")  # 12.3456789 s after midnight, in tenths of microseconds
DAY = (date(2026, 1, 2) - date(1, 1, 1)).days.to_bytes(3, "little")
MONEY = -12_345_678


def loads():
    """Say whether Microsoft's ODBC driver finds the system's libraries here."""
    try:
        mssql_python.connect("Server=tcp:127.0.0.1,1;Database=x;UID=x;PWD=x", timeout=1)
    except mssql_python.Error as error:
        return "Failed to load the driver" not in str(error)
    return True


@pytest.fixture(scope="module")
def driver():
    if not loads():
        pytest.skip(sqlserver._LIBRARIES)


@pytest.fixture
def ask(driver, monkeypatch):
    """Read from a stand-in."""
    monkeypatch.setattr(sqlserver, "CONNECT_TIMEOUT_S", 5)

    def ask(server, query, rows=100):
        with tds_server.serving(server) as port:
            url = f"mssql://me:hunter2@127.0.0.1:{port}/orders?Encrypt=no"
            return list(SqlServerSource(make_url(url)).read(query, rows))

    return ask


def sized(kind, *, of=b""):
    return lambda value: (kind + of, bytes([len(value)]) + value)


def text(value, kind=b"\xe7", size=200, encoding="utf-16le"):
    raw = value.encode(encoding)
    info = kind + struct.pack("<H", size) + tds_server.COLLATION
    return info, struct.pack("<H", len(raw)) + raw


def binary(value, kind, size):
    return kind + struct.pack("<H", size), struct.pack("<H", len(value)) + value


def large(value, kind, collation=b""):
    """Return a value of a `max` type, in one chunk."""
    sent = struct.pack("<QI", len(value), len(value)) + value + bytes(4)
    return kind + collation, sent


def decimal(value, precision, scale, kind=b"\x6a"):
    digits = int(value.replace("-", "").replace(".", ""))
    raw = bytes([not value.startswith("-")]) + digits.to_bytes(16, "little")
    return kind + bytes([17, precision, scale]), b"\x11" + raw


#: The column's type, the protocol's description and value, the Arrow type, the value.
CASES = [
    ("tinyint", sized(b"\x26\x01")(b"\xff"), pa.int64(), 255),
    ("smallint", sized(b"\x26\x02")(struct.pack("<h", -5)), pa.int64(), -5),
    ("int", sized(b"\x26\x04")(struct.pack("<i", -(2**31))), pa.int64(), -(2**31)),
    ("bigint", sized(b"\x26\x08")(struct.pack("<q", 2**63 - 1)), pa.int64(), 2**63 - 1),
    ("bit", sized(b"\x68\x01")(b"\x01"), pa.bool_(), True),
    ("float", sized(b"\x6d\x08")(struct.pack("<d", 0.1)), pa.float64(), 0.1),
    ("real", sized(b"\x6d\x04")(struct.pack("<f", 0.5)), pa.float64(), 0.5),
    ("decimal(38,12)", decimal(f"-{'9' * 26}.{'9' * 12}", 38, 12), pa.decimal128(38, 12),
     Decimal(f"-{'9' * 26}.{'9' * 12}")),
    ("numeric(12,2)", decimal("1.10", 12, 2, b"\x6c"), pa.decimal128(12, 2), Decimal("1.10")),
    ("money", sized(b"\x6e\x08")(struct.pack("<iI", MONEY >> 32, MONEY & 0xFFFFFFFF)),
     pa.decimal128(19, 4), Decimal("-1234.5678")),
    ("smallmoney", sized(b"\x6e\x04")(struct.pack("<i", -12345)), pa.decimal128(10, 4),
     Decimal("-1.2345")),
    ("date", sized(b"\x28")(DAY), pa.date32(), date(2026, 1, 2)),
    ("time(7)", sized(b"\x29\x07")(AT), pa.string(), "00:00:12.345678"),
    ("datetime", sized(b"\x6f\x08")(struct.pack("<iI", 46022, 300)), pa.timestamp("us"),
     datetime(2026, 1, 2, 0, 0, 1)),  # noqa: DTZ001
    ("smalldatetime", sized(b"\x6f\x04")(struct.pack("<HH", 46022, 61)), pa.timestamp("us"),
     datetime(2026, 1, 2, 1, 1)),  # noqa: DTZ001
    ("datetime2(7)", sized(b"\x2a\x07")(AT + DAY), pa.timestamp("us"),
     datetime(2026, 1, 2, 0, 0, 12, 345678)),  # noqa: DTZ001
    ("datetimeoffset(7)", sized(b"\x2b\x07")(AT + DAY + struct.pack("<h", 330)),
     pa.timestamp("us", "UTC"), datetime(2026, 1, 2, 0, 0, 12, 345678, UTC)),
    ("uniqueidentifier", sized(b"\x24\x10")(UUID(int=2**100).bytes_le), pa.string(),
     str(UUID(int=2**100)).upper()),
    ("nvarchar(100)", text("Zoë 😀"), pa.string(), "Zoë 😀"),
    ("varchar(100), ''", text("", b"\xa7", 100, "cp1252"), pa.string(), ""),
    ("varchar(100)", text("Zoë €", b"\xa7", 100, "cp1252"), pa.string(), "Zoë €"),
    ("nchar(5) is padded", text("ab   ", b"\xef", 10), pa.string(), "ab   "),
    ("rowversion", binary(bytes(7) + b"\x07", b"\xad", 8), pa.binary(), bytes(7) + b"\x07"),
    ("varbinary(50)", binary(b"\x00\xff", b"\xa5", 50), pa.binary(), b"\x00\xff"),
    ("nvarchar(max)", large(("é" * 5000).encode("utf-16le"), b"\xe7\xff\xff", tds_server.COLLATION),
     pa.string(), "é" * 5000),
    ("varbinary(max)", large(b"x" * 9000, b"\xa5\xff\xff"), pa.binary(), b"x" * 9000),
    ("xml", large("<a>é</a>".encode("utf-16le"), b"\xf1\x00"), pa.string(), "<a>é</a>"),
]  # fmt: skip
#: NULL, by how a type says its length.
_NULLS = {2: b"\xff\xff", 8: b"\xff" * 8}


def null(described):
    length = 8 if described[:1] == b"\xf1" or described[1:3] == b"\xff\xff" else 1
    length = 2 if length == 1 and described[:1] in b"\xe7\xa7\xef\xad\xa5" else length
    return _NULLS.get(length, b"\x00")


@pytest.mark.parametrize(
    ("sent", "kind", "value"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_each_type_as_microsofts_driver_brings_it(ask, sent, kind, value):
    described, raw = sent
    answer = tds_server.result({"x": described}, [[raw], [null(described)], [raw]])
    (batch,) = ask(tds_server.Server(answer), Query("select x"))
    assert batch.schema == pa.schema({"x": kind})
    assert batch.column(0).to_pylist() == [value, None, value]
    nothing = ask(tds_server.Server(tds_server.result({"x": described}, [])), Query("select x"))
    assert [(each.num_rows, each.schema) for each in nothing] == [(0, batch.schema)]


NUMBERS = tds_server.result(
    {"n": b"\x26\x04"}, [[b"\x04" + struct.pack("<i", n)] for n in range(1000)]
)


def test_batches_have_the_size_asked_for(ask):
    server = tds_server.Server(NUMBERS)
    batches = ask(server, Query("select n"), 300)
    assert [batch.num_rows for batch in batches] == [300, 300, 300, 100]
    assert pa.Table.from_batches(batches).column(0).to_pylist() == list(range(1000))


def test_values_are_bound_by_the_server_with_their_types(ask):
    server = tds_server.Server(NUMBERS)
    at = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    values = {
        "p1": "it's", "p2": at, "p3": Decimal("1.10"), "p4": date(2026, 1, 2), "p5": None,
        "p6": UUID(int=7), "p7": 2**40, "p8": True,
    }  # fmt: skip
    where = " and ".join(f"c = :{name}" for name in values)
    ask(server, Query(f"select '12:30 :p1' where {where} and d = :p1", values))
    (asked,) = server.asked
    sql = asked.decode("utf-16le", "ignore") + asked[1:].decode("utf-16le", "ignore")
    assert "select '12:30 :p1' where c = @P1 and c = @P2" in sql
    assert "and c = @P4 and c = null and c = @P5" in sql
    assert "and d = @P8" in sql
    assert asked.endswith(b"it's")
    assert (
        "@P1 varchar(4),@P2 datetimeoffset,@P3 numeric(3,2),@P4 date,@P5 uniqueidentifier,"
        "@P6 bigint,@P7 bit,@P8 varchar(4)"
    ) in sql


def test_nothing_is_committed_and_a_reader_may_stop_half_way(driver):
    server = tds_server.Server(NUMBERS)
    with tds_server.serving(server) as port:
        url = make_url(f"mssql://me:hunter2@127.0.0.1:{port}/orders?Encrypt=no")
        rows = SqlServerSource(url).read(Query("select n"), 10)
        assert next(rows).num_rows == 10
        assert not server.closed.is_set()
        rows.close()
        assert server.closed.wait(5)
    assert set(server.transactions) <= {5, 8}  # begun and rolled back, never committed (7)


@pytest.mark.parametrize(
    ("state", "level"),
    # 2 and 3: on its way to off, and to on.
    [(0, "read committed"), (1, "snapshot"), (2, "read committed"), (3, "read committed")],
)
def test_a_read_is_of_one_state_of_the_data_where_the_database_allows_it(ask, state, level):
    server = tds_server.Server(NUMBERS, snapshot=state)
    (batch,) = ask(server, Query("select n where a = :p1", {"p1": 1}), 1000)
    assert batch.num_rows == 1000
    assert server.levels == [level]


def test_what_no_snapshot_can_read_is_read_without(ask):
    words = "Snapshot isolation transaction failed accessing database 'other'."
    server = tds_server.Server(NUMBERS, snapshot=1, no_snapshot=tds_server.error(3952, words))
    (batch,) = ask(server, Query("select n"), 1000)
    assert batch.num_rows == 1000
    assert server.levels == ["snapshot", "read committed"]
    assert server.closed.wait(5)
    assert server.transactions == [5, 8, 5, 8]


def test_a_query_refused_with_and_without_a_snapshot_is_told_once(ask):
    answer = tds_server.error(208, "Invalid object name 'nope'.")
    server = tds_server.Server(answer, snapshot=1)
    with pytest.raises(QueryFailedError, match="Invalid object name 'nope'"):
        ask(server, Query("select n from nope"))
    assert server.levels == ["snapshot", "read committed"]


def test_a_deadlock_in_a_snapshot_is_not_tried_again_at_once(ask):
    words = "Transaction was deadlocked and has been chosen as the deadlock victim."
    server = tds_server.Server(tds_server.error(1205, words, 13), snapshot=1)
    with pytest.raises(SourceUnavailableError, match="deadlock victim"):
        ask(server, Query("select n"))
    assert server.levels == ["snapshot"]


def test_an_error_behind_the_first_rows_is_told(ask):
    end = NUMBERS[: -len(tds_server.done(1))]
    server = tds_server.Server(end + tds_server.error(8134, "Divide by zero error encountered."))
    with pytest.raises(QueryFailedError, match=r"refuses the query: .*Divide by zero"):
        ask(server, Query("select n"), 10)


def test_a_refused_query_says_what_the_server_says(ask):
    server = tds_server.Server(tds_server.error(208, "Invalid object name 'nope'."))
    with pytest.raises(QueryFailedError, match=r"refuses the query: .*Invalid object name 'nope'"):
        ask(server, Query("select n from nope"))


def test_a_deadlock_is_worth_another_try(ask):
    words = "Transaction was deadlocked and has been chosen as the deadlock victim."
    with pytest.raises(SourceUnavailableError, match=r"broke off: .*deadlock victim"):
        ask(tds_server.Server(tds_server.error(1205, words, 13)), Query("select n"))


def test_a_connection_that_is_cut_is_worth_another_try(ask):
    with pytest.raises(SourceUnavailableError, match="broke off"):
        ask(tds_server.Server(NUMBERS, cut_after=2000), Query("select n"), 10)


def test_a_refused_login_shows_no_password(ask):
    server = tds_server.Server(login=tds_server.error(18456, "Login failed, not hunter2.", 14))
    with pytest.raises(SourceUnavailableError, match=r"cannot be reached: .*not \*\*\*"):
        ask(server, Query("select n"))


def test_a_value_the_driver_cannot_convert_is_an_error_and_no_zero(ask):
    """It leaves the rest of the row as it was, and tells in a message only."""
    described, raw = decimal("1" + "0" * 38, 38, 0)
    with pytest.raises(QueryFailedError, match=r"could not convert all values: .*out of range"):
        ask(tds_server.Server(tds_server.result({"x": described}, [[raw]])), Query("select x"))


def test_a_type_arrow_has_not_is_refused_with_what_to_write(ask):
    variant = b"\x62" + struct.pack("<I", 8009)
    server = tds_server.Server(tds_server.result({"v": variant}, [[bytes(4)]]))
    with pytest.raises(QueryFailedError, match=r"write for example cast\(v as nvarchar"):
        ask(server, Query("select v"))


@pytest.mark.parametrize(
    ("names", "fragment"), [(["a", ""], "without a name"), (["a", "a"], "a more than once")]
)
def test_columns_that_cannot_be_told_apart(ask, names, fragment):
    number = b"\x26\x04"
    columns = dict.fromkeys(names, number)
    answer = tds_server.result(columns, [])
    if len(columns) == 1:
        head = answer[3 : -len(tds_server.done(0))]
        answer = b"\x81\x02\x00" + head + head + tds_server.done(0)
    with pytest.raises(QueryFailedError, match=fragment):
        ask(tds_server.Server(answer), Query("select a"))


def test_what_returns_no_rows_is_no_query(ask):
    with pytest.raises(QueryFailedError, match="it must be a select"):
        ask(tds_server.Server(), Query("print 'x'"))


def test_a_server_that_is_not_there_is_worth_another_try(driver, monkeypatch):
    monkeypatch.setattr(sqlserver, "CONNECT_TIMEOUT_S", 1)  # the driver tries until then
    with closed_port() as port:
        source = SqlServerSource(make_url(f"mssql+pyodbc://me:hunter2@127.0.0.1:{port}/orders"))
        with pytest.raises(
            SourceUnavailableError, match=r"mssql database 127\.0\.0\.1/orders"
        ) as e:
            list(source.read(Query("select 1 as a"), 10))
    assert "hunter2" not in str(e.value)

"""Oracle without a server: its table of types, the driver's own objects, exceptions and sockets."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import oracledb
import pyarrow as pa
import pytest
from oracledb import errors
from oracledb.fetch_info import FetchInfo
from server_cases import closed_port, failing
from sqlalchemy import make_url

from syncflow_dagster.nodes.pull import oracle
from syncflow_dagster.nodes.pull.columns import ColumnError
from syncflow_dagster.nodes.pull.oracle import OracleSource
from syncflow_dagster.nodes.pull.ports import Query, QueryFailedError, SourceUnavailableError

URL = "oracle+oracledb://me:hunter2@db:1521/?service_name=ORDERS"
NOON = datetime(2026, 1, 2, 12, 30, 5)  # noqa: DTZ001
LATE = datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001


def info(kind, precision=0, scale=0, name="X"):
    """Return what the driver says of a column; its own class does the rest."""
    dbtype = getattr(oracledb, f"DB_TYPE_{kind}")
    described = {"name": name, "dbtype": dbtype, "precision": precision, "scale": scale}
    return FetchInfo._from_impl(SimpleNamespace(**described, max_size=0, nulls_allowed=True))


def double(*values):
    return pa.array(values, pa.float64())


#: What Oracle calls it; the driver's description; what the driver yields (an Arrow column of its
#: data frame, or a list of values where rows are fetched); the Arrow type; the values.
CASES = [
    ("NUMBER", info("NUMBER", 0, -127), [Decimal("0.1"), Decimal("1" * 38), None],
     pa.string(), ["0.1", "1" * 38, None]),
    ("NUMBER of an expression", info("NUMBER"), [Decimal(1000), Decimal("-1E+3"), None],
     pa.string(), ["1000", "-1000", None]),
    ("NUMBER(*,0)", info("NUMBER", 38, 0), pa.array([Decimal("9" * 38), None], pa.decimal128(38)),
     pa.decimal128(38, 0), [Decimal("9" * 38), None]),
    ("NUMBER(18)", info("NUMBER", 18, 0), pa.array([-(10**18) + 1, None]),
     pa.int64(), [-999999999999999999, None]),
    ("NUMBER(19)", info("NUMBER", 19, 0), pa.array([Decimal(2**63)], pa.decimal128(19)),
     pa.decimal128(19, 0), [Decimal(2**63)]),
    ("NUMBER(12,2)", info("NUMBER", 12, 2), pa.array([Decimal("-1.10"), None]),
     pa.decimal128(12, 2), [Decimal("-1.10"), None]),
    ("NUMBER(5,-2)", info("NUMBER", 5, -2), pa.array([1234500]), pa.int64(), [1234500]),
    ("NUMBER(30,-2)", info("NUMBER", 30, -2), pa.array([Decimal("1E+31")], pa.decimal128(32)),
     pa.decimal128(32, 0), [Decimal(10**31)]),
    ("NUMBER(38,-10)", info("NUMBER", 38, -10), [Decimal(10**47)], pa.string(), [f"1{'0' * 47}"]),
    ("NUMBER(2,4)", info("NUMBER", 2, 4), pa.array([Decimal("0.0012")], pa.decimal128(4, 4)),
     pa.decimal128(4, 4), [Decimal("0.0012")]),
    ("NUMBER(38,38)", info("NUMBER", 38, 38),
     pa.array([Decimal(f"0.{'9' * 38}")], pa.decimal128(38, 38)),
     pa.decimal128(38, 38), [Decimal(f"0.{'9' * 38}")]),
    ("NUMBER(1,50)", info("NUMBER", 1, 50), [Decimal("1E-50")], pa.string(), [f"0.{'0' * 49}1"]),
    ("FLOAT(126)", info("NUMBER", 126, -127), [Decimal("0.1")], pa.string(), ["0.1"]),
    ("BINARY_DOUBLE", info("BINARY_DOUBLE"), double(0.1, None, float("inf")),
     pa.float64(), [0.1, None, float("inf")]),
    ("BINARY_FLOAT", info("BINARY_FLOAT"), pa.array([0.5, None], pa.float32()),
     pa.float64(), [0.5, None]),
    ("DATE has a time", info("DATE"), pa.array([NOON, None], pa.timestamp("s")),
     pa.timestamp("us"), [NOON, None]),
    ("TIMESTAMP(6)", info("TIMESTAMP", 0, 6), pa.array([LATE], pa.timestamp("us")),
     pa.timestamp("us"), [LATE]),
    ("TIMESTAMP(9)", info("TIMESTAMP", 0, 9), pa.array([NOON], pa.timestamp("ns")),
     pa.timestamp("us"), [NOON]),
    ("CHAR(5) is padded", info("CHAR"), pa.array(["ab   ", None]), pa.string(), ["ab   ", None]),
    ("VARCHAR2, '' is NULL", info("VARCHAR"), pa.array(["Zoë 日本", None], pa.large_string()),
     pa.string(), ["Zoë 日本", None]),
    ("LONG", info("LONG"), pa.array(["x"], pa.large_string()), pa.string(), ["x"]),
    ("CLOB", info("CLOB"), pa.array(["x" * 70_000, None], pa.large_string()),
     pa.string(), ["x" * 70_000, None]),
    ("NCHAR(3)", info("NCHAR"), ["ä  ", None], pa.string(), ["ä  ", None]),
    ("NVARCHAR2", info("NVARCHAR"), ["Zoë 😀", None], pa.string(), ["Zoë 😀", None]),
    ("NCLOB", info("NCLOB"), ["😀", None], pa.string(), ["😀", None]),
    ("RAW", info("RAW"), pa.array([b"\x00\xff", None], pa.large_binary()),
     pa.binary(), [b"\x00\xff", None]),
    ("LONG RAW", info("LONG_RAW"), pa.array([b"x"], pa.large_binary()), pa.binary(), [b"x"]),
    ("BLOB", info("BLOB"), pa.array([b"", None], pa.large_binary()), pa.binary(), [b"", None]),
    ("BOOLEAN", info("BOOLEAN"), pa.array([True, None, False]), pa.bool_(), [True, None, False]),
]  # fmt: skip


class Database:
    """A connection that answers as the driver does: rows, or frames of its own class."""

    def __init__(self, described, frames=(), rows=(), most=1000):
        self._described, self._frames, self._rows, self._most = described, frames, list(rows), most
        self.asked = []
        self.closed = 0

    def fetch_df_batches(self, text, values, *, size, requested_schema):
        self.asked.append((text, values, size, requested_schema))
        for frame in self._frames:
            yield oracledb.from_arrow(frame)

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def parse(self, text):
        self.description = self._described

    def var(self, kind):
        return SimpleNamespace(kind=kind, setvalue=lambda at, value: None)

    def execute(self, text, values, **how):
        assert how == {"fetch_lobs": False, "fetch_decimals": True}
        self.asked.append((text, values, self.arraysize))

    def fetchmany(self, most):
        found, self._rows = self._rows[:most], self._rows[most:]
        return found

    def close(self):
        self.closed += 1


class Given(OracleSource):
    """The source on such a connection."""

    def __init__(self, connection):
        super().__init__(make_url(URL))
        self.connection = connection

    def _connect(self):
        return self.connection


def given(described, data):
    """Return a source whose driver yields this data for one column."""
    if isinstance(data, list):
        return Given(Database([described], rows=[(value,) for value in data]))
    return Given(Database([described], [pa.table({"X": data})]))


@pytest.mark.parametrize(
    ("described", "data", "kind", "values"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_each_type_of_oracle(described, data, kind, values):
    (batch,) = given(described, data).read(Query("select x"), 100)
    assert batch.schema == pa.schema({"X": kind})
    assert batch.column(0).to_pylist() == values
    nothing = Given(Database([described])).read(Query("select x"), 100)
    assert [each.schema for each in nothing] == [batch.schema]


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("TIMESTAMP_TZ", "the type TIMESTAMP TZ.*write sys_extract_utc(AT) as AT"),
        ("TIMESTAMP_LTZ", "write sys_extract_utc(AT) as AT"),
        ("INTERVAL_DS", "write to_char(AT) as AT"),
        ("INTERVAL_YM", "write to_char(AT) as AT"),
        ("ROWID", "write rowidtochar(AT) as AT"),
        ("JSON", "write json_serialize(AT returning clob) as AT"),
        ("XMLTYPE", "write xmlserialize(content AT as clob) as AT"),
        ("OBJECT", "leave it out"),
        ("VECTOR", "leave it out"),
        ("BFILE", "leave it out"),
        ("CURSOR", "leave it out"),
    ],
)
def test_what_the_driver_would_read_wrongly_is_refused_with_what_to_write(kind, hint):
    source = Given(Database([info("VARCHAR", name="N"), info(kind, name="AT")]))
    wanted = hint.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(QueryFailedError, match=f"column 'AT' .*{wanted}"):
        list(source.read(Query("select n, at"), 10))
    assert source.connection.asked == []  # nothing was read
    assert source.connection.closed == 1


def test_every_type_of_the_driver_is_read_or_refused():
    kinds = {name.removeprefix("DB_TYPE_") for name in dir(oracledb) if name.startswith("DB_TYPE_")}
    cased = {described.type_code.name.removeprefix("DB_TYPE_") for _, described, *_ in CASES}
    for kind in sorted(kinds - cased):
        with pytest.raises(ColumnError):
            oracle.plan([info(kind)])


def test_numbers_of_unknown_size_are_never_asked_of_the_arrow_fetch():
    planned = oracle.plan([info("NUMBER", 12, 2, "A"), info("NUMBER", 0, -127, "B")])
    assert not planned.arrow
    assert oracle.plan([info("NUMBER", 12, 2, "A"), info("VARCHAR", name="B")]).arrow


def test_sized_numbers_are_exact_beside_one_without_a_size():
    described = [info("NUMBER", 9, 0, "A"), info("NUMBER", 12, 2, "B"), info("NUMBER", name="C")]
    rows = [(Decimal(1), Decimal("1.1"), Decimal("0.3")), (None, None, None)]
    (batch,) = Given(Database(described, rows=rows)).read(Query("select a"), 10)
    assert batch.schema.types == [pa.int64(), pa.decimal128(12, 2), pa.string()]
    assert batch.to_pylist()[0] == {"A": 1, "B": Decimal("1.10"), "C": "0.3"}


def test_batches_have_the_size_asked_for_and_one_schema():
    frames = [pa.table({"X": pa.array([n], pa.int64())}) for n in range(3)]
    source = Given(Database([info("NUMBER", 9, 0)], frames))
    batches = list(source.read(Query("select x from t order by x ; -- all\n", {"p1": 7}), 1))
    assert [batch.column(0).to_pylist() for batch in batches] == [[0], [1], [2]]
    (asked,) = source.connection.asked
    assert asked == ("select x from t order by x", {"p1": 7}, 1, pa.schema({"X": pa.int64()}))
    rows = Given(Database([info("NUMBER")], rows=[(Decimal(n),) for n in range(5)]))
    found = [batch.column(0).to_pylist() for batch in rows.read(Query("select x"), 2)]
    assert found == [["0", "1"], ["2", "3"], ["4"]]


def test_columns_of_different_lengths_are_no_batch():
    """As python-oracledb 26.0 gave them: its issues 605 and 606."""
    short = SimpleNamespace(column_arrays=lambda: [pa.array([1, 2]), pa.array([1])])
    with pytest.raises(ColumnError, match="different lengths"):
        oracle.conform(short, pa.schema({"A": pa.int64(), "B": pa.int64()}))


def test_a_reader_that_stops_half_way_closes_the_connection():
    source = Given(Database([info("NUMBER")], rows=[(Decimal(n),) for n in range(5)]))
    rows = source.read(Query("select x"), 1)
    next(rows)
    assert source.connection.closed == 0
    rows.close()
    assert source.connection.closed == 1


def test_values_are_bound_as_oracle_compares_them():
    cursor = Database([])
    east = timezone(timedelta(hours=2))
    exact = oracle._bound(cursor, datetime(2026, 1, 2, 3, 4, 5, 6))  # noqa: DTZ001
    assert exact.kind is oracledb.DB_TYPE_TIMESTAMP
    for value in (NOON, date(2026, 1, 2), Decimal("1.1"), "it's", b"x", None):
        assert oracle._bound(cursor, value) is value
    assert oracle._bound(cursor, UUID(int=1)) == "00000000-0000-0000-0000-000000000001"
    assert oracle._bound(cursor, True) is not True
    source = Given(Database([info("NUMBER", 9, 0)]))
    list(source.read(Query("select :p1 from t", {"p1": datetime(2026, 1, 2, 3, tzinfo=east)}), 1))
    assert source.connection.asked[0][1] == {"p1": datetime(2026, 1, 2, 1)}  # noqa: DTZ001


def driver_error(message, code=0):
    """Return an exception as the driver makes it."""
    error = errors._Error(message, code=code)
    return error.exc_type(error)


@pytest.mark.parametrize(
    ("error", "expected", "fragment"),
    [
        (driver_error("ORA-00942: table or view does not exist", 942), QueryFailedError, "refuses"),
        (driver_error('ORA-00904: "NOPE": invalid identifier', 904), QueryFailedError, "NOPE"),
        (driver_error("ORA-00060: deadlock detected", 60), SourceUnavailableError, "broke off"),
        (driver_error("ORA-01555: snapshot too old", 1555), SourceUnavailableError, "broke off"),
        (driver_error("ORA-03113: end-of-file on channel", 3113), SourceUnavailableError, "broke"),
        (driver_error("ORA-01034: ORACLE not available", 1034), SourceUnavailableError, "broke"),
        (driver_error("ORA-12514: service not registered", 12514), SourceUnavailableError, "broke"),
        (driver_error("DPY-4011: the database closed it"), SourceUnavailableError, "broke"),
        (driver_error("DPY-4010: no value for placeholder :P9"), QueryFailedError, ":P9"),
        (driver_error("DPY-4042: 12.345 cannot be converted"), QueryFailedError, "does not fit"),
        (driver_error("DPY-8002: overflow"), QueryFailedError, "lower batch_rows"),
        (TimeoutError("timed out"), SourceUnavailableError, "broke off"),
        (ValueError("Value cannot be represented"), QueryFailedError, "cannot be represented"),
    ],
)  # fmt: skip
def test_errors_are_told_apart_by_what_to_do_next(error, expected, fragment):
    with pytest.raises(expected, match=fragment) as caught:
        list(failing(OracleSource, URL, reading=error).read(Query("select 1"), 10))
    assert "oracle database db/ORDERS" in str(caught.value)
    assert "12.345" not in str(caught.value)
    assert "docs.oracle.com" not in str(caught.value)


def test_a_refused_login_shows_no_password():
    error = driver_error("ORA-01017: invalid credential hunter2 or not authorized", 1017)
    with pytest.raises(SourceUnavailableError, match=r"cannot be reached.*\*\*\*"):
        list(failing(OracleSource, URL, connecting=error).read(Query("select 1"), 10))


@pytest.mark.parametrize("place", ["?service_name=X", "X", "?sid=X"])
def test_a_server_that_is_not_there_is_worth_another_try(place):
    with closed_port() as port:
        source = OracleSource(make_url(f"oracle://me:hunter2@127.0.0.1:{port}/{place}"))
        with pytest.raises(SourceUnavailableError, match=r"oracle database 127\.0\.0\.1/X") as e:
            list(source.read(Query("select 1 from dual"), 10))
    assert "hunter2" not in str(e.value)


def test_an_instant_has_no_zone_left_when_it_is_bound():
    assert oracle.in_utc({"p1": datetime(2026, 1, 2, tzinfo=UTC)})["p1"].tzinfo is None

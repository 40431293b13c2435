"""The conformance suite, and MySQL's own types, on a real MariaDB or MySQL.

Runs where the machine has a server program (Debian: `apt-get install mariadb-server`), or
`SYNCFLOW_TEST_MYSQL_URL` names a database tables may be made in.
"""

import itertools
import time
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import mysql_server
import pyarrow as pa
import pymysql
import pytest
from sqlalchemy import make_url

from syncflow_dagster.nodes.pull.mysql import MySqlSource
from syncflow_dagster.nodes.pull.ports import Query, QueryFailedError, SourceUnavailableError
from syncflow_dagster.testing.source_conformance import TYPES as KINDS
from syncflow_dagster.testing.source_conformance import VALUES, SourceConformance, SourceHarness

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        mysql_server.GIVEN_URL is None and mysql_server.program() is None,
        reason="no mariadbd or mysqld here, and no SYNCFLOW_TEST_MYSQL_URL",
    ),
]
_TYPES = {
    "text": "longtext",
    "integer": "int",
    "bigint": "bigint",
    "decimal": "decimal(38, 12)",
    "float": "double",
    "boolean": "bit(1)",
    "date": "date",
    "local": "datetime(6)",
    "instant": "timestamp(6) null",
    "binary": "longblob",
}


@pytest.fixture(scope="module")
def url():
    if mysql_server.GIVEN_URL is not None:
        yield mysql_server.GIVEN_URL
        return
    with mysql_server.server() as url:
        yield url


@pytest.fixture(scope="module")
def writer(url):
    """A connection past the source."""
    parts = make_url(url)
    connection = pymysql.connect(
        host=parts.host, port=parts.port or 3306, user=parts.username, password=parts.password,
        database=parts.database, charset="utf8mb4", autocommit=True, **parts.query,
        init_command="set time_zone = '+00:00'",
    )  # fmt: skip
    with connection:
        yield connection


class MySqlHarness(SourceHarness):
    values = VALUES | {
        # A TIMESTAMP begins in 1970.
        "instant": [value for value in VALUES["instant"] if value.year >= 1970],
    }

    def __init__(self, url, writer):
        self._url = url
        self._writer = writer

    def source(self):
        return MySqlSource(make_url(self._url))

    def unreachable(self):
        return MySqlSource(make_url(f"mysql://me:{self.secret}@127.0.0.1:1/orders"))

    def fill(self, columns, rows):
        name = f"t_{uuid.uuid4().hex[:12]}"
        defined = ", ".join(f"{column} {_TYPES[kind]}" for column, kind in columns.items())
        places = ", ".join(["%s"] * len(columns))
        with self._writer.cursor() as cursor:
            cursor.execute(f"create table {name} ({defined}) character set utf8mb4")
            self._writer.begin()
            rows = iter(rows)
            while some := [[_in_utc(v) for v in row] for row in itertools.islice(rows, 8)]:
                cursor.executemany(f"insert into {name} values ({places})", some)
            self._writer.commit()
        return Query(f"select {', '.join(columns)} from {name} order by n")

    def broken(self, path):
        return Query("select nope from information_schema.tables", path=path)

    def left_open(self):
        asked = "select count(*) from information_schema.processlist where id <> connection_id()"
        with self._writer.cursor() as cursor:
            until = time.monotonic() + 5
            while True:
                cursor.execute(asked)
                (left,) = cursor.fetchone()
                if not left or time.monotonic() > until:
                    return left
                cursor.execute("select sleep(0.02)")


def _in_utc(value):
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


class TestMySql(SourceConformance):
    @pytest.fixture
    def harness(self, url, writer):
        return MySqlHarness(url, writer)


def test_the_harness_covers_every_kind():
    assert list(_TYPES) == list(KINDS)


CASES = [
    ("tinyint(1)", "2", pa.int64(), 2),
    ("tinyint unsigned", "255", pa.int64(), 255),
    ("int unsigned", "4294967295", pa.int64(), 4294967295),
    ("bigint unsigned", "18446744073709551615", pa.uint64(), 18446744073709551615),
    ("decimal(10, 2)", "-99999999.99", pa.decimal128(10, 2), Decimal("-99999999.99")),
    ("decimal(10, 2) unsigned", "99999999.99", pa.decimal128(10, 2), Decimal("99999999.99")),
    ("decimal(10, 0)", "9999999999", pa.decimal128(10, 0), Decimal(9999999999)),
    ("decimal(38, 38)", f"0.{'9' * 38}", pa.decimal128(38, 38), Decimal(f"0.{'9' * 38}")),
    ("decimal(65, 30)", f"{'9' * 35}.{'1' * 30}", pa.string(), f"{'9' * 35}.{'1' * 30}"),
    ("float", "0.1", pa.float64(), 0.1),
    ("year", "2026", pa.int64(), 2026),
    ("bit(1)", "b'1'", pa.bool_(), True),
    ("bit(12)", "b'101000000001'", pa.uint64(), 2561),
    ("date", "'2026-02-28'", pa.date32(), date(2026, 2, 28)),
    ("date", "'0000-00-00'", pa.date32(), None),
    ("datetime", "'0000-00-00 00:00:00'", pa.timestamp("us"), None),
    ("time", "'-838:59:59'", pa.string(), "-838:59:59"),
    ("time(6)", "'00:00:01.5'", pa.string(), "00:00:01.500000"),
    ("json", "'{\"a\": 1.10}'", pa.string(), '{"a": 1.10}'),
    ("enum('good', 'bad')", "'bad'", pa.string(), "bad"),
    ("set('a', 'b', 'c')", "'c,a'", pa.string(), "a,c"),
    ("char(5)", "'ab '", pa.string(), "ab"),  # MySQL itself cuts the padding
    ("varchar(10) character set latin1", "'Zoë'", pa.string(), "Zoë"),
    ("text", "'😀'", pa.string(), "😀"),
    ("binary(4)", "x'00ff'", pa.binary(), b"\x00\xff\x00\x00"),
    ("varbinary(4)", "x'00ff'", pa.binary(), b"\x00\xff"),
    ("tinyblob", "''", pa.binary(), b""),
    ("point", "point(1, 2)", pa.binary(), None),
]


def new_table(writer, definition, literal):
    """Make the table v anew, with one row."""
    with writer.cursor() as cursor:
        cursor.execute("set session sql_mode = ''")  # old databases hold what new ones refuse
        cursor.execute("drop table if exists v")
        cursor.execute(f"create table v {definition} character set utf8mb4")
        cursor.execute(f"insert into v values ({literal})")


@pytest.mark.parametrize(("sql_type", "literal", "kind", "value"), CASES)
def test_each_type_of_mysql(url, writer, sql_type, literal, kind, value):
    new_table(writer, f"(x {sql_type})", literal)
    (batch,) = MySqlSource(make_url(url)).read(Query("select x, null as y from v"), 10)
    assert batch.schema.field("x").type == kind
    if sql_type != "point":
        assert batch.to_pylist() == [{"x": value, "y": None}]


def test_a_date_of_no_calendar_comes_as_it_is_written(url, writer):
    new_table(writer, "(x date)", "'2026-02-00'")
    (batch,) = MySqlSource(make_url(url)).read(Query("select x from v"), 10)
    assert batch.to_pylist() == [{"x": "2026-02-00"}]


def test_the_source_writes_nothing(url, writer):
    new_table(writer, "(x int)", "1")
    for text in ("insert into v values (1)", "drop table v"):
        with pytest.raises(QueryFailedError, match="READ ONLY"):
            list(MySqlSource(make_url(url)).read(Query(text), 10))
    with pytest.raises(QueryFailedError, match="it must be a select"):
        list(MySqlSource(make_url(url)).read(Query("do 1"), 10))


def test_percent_signs_colons_and_question_marks_are_the_authors(url):
    query = Query("select '5%', '%s ? :p1 12:30' as t, :p1 as p, 7 % 4 as m -- :p1 %", {"p1": "%s"})
    (batch,) = MySqlSource(make_url(url)).read(query, 10)
    assert list(batch.to_pylist()[0].values()) == ["5%", "%s ? :p1 12:30", "%s", 3]


def test_no_message_holds_a_value(url):
    query = Query("selec :p1 from t where x = :p2", {"p1": "it's secret-one", "p2": "secret-two"})
    with pytest.raises(QueryFailedError) as caught:
        list(MySqlSource(make_url(url)).read(query, 10))
    assert "SQL syntax" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_connection_that_is_killed_is_worth_another_try(url, writer):
    numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 900)"
    query = Query(f"{numbers} select a.i, repeat('x', 900) as x from n a, n b")
    rows = MySqlSource(make_url(url)).read(query, 10)
    next(rows)
    with writer.cursor() as cursor:
        cursor.execute("select id from information_schema.processlist where id <> connection_id()")
        cursor.execute(f"kill {cursor.fetchone()[0]}")
    with pytest.raises(SourceUnavailableError, match="broke off"):
        for _ in rows:
            pass

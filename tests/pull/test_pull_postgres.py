"""The SQL source on a real PostgreSQL."""

import socket
import threading
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from time import monotonic
from uuid import UUID

import psycopg
import pyarrow as pa
import pytest

from syncflow_dagster.nodes.pull import postgres
from syncflow_dagster.nodes.pull.ports import Query, QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.pull.postgres import PostgresSource
from syncflow_dagster.nodes.pull.source import normal_url

DDL = """
create sequence numbers;
create type mood as enum ('good', 'bad');
create table t (
    i2 smallint, i8 bigint, price numeric(12, 2), exact numeric, wide numeric(60, 20), f float8,
    ok boolean, s text, c char(3), d date, local timestamp, instant timestamptz, raw bytea,
    j jsonb, u uuid, a int[], m mood, iv interval
);
insert into t select null from generate_series(1, 3);
insert into t values (
    1, 9007199254740993, 12.30, 0.1000000000000000055511151231257827, 1.5, 0.1, true, 'Zoë', 'ab',
    '2026-01-02', '2026-01-02 03:04:05.678901', '2026-01-02 03:04:05+02', '\\x00ff',
    '{"n": 1.10, "b": [1]}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{1,2}', 'bad', '1 day 02:00'
);
"""


@pytest.fixture(scope="module")
def url(postgres_server):
    """One database for all tests: they only read."""
    found = postgres_server.ensure_database("pull_postgres")
    with psycopg.connect(found) as conn:
        conn.execute(DDL)
    return found


def read(url, sql, rows=100, **parameters):
    return list(PostgresSource(normal_url(url)).read(Query(sql, parameters), rows))


def test_types_come_from_the_database_even_when_a_batch_is_all_null(url):
    batches = read(url, "select * from t", rows=3)
    expected = {
        "i2": pa.int64(), "i8": pa.int64(), "price": pa.decimal128(12, 2), "exact": pa.string(),
        "wide": pa.string(), "f": pa.float64(), "ok": pa.bool_(), "s": pa.string(),
        "c": pa.string(), "d": pa.date32(), "local": pa.timestamp("us"),
        "instant": pa.timestamp("us", "UTC"), "raw": pa.binary(), "j": pa.string(),
        "u": pa.string(), "a": pa.string(), "m": pa.string(), "iv": pa.string(),
    }  # fmt: skip
    assert [batch.num_rows for batch in batches] == [3, 1]
    assert all(batch.schema == pa.schema(expected) for batch in batches)
    assert set(batches[0].to_pylist()[0].values()) == {None}
    assert batches[1].to_pylist() == [
        {
            "i2": 1,
            "i8": 9007199254740993,
            "price": Decimal("12.30"),
            "exact": "0.1000000000000000055511151231257827",
            "wide": "1.50000000000000000000",
            "f": 0.1,
            "ok": True,
            "s": "Zoë",
            "c": "ab ",
            "d": date(2026, 1, 2),
            "local": datetime(2026, 1, 2, 3, 4, 5, 678901),  # noqa: DTZ001
            "instant": datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC),
            "raw": b"\x00\xff",
            "j": '{"b": [1], "n": 1.10}',
            "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a": "{1,2}",
            "m": "bad",
            "iv": "1 day 02:00:00",
        }
    ]


def test_not_a_number_is_no_number(url):
    (batch,) = read(url, "select 'NaN'::numeric(5, 2) as a, 'NaN'::numeric as b")
    assert batch.to_pylist() == [{"a": None, "b": "NaN"}]


def test_parameters_are_bound_beside_casts_and_percent_signs(url):
    sql = (
        "select :p1::date as d, s::text as s, '12:30%' as c, 10 % 3 as m from t "
        "where s like 'Z%' and i8 in (:p2, :p3) and s <> :p4"
    )
    (batch,) = read(url, sql, p1="2026-02-03", p2=9007199254740993, p3=2, p4="'; drop table t; --")
    assert batch.to_pylist() == [{"d": date(2026, 2, 3), "s": "Zoë", "c": "12:30%", "m": 1}]


def test_rows_stream_from_the_server(url):
    """A batch is there long before the server could have made all rows."""
    sleep = "pg_sleep(case when i > 2000 then 60 else 0 end)::text"
    sql = f"select i, {sleep} from generate_series(1, 5000) i"
    rows = PostgresSource(normal_url(url)).read(Query(sql), 100)
    assert next(rows).num_rows == 100
    assert next(rows).column(0)[0].as_py() == 101
    rows.close()


def test_the_source_is_read_only(url):
    with pytest.raises(QueryFailedError, match="read-only transaction"):
        read(url, "select nextval('numbers') as a")
    with pytest.raises(QueryFailedError):
        read(url, "with gone as (delete from t returning 1 as a) select a from gone")
    with pytest.raises(QueryFailedError):
        read(url, "delete from t")
    with psycopg.connect(url) as conn:
        assert conn.execute("select count(*) from t").fetchone() == (4,)


@pytest.mark.parametrize(
    ("sql", "fragment"),
    [
        ("select 1 as a, 2 as a", "returns a more than once"),
        ("select 1", "column without a name"),
        ("select nope from t", 'column "nope" does not exist'),
        ("select 1 as a; select 2", "refuses the query"),
        ("select 1 / (i2 - 1) as a from t where i2 = 1", "division by zero"),
    ],
)
def test_refused_queries_say_what_the_database_says(url, sql, fragment):
    with pytest.raises(QueryFailedError, match=fragment):
        read(url, sql)


def test_the_words_of_a_failure_hold_no_values(url):
    with pytest.raises(QueryFailedError) as caught:
        read(url, "select cast(:p1 as int) as a where s = :p2", p1="secret-one", p2="secret-two")
    assert "secret-two" not in str(caught.value)


def test_a_server_that_is_not_there_is_worth_another_try():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"postgresql://me:hunter2@127.0.0.1:{free.getsockname()[1]}/orders"
        with pytest.raises(SourceUnavailableError) as caught:
            read(url, "select 1 as a")
    assert "postgresql database 127.0.0.1/orders cannot be reached" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_connection_that_is_cut_is_worth_another_try(url):
    rows = PostgresSource(normal_url(url)).read(
        Query("select i, repeat('x', 900) as x from generate_series(1, 90000) i"), 10
    )
    next(rows)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'syncflow-pull' and datname = current_database()"
        )
    with pytest.raises(SourceUnavailableError, match="broke off"):
        for _ in rows:
            pass


def test_every_spelling_of_the_url_uses_the_driver_we_ship(url):
    bare = url.removeprefix("postgresql://")
    for scheme in ("postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"):
        (batch,) = read(f"{scheme}://{bare}", "select 1 as a")
        assert batch.to_pylist() == [{"a": 1}]


def test_instants_come_in_utc_and_local_times_as_they_are(url):
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("alter role current_user set timezone = 'America/New_York'")
    sql = (
        "select timestamptz '1850-06-01 12:00+00' as a, timestamp '1850-06-01 12:00' as b, "
        "timestamptz '2026-07-01 00:30' as c, current_setting('timezone') as zone"
    )
    (batch,) = read(url, sql)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("alter role current_user reset timezone")
    assert batch.to_pylist() == [
        {
            "a": datetime(1850, 6, 1, 12, tzinfo=UTC),
            "b": datetime(1850, 6, 1, 12),  # noqa: DTZ001
            "c": datetime(2026, 7, 1, 0, 30, tzinfo=UTC),
            "zone": "UTC",
        }
    ]


def test_dates_arrow_has_not_come_as_they_are_written(url):
    """In their batch alone; the next one has dates again."""
    values = "infinity", "-infinity", "0044-03-15 BC", "12026-01-02", "2026-01-02"
    sql = (
        "select n, v::date as d, v::timestamp as local, v::timestamptz as instant "
        f"from unnest(array{list(values)}) with ordinality as t (v, n) order by n"
    )
    batches = read(url, sql, rows=4)
    assert [batch.column("d").to_pylist() for batch in batches] == [
        list(values[:4]), [date(2026, 1, 2)],
    ]  # fmt: skip
    assert batches[0].column("local").to_pylist()[2:] == [
        "0044-03-15 00:00:00 BC", "12026-01-02 00:00:00",
    ]  # fmt: skip
    assert batches[0].column("instant").to_pylist()[::2] == [
        "infinity", "0044-03-15 00:00:00+00 BC",
    ]  # fmt: skip
    assert batches[1].column("instant").to_pylist() == [datetime(2026, 1, 2, tzinfo=UTC)]


def test_a_text_ends_where_the_template_was_told_it_does(url):
    """Whatever the server's setting says of backslashes."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("alter role current_user set standard_conforming_strings = off")
    try:
        (batch,) = read(url, r"select 'a\' as a, :p1 as b, E'it\'s :p1' as c", p1=r"\'")
    finally:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("alter role current_user reset standard_conforming_strings")
    assert batch.to_pylist() == [{"a": "a\\", "b": "\\'", "c": "it's :p1"}]


def test_values_of_every_type_are_bound_where_copy_takes_none(url):
    values = {
        "p1": -9223372036854775808, "p2": Decimal("-0.10"), "p3": "a\\b'c", "p4": b"\0\xff'",
        "p5": None, "p6": True, "p7": -1.5e-300, "p8": UUID(int=7), "p9": time(1, 2, 3),
        "p10": date(2026, 1, 2), "p11": datetime(2026, 1, 2, 3, tzinfo=UTC),
        "p12": datetime(2026, 1, 2, 3),  # noqa: DTZ001
    }  # fmt: skip
    casts = ["bigint", "numeric", "text", "bytea", "int", "bool", "float8", "uuid", "time"]
    wanted = ", ".join(f":p{n}::{cast} as c{n}" for n, cast in enumerate(casts, start=1))
    (batch,) = read(url, f"select {wanted}, :p10 as c10, :p11 as c11, :p12 as c12", **values)
    row = batch.to_pylist()[0]
    read_as = {**values, "p2": "-0.10", "p8": str(UUID(int=7)), "p9": "01:02:03"}
    assert row == {name.replace("p", "c"): value for name, value in read_as.items()}


@pytest.mark.parametrize("end", [";", " ; ", "; -- done", "\n-- a ; b\n;\n", "/* ; */", " -- x"])
def test_what_stands_behind_a_statement_does_no_harm(url, end):
    (batch,) = read(url, f"select ';' as a{end}")
    assert batch.to_pylist() == [{"a": ";"}]


def test_rows_of_many_pieces_stay_whole_and_in_order(url, monkeypatch):
    monkeypatch.setattr(postgres, "_PIECE_BYTES", 1000)
    sql = "select i, repeat(chr(10), i % 50) || i as s from generate_series(1, 3000) i order by i"
    batches = read(url, sql, rows=100)
    assert len(batches) > 30
    rows = pa.Table.from_batches(batches).to_pylist()
    assert rows == [{"i": i, "s": "\n" * (i % 50) + str(i)} for i in range(1, 3001)]


def test_an_error_after_many_rows_is_an_error(url):
    sql = "select 1 / (i - 90000) as a from generate_series(1, 90001) i"
    found = []
    with pytest.raises(QueryFailedError, match="division by zero"):
        found += PostgresSource(normal_url(url)).read(Query(sql), 1000)


def test_a_statement_ends_on_the_server_when_its_reader_leaves(url):
    """Also one that sends nothing for long, and so would not notice."""
    sleep = "pg_sleep(case when i > 2000 then 600 else 0 end)::text"
    sql = f"select i, {sleep} from generate_series(1, 5000) i"
    rows = PostgresSource(normal_url(url)).read(Query(sql), 5)
    next(rows)
    rows.close()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("set statement_timeout = '10s'")
        left = (
            "select exists(select from pg_stat_activity where application_name = 'syncflow-pull')"
        )
        while conn.execute(left).fetchone()[0]:
            conn.execute("select pg_sleep(0.02)")


def test_other_threads_run_while_the_server_thinks(url):
    """A wait holds no lock of the interpreter."""
    done, ticks = threading.Event(), [monotonic()]

    def tick():
        while not done.wait(0.01):
            ticks.append(monotonic())

    ticker = threading.Thread(target=tick)
    ticker.start()
    read(url, "select pg_sleep(0.8)::text as a")
    done.set()
    ticker.join()
    assert max(after - before for before, after in pairwise([*ticks, monotonic()])) < 0.6

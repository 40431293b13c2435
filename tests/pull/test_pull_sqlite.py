"""The SQL source on SQLite: stable types although SQLite has none, bounded batches."""

import sqlite3
import warnings
from datetime import date, datetime

import pyarrow as pa
import pytest

from syncflow_dagster.nodes.pull import dialects, source
from syncflow_dagster.nodes.pull.ports import (
    Query,
    QueryFailedError,
    SourceError,
    SourceUnavailableError,
)
from syncflow_dagster.nodes.pull.source import SqlSource


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "source.db"
    with sqlite3.connect(path) as conn:
        conn.execute("create table t (n, r, s, b, mixed, empty, late)")
        rows = [(i, i / 4, f"é{i}", b"\0x", i if i % 2 else f"t{i}", None, None) for i in range(10)]
        conn.executemany("insert into t values (?, ?, ?, ?, ?, ?, ?)", rows)
        conn.execute("update t set late = 2.5, r = null where n = 9")
    return path


@pytest.fixture
def read(path):
    def read(sql, rows=4, **parameters):
        return list(SqlSource(f"sqlite:///{path}").read(Query(sql, parameters), rows))

    return read


def test_types_hold_over_all_batches(read):
    batches = read("select * from t order by n")
    expected = pa.schema(
        {
            "n": pa.int64(),
            "r": pa.float64(),
            "s": pa.string(),
            "b": pa.binary(),
            "mixed": pa.string(),
            "empty": pa.string(),
            "late": pa.float64(),
        }
    )
    assert [batch.schema for batch in batches] == [expected] * 3
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    rows = pa.Table.from_batches(batches).to_pylist()
    assert rows[1] == {
        "n": 1, "r": 0.25, "s": "é1", "b": b"\0x", "mixed": "1", "empty": None, "late": None,
    }  # fmt: skip
    assert rows[2]["mixed"] == "t2"
    assert rows[9]["late"] == 2.5


def test_no_rows_still_tell_the_columns(read):
    (batch,) = read("select n, s from t where n > 99")
    assert batch.num_rows == 0
    assert batch.schema.names == ["n", "s"]


def test_a_number_of_rows_that_fills_the_last_batch_gives_no_empty_one(read):
    assert [batch.num_rows for batch in read("select n from t where n < 8")] == [4, 4]


def test_values_are_bound_with_their_types(read):
    sql = "select :p1 as d, :p2 as t, :p3 as s, '12:30' as c, 5 % 3 as m where 'a%' like '%'"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # sqlite3 warns of dates it converts by itself
        (batch,) = read(sql, p1=date(2026, 1, 2), p2=datetime(2026, 1, 2, 3), p3="';")  # noqa: DTZ001
    row = batch.to_pylist()[0]
    assert row == {
        "d": "2026-01-02", "t": "2026-01-02 03:00:00.000000", "s": "';",
        "c": "12:30", "m": 2,
    }  # fmt: skip


def test_a_trailing_semicolon_and_a_with_clause_are_fine(read):
    (batch,) = read(
        "with x as (select 1 as a) select a from x ;\n -- the end\n".replace("-- the end", "")
    )
    assert batch.to_pylist() == [{"a": 1}]


def test_column_names_may_hold_anything(read):
    (batch,) = read('select 1 as "a:b ""c""", 2 as "größe"')
    assert batch.to_pylist() == [{'a:b "c"': 1, "größe": 2}]


@pytest.mark.parametrize(
    ("sql", "fragment"),
    [
        ("select n, s as n from t", "returns n more than once; name each with 'as'"),
        ("select nope from t", "refuses the query (orders.sql.j2): no such column: nope"),
        ("select 1 from nope", "no such table: nope"),
        ("selec 1", "syntax error"),
        ("delete from t", "syntax error"),
        ("select n from t where n = :p1", "refuses the query"),
    ],
)
def test_refused_queries_name_the_template(path, sql, fragment):
    query = Query(sql, {}, path.with_name("orders.sql.j2").relative_to(path.parent))
    with pytest.raises(QueryFailedError) as caught:
        list(SqlSource(f"sqlite:///{path}").read(query, 10))
    assert fragment in str(caught.value)
    assert "orders.sql.j2" in str(caught.value)


def test_the_source_is_never_written_to(path):
    sql = SqlSource(f"sqlite:///{path}")
    with sql._engine.connect() as conn, pytest.raises(Exception, match="readonly"):
        conn.exec_driver_sql("delete from t")


def test_a_missing_file_is_not_created(tmp_path):
    path = tmp_path / "none.db"
    with pytest.raises(SourceUnavailableError, match="there is no file"):
        list(SqlSource(f"sqlite:///{path}").read(Query("select 1 as a"), 1))
    assert not path.exists()


def test_a_locked_database_is_worth_another_try(path, monkeypatch):
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("begin exclusive")
    monkeypatch.setattr(source, "_CONNECT_TIMEOUT_S", 0)
    with pytest.raises(SourceUnavailableError, match=r"broke off.*locked"):
        list(SqlSource(f"sqlite:///{path}").read(Query("select * from t"), 5))
    holder.execute("rollback")
    holder.close()


def test_a_reader_may_stop_half_way(path):
    rows = SqlSource(f"sqlite:///{path}").read(Query("select * from t"), 2)
    next(rows)
    rows.close()
    with sqlite3.connect(path, timeout=0) as conn:  # nothing holds the file any more
        conn.execute("delete from t")


def test_no_more_rows_are_fetched_than_a_batch(path):
    # A recursive query without end: reading ahead would never return.
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"
    sql = SqlSource(f"sqlite:///{path}")
    planner = dialects.FirstBatchDialect()
    with sql._engine.connect() as conn:
        result = conn.exec_driver_sql(endless)
        batches = source._batches(result, planner, 3)
        assert next(batches).column(0).to_pylist() == [1, 2, 3]
        assert next(batches).column(0).to_pylist() == [4, 5, 6]
        batches.close()


def test_batch_rows_must_be_positive(path):
    with pytest.raises(ValueError, match="at least 1"):
        list(SqlSource(f"sqlite:///{path}").read(Query("select 1 as a"), 0))


class TestFirstBatch:
    """What databases get that are not known here."""

    @pytest.fixture
    def first_batch(self, path, monkeypatch):
        monkeypatch.setattr(source, "dialect", lambda _name: dialects.FirstBatchDialect())
        return lambda sql, rows: list(SqlSource(f"sqlite:///{path}").read(Query(sql, {}), rows))

    def test_the_first_batch_fixes_the_types(self, first_batch):
        batches = first_batch("select n, s, mixed, late from t order by n", 4)
        assert {tuple(map(str, batch.schema.types)) for batch in batches} == {
            ("int64", "string", "string", "string")
        }
        assert pa.Table.from_batches(batches).column("late").to_pylist()[9] == "2.5"

    def test_a_column_that_changes_its_kind_later_is_a_plain_error(self, first_batch):
        with pytest.raises(QueryFailedError, match="column 'mixed' was int64 so far") as caught:
            first_batch("select mixed from t order by typeof(mixed)", 4)
        assert "t0" not in str(caught.value)  # values are nobody's business


def test_errors_are_source_errors():
    assert issubclass(SourceUnavailableError, SourceError)
    assert issubclass(QueryFailedError, SourceError)

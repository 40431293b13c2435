"""The pool, URLs, transient errors, the database's clock and the SQL files."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy

from syncflow_dagster.store import sql
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import (
    Database,
    DatabaseUnavailable,
    is_transient,
    plain_url,
    redact,
    retry_transient,
)


class _StillClock:
    """Counts the waiting instead of doing it."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def db(empty_database_url):
    with Database(empty_database_url) as opened:
        opened.execute("create table public.numbers (n int)")
        yield opened


@pytest.mark.parametrize(
    ("given", "driver", "expected"),
    [
        ("postgres://u:p@h:1/d", None, "postgresql://u:p@h:1/d"),
        ("postgresql+psycopg2://u@h/d?sslmode=require", None, "postgresql://u@h/d?sslmode=require"),
        (
            "postgresql://postgres@/syncflow?host=/a/b",
            "psycopg2",
            "postgresql+psycopg2://postgres@/syncflow?host=/a/b",
        ),
        ("postgresql:///d?host=/a", "psycopg", "postgresql+psycopg:///d?host=/a"),
    ],
)
def test_url_forms(given, driver, expected):
    assert plain_url(given, driver) == expected


def test_url_of_another_database():
    with pytest.raises(ValueError, match="must start with postgresql://"):
        plain_url("sqlite:///file")


def test_urls_for_sqlalchemy_name_their_driver_and_connect(db):
    for url, driver in ((db.psycopg2_url, "psycopg2"), (db.sqlalchemy_url, "psycopg")):
        engine = sqlalchemy.create_engine(url)
        assert engine.driver == driver
        with engine.connect() as conn:
            assert conn.execute(sqlalchemy.text("select 1")).scalar() == 1
        engine.dispose()


def test_password_is_not_shown():
    assert redact("postgresql://me:se:cret@host/d") == "postgresql://me:***@host/d"
    assert (
        redact("postgresql:///d?user=me&password=se%20cret&host=/run&sslpassword=other")
        == "postgresql:///d?user=me&password=***&host=/run&sslpassword=***"
    )
    assert redact("postgresql://me@host/d") == "postgresql://me@host/d"


def test_sessions_are_ours(db):
    row = db.fetch_one(
        "select current_setting('search_path') as path, current_setting('application_name') as app"
    )
    assert row == {"path": "syncflow, public", "app": "syncflow"}


def test_transaction_commits_at_its_end(db):
    with db.transaction() as conn:
        conn.execute("insert into numbers values (1)")
    assert db.fetch_all("select n from numbers") == [{"n": 1}]


def test_transaction_rolls_back_on_an_error(db):
    with pytest.raises(RuntimeError), db.transaction() as conn:
        conn.execute("insert into numbers values (1)")
        raise RuntimeError
    assert db.fetch_one("select n from numbers") is None


def test_execute_returns_the_rows_touched(db):
    assert db.execute("insert into numbers select generate_series(1, %s)", [3]) == 3
    assert db.execute("delete from numbers where n > %(n)s", {"n": 1}) == 2


def test_connection_killed_between_transactions_is_not_noticed(db):
    with db.transaction() as conn:
        pid = conn.info.backend_pid
    _terminate(db.url, pid)
    assert db.execute("insert into numbers values (1)") == 1


def test_connection_killed_inside_a_transaction_is_an_error_and_nothing_is_repeated(db):
    with pytest.raises(psycopg.OperationalError) as error, db.transaction() as conn:
        conn.execute("insert into numbers values (1)")
        _terminate(db.url, conn.info.backend_pid)
        conn.execute("insert into numbers values (2)")
    assert is_transient(error.value)
    assert db.fetch_all("select n from numbers") == []


def test_retry_runs_the_whole_transaction_again(db):
    clock = _StillClock()
    killed = []

    def insert() -> int:
        with db.transaction() as conn:
            conn.execute("insert into numbers values (1)")
            if len(killed) < 2:
                killed.append(conn.info.backend_pid)
                _terminate(db.url, conn.info.backend_pid)
            return conn.execute("insert into numbers values (2)").rowcount

    assert retry_transient(insert, clock, first_wait=1, longest_wait=1.5) == 1
    assert db.fetch_all("select n from numbers order by n") == [{"n": 1}, {"n": 2}]
    assert clock.waits == [1, 1.5]


def test_retry_gives_up_with_the_last_error():
    clock = _StillClock()
    calls = []

    def fail() -> None:
        calls.append(1)
        raise psycopg.OperationalError

    with pytest.raises(psycopg.OperationalError):
        retry_transient(fail, clock, attempts=3)
    assert len(calls) == 3
    assert len(clock.waits) == 2


def test_retry_does_not_repeat_what_a_repeat_cannot_mend(db):
    clock = _StillClock()
    with pytest.raises(psycopg.errors.UndefinedTable):
        retry_transient(lambda: db.execute("select * from nowhere"), clock)
    assert clock.waits == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CrashShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.ConnectionFailure(), True),
        (psycopg.OperationalError("server closed the connection"), True),
        (DatabaseUnavailable("no answer"), True),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.QueryCanceled(), False),
        (psycopg.errors.DiskFull(), False),
        (psycopg.errors.ReadOnlySqlTransaction(), False),
        (psycopg.InterfaceError("misuse"), False),
        (ConnectionResetError(), False),
    ],
)
def test_transient_errors(error, expected):
    assert is_transient(error) is expected


def test_unreachable_server_is_explained():
    with (
        Database("postgresql://u:secret@127.0.0.1:9/d", timeout=0.3) as db,
        pytest.raises(DatabaseUnavailable, match=r"(?s)cannot connect.*_DATABASE_URL") as error,
    ):
        db.fetch_one("select 1")
    assert "secret" not in str(error.value)


def test_busy_pool_is_explained(empty_database_url):
    with (
        Database(empty_database_url, max_size=1, timeout=0.2) as db,
        db.transaction(),
        pytest.raises(DatabaseUnavailable, match="all 1 connections stayed busy"),
    ):
        db.fetch_one("select 1")


def test_clock_reads_the_databases_time(db, monkeypatch):
    clock = DatabaseClock(db)
    first, second = clock.now(), clock.now()
    assert first.tzinfo is UTC
    assert first < second
    row = db.fetch_one("select clock_timestamp() - %s < interval '10 seconds' as near", [first])
    assert row == {"near": True}


def test_sql_file_is_split_by_name():
    text = "-- about this file\n-- name: one\nselect 1;\n\n--name: two\n-- why\nselect 2\n"
    statements = sql.parse(text, "x.sql")
    assert dict(statements) == {"one": "select 1;", "two": "-- why\nselect 2"}
    with pytest.raises(KeyError, match="no statement 'three'; it has: one, two"):
        statements["three"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-- name: one\nselect 1\n-- name: one\nselect 2", "x.sql:3: statement 'one' is already"),
        ("-- name: one\n\n-- name: two\nselect 2", "no SQL under the name 'one'"),
    ],
)
def test_sql_file_with_a_mistake(text, words):
    with pytest.raises(ValueError, match=words):
        sql.parse(text, "x.sql")


def test_unknown_sql_file_names_the_known_ones():
    with pytest.raises(KeyError, match="no query file 'nowhere'; there are: "):
        sql.load("nowhere")


def _terminate(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("select pg_terminate_backend(%s, 5000)", [pid])

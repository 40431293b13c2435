"""Migrations: once, in order, all or nothing, never backwards. Each test writes its own files."""

from __future__ import annotations

import threading

import psycopg
import pytest
from psycopg import sql

from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import (
    ChangedMigration,
    MigrationError,
    NewerSchema,
    migrate,
    read_migrations,
)


@pytest.fixture
def db(empty_database_url):
    with Database(empty_database_url) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_first.sql").write_text(
        "create table one (a int);\ninsert into one values (1)"
    )
    (tmp_path / "0002_second.sql").write_text("create table two (a int);")
    return tmp_path


def test_applies_in_order_once(db, folder):
    assert migrate(db, folder) == [1, 2]
    assert migrate(db, folder) == []
    assert db.fetch_all("select version, name from syncflow.migration order by 1") == [
        {"version": 1, "name": "first"},
        {"version": 2, "name": "second"},
    ]
    assert db.fetch_one("select a from syncflow.one") == {"a": 1}


def test_later_file_is_applied_alone(db, folder):
    migrate(db, folder)
    (folder / "0003_third.sql").write_text("alter table two add b int")
    assert migrate(db, folder) == [3]


def test_processes_that_start_at_once_apply_once(db, folder):
    (folder / "0001_first.sql").write_text(
        "select pg_sleep(0.2); create table one (a int); insert into one values (1)"
    )
    applied: list[list[int]] = []

    def start() -> None:
        with Database(db.url) as own:
            applied.append(migrate(own, folder))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [[], [], [], [1, 2]]
    assert db.fetch_all("select a from one") == [{"a": 1}]


def test_failing_file_is_rolled_back_and_the_ones_before_it_stay(db, folder):
    (folder / "0002_second.sql").write_text("create table two (a int); select 1 / 0")
    with pytest.raises(MigrationError, match=r"0002_second\.sql failed.*division by zero"):
        migrate(db, folder)
    assert db.fetch_one("select to_regclass('syncflow.two') as two") == {"two": None}
    assert db.fetch_all("select version from syncflow.migration") == [{"version": 1}]
    (folder / "0002_second.sql").write_text("create table two (a int)")
    assert migrate(db, folder) == [2]


def test_newer_schema_is_refused(db, folder):
    migrate(db, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(NewerSchema, match=r"at version 2 \(second\), this code knows 1"):
        migrate(db, folder)


def test_edited_file_is_refused_and_nothing_else_is_applied(db, folder):
    migrate(db, folder)
    (folder / "0001_first.sql").write_text("create table one (a text)")
    (folder / "0003_third.sql").write_text("create table three (a int)")
    with pytest.raises(ChangedMigration, match=r"0001_first\.sql was edited"):
        migrate(db, folder)
    assert db.fetch_one("select to_regclass('syncflow.three') as three") == {"three": None}


def test_other_line_ends_are_no_edit(db, folder):
    migrate(db, folder)
    file = folder / "0001_first.sql"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(db, folder) == []


def test_removed_file_is_refused(db, folder):
    migrate(db, folder)
    (folder / "0001_first.sql").unlink()
    with pytest.raises(ChangedMigration, match=r"migration 1 \(first\) .* gone"):
        migrate(db, folder)


def test_file_below_the_applied_ones_is_refused(db, folder):
    (folder / "0002_second.sql").rename(folder / "0003_second.sql")
    migrate(db, folder)
    (folder / "0002_late.sql").write_text("create table late (a int)")
    with pytest.raises(ChangedMigration, match=r"0002_late\.sql .* number above 3"):
        migrate(db, folder)


@pytest.mark.parametrize("name", ["1_short.sql", "0001-dash.sql", "0001_Upper.sql", "readme.sql"])
def test_misnamed_file(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(MigrationError, match="NNNN_name"):
        read_migrations(tmp_path)


def test_version_given_twice(folder):
    (folder / "0002_again.sql").touch()
    with pytest.raises(MigrationError, match="have the same version"):
        read_migrations(folder)


def test_file_that_changes_the_search_path_does_not_move_the_next(db, folder):
    (folder / "0001_first.sql").write_text("set search_path = public; create table one (a int)")
    assert migrate(db, folder) == [1, 2]
    assert db.fetch_one("select to_regclass('syncflow.two') is not null as there") == {
        "there": True
    }


def test_user_without_the_right_to_create_the_schema_is_told_what_to_run(db, folder):
    name = sql.Identifier(f"poor_{db.url.rpartition('/')[2].partition('?')[0]}")
    with db.connect() as conn:
        conn.execute(sql.SQL("create role {} login").format(name))
    poor = db.url.replace("postgres@", f"{name.as_string()}@".replace('"', ""))
    try:
        with (
            Database(poor) as own,
            pytest.raises(MigrationError, match="create schema if not exists syncflow auth"),
        ):
            migrate(own, folder)
    finally:
        with db.connect() as conn:
            conn.execute(sql.SQL("drop role {}").format(name))


def test_the_packages_own_migrations_are_applied_and_repeatable(database):
    versions = [migration.version for migration in read_migrations()]
    applied = database.fetch_all("select version from syncflow.migration order by version")
    assert [row["version"] for row in applied] == versions
    assert migrate(database) == []


def test_lost_connection_is_not_blamed_on_the_file(db, folder):
    (folder / "0001_first.sql").write_text("select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(psycopg.OperationalError):
        migrate(db, folder)


def test_delta_tables_of_earlier_releases_get_the_defaults_of_today(db, tmp_path):
    shipped = read_migrations()
    for migration in shipped[:2]:
        (tmp_path / migration.file_name).write_text(migration.text)
    migrate(db, tmp_path)
    db.execute(
        "create table old_delta (state_since timestamptz default clock_timestamp(),"
        " created_at timestamptz default clock_timestamp())"
    )
    add = "insert into delta_entity values (%s, 'orders', %s, 'order')"
    for table in ("old_delta", "gone_delta"):
        db.execute(add, (table, table))
    (tmp_path / shipped[2].file_name).write_text(shipped[2].text)
    migrate(db, tmp_path)
    found = db.fetch_all(
        "select column_default from information_schema.columns where table_name = 'old_delta'"
    )
    assert {row["column_default"] for row in found} == {"statement_timestamp()"}

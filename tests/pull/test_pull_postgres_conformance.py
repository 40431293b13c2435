"""The conformance suite on PostgreSQL."""

import time
import uuid

import psycopg
import pytest
from psycopg import sql

from syncflow_dagster.nodes.pull.ports import Query
from syncflow_dagster.nodes.pull.postgres import PostgresSource
from syncflow_dagster.nodes.pull.source import normal_url
from syncflow_dagster.testing.source_conformance import SourceConformance, SourceHarness

_TYPES = {
    "text": "text",
    "integer": "integer",
    "bigint": "bigint",
    "decimal": "numeric(38, 12)",
    "float": "double precision",
    "boolean": "boolean",
    "date": "date",
    "local": "timestamp",
    "instant": "timestamptz",
    "binary": "bytea",
}


class PostgresHarness(SourceHarness):
    def __init__(self, url):
        self._url = url

    def source(self):
        return PostgresSource(normal_url(self._url))

    def unreachable(self):
        return PostgresSource(normal_url(f"postgresql://me:{self.secret}@127.0.0.1:1/orders"))

    def fill(self, columns, rows):
        name = f"t_{uuid.uuid4().hex[:12]}"
        defined = ", ".join(f"{column} {_TYPES[kind]}" for column, kind in columns.items())
        with psycopg.connect(self._url) as conn:
            conn.execute(f"create table {name} ({defined})")
            with conn.cursor() as cursor, cursor.copy(f"copy {name} from stdin") as copy:
                for row in rows:
                    copy.write_row(row)
        return Query(f"select {', '.join(columns)} from {name} order by n")

    def broken(self, path):
        return Query("select nope from pg_class", path=path)

    def left_open(self):
        asked = sql.SQL(
            "select count(*) from pg_stat_activity where application_name = 'syncflow-pull' "
            "and datname = current_database()"
        )
        with psycopg.connect(self._url, autocommit=True) as conn:
            until = time.monotonic() + 5
            while (left := conn.execute(asked).fetchone()[0]) and time.monotonic() < until:
                conn.execute("select pg_sleep(0.02)")
        return left


@pytest.fixture(scope="module")
def database(postgres_server):
    return postgres_server.ensure_database("pull_conformance")


class TestPostgres(SourceConformance):
    @pytest.fixture
    def harness(self, database):
        return PostgresHarness(database)

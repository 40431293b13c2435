"""What every test may use: a PostgreSQL server for the session, a migrated database for a test.

The server is a real one in a folder of its own; the user's ``.syncflow`` and
``SYNCFLOW_DATABASE_URL`` are never touched.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from syncflow_dagster.store.database import Database
from syncflow_dagster.store.embedded import EmbeddedPostgres
from syncflow_dagster.store.migrate import migrate

# How long an example takes says something about the machine, nothing about the code.
settings.register_profile("everyday", max_examples=50, deadline=None)
settings.load_profile("everyday")
# `make fault` tries every property with so many examples.
settings.register_profile(
    "thorough",
    max_examples=10_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

_TEMPLATE = "migrated_template"
_OURS = ("SYNCFLOW_", "MONDAY_", "SALESFORCE_", "UNIPILE_", "DAGSTER_", "PG")
# For a server whose data nobody keeps: where it is killed, it may lose what was committed last.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def pytest_collection_finish():
    """Keep modules and tests, thousands that stay to the end, out of each garbage collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    """Hide the shell's settings from the test, and the test's from the next."""
    for name in list(os.environ):
        if name.startswith(_OURS):
            monkeypatch.delenv(name)
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def short_folder():
    """A folder any account may pass through, with a short path: pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="syncflow-test-", dir=_memory_folder()))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(short_folder):
    """The session's embedded server."""
    with EmbeddedPostgres(short_folder / "session", settings=_FAST) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server):
    """The URL of the session's server, database ``postgres``; create databases of your own."""
    return postgres_server.url("postgres")


@pytest.fixture(scope="session")
def _migrated_template(postgres_server):
    url = postgres_server.ensure_database(_TEMPLATE)
    with Database(url) as database:
        migrate(database)
    return _TEMPLATE


@pytest.fixture
def empty_database_url(postgres_server):
    """The URL of an empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres_server.ensure_database(name)
    _drop(postgres_server, name)


@pytest.fixture
def database_url(postgres_server, _migrated_template):
    """The URL of a migrated database of the test's own."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(_migrated_template)
            )
        )
    yield postgres_server.url(name)
    _drop(postgres_server, name)


@pytest.fixture
def database(database_url):
    """A migrated database of the test's own."""
    with Database(database_url) as opened:
        yield opened


def _memory_folder() -> str | None:
    """Find memory to keep the servers' files in: a slow disk doubles the tests' time."""
    folder = Path("/dev/shm")
    enough = 2 * 1024**3
    return str(folder) if folder.is_dir() and shutil.disk_usage(folder).free > enough else None


def _drop(server: EmbeddedPostgres, name: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

"""A real Dagster instance on PostgreSQL, for each file of tests."""

from __future__ import annotations

import os
import uuid

import pytest

from syncflow_dagster.store.database import Database
from syncflow_dagster.supervisor.instance import open_instance, prepare_dagster_home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def dagster_environment(postgres_server, home):
    url = postgres_server.ensure_database(f"dagster_{uuid.uuid4().hex}")
    with Database(url) as opened:
        return prepare_dagster_home(home, opened)


@pytest.fixture(scope="module")
def _opened(dagster_environment):
    before = dict(os.environ)
    instance = open_instance(dagster_environment)
    yield instance
    instance.dispose()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def instance(_opened, dagster_environment, monkeypatch):
    """The instance without runs."""
    for name, value in dagster_environment.items():
        monkeypatch.setenv(name, value)
    yield _opened
    for run in _opened.get_runs():
        _opened.delete_run(run.run_id)

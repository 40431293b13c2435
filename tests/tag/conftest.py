"""A sandbox for all tags of a file, and a world on it for each test."""

from __future__ import annotations

import pytest
from tag_world import TagWorld, seed

from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer


@pytest.fixture(scope="session")
def tag_server():
    with SandboxServer() as server:
        ControlClient(server.urls["control"]).seed(seed(), "salesforce")
        yield server


@pytest.fixture
def org(tag_server):
    """The dial of the org, everything as it was seeded."""
    control = ControlClient(tag_server.urls["control"])
    control.settings(service="salesforce", latency_s=0.0, hidden_fields=[], bulk_poll_s=0.0)
    control.reset()
    yield control
    control.clear_faults()
    control.close()


@pytest.fixture
def make_world(database, tag_server, org, tmp_path):
    """Makes a world with rules and settings of its own."""
    return lambda rules, **settings: TagWorld(
        database, tag_server, org, tmp_path, rules, **settings
    )

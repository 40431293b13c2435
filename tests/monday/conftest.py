"""A sandbox for all pushes of a file, and a world on it for each test."""

from __future__ import annotations

import pytest
from monday_world import SEED, START, MondayWorld

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer


@pytest.fixture(scope="module")
def push_server():
    with SandboxServer() as server:
        ControlClient(server.urls["control"]).seed(SEED)
        yield server


@pytest.fixture(scope="module")
def timed_server():
    """A sandbox whose clock moves by hand, together with ours."""
    with SandboxServer(clock=ManualClock(START.timestamp())) as server:
        ControlClient(server.urls["control"]).seed(SEED)
        yield server


@pytest.fixture
def control(push_server):
    control = ControlClient(push_server.urls["control"])
    control.clock(1)
    control.settings(latency_s=0.0, plans={}, limits={}, complexity={}, account_timezone="UTC")
    control.settings(boards={}, view_only=[])
    control.reset()
    yield control
    control.clear_faults()
    control.close()


@pytest.fixture
def make_world(database, push_server, control):
    """Makes a world with a clock, token or push node of its own."""
    return lambda **settings: MondayWorld(database, push_server.urls, **settings)


@pytest.fixture
def world(make_world):
    return make_world()

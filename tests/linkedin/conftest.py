"""One sandbox for all tests of this folder, with a clock that only tests move."""

from __future__ import annotations

import pytest
from unipile_service import SEED, Unipile

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.sandbox.unipile.settings import Settings


@pytest.fixture(scope="session")
def _unipile_sandbox():
    with SandboxServer(clock=ManualClock()) as server:
        control = ControlClient(server.urls["control"])
        control.seed(SEED, service="unipile")
        yield server, control
        control.close()


@pytest.fixture
def unipile(_unipile_sandbox):
    """The sandbox as it was seeded."""
    server, control = _unipile_sandbox
    control.reset()
    control.settings(service="unipile", **Settings().model_dump())
    found = Unipile(server, control)
    yield found
    found.session.close()

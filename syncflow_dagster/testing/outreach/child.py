"""One part of a simulated node's work in a process of its own, which may be killed."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.outreach.clock import SandboxClock
from syncflow_dagster.testing.outreach.driver import PARTS, outreach_run
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file


def main(part: str, account: str) -> None:
    """Do one part."""
    loaded = load_file(Path(os.environ["SIMULATED_WORKFLOW"]))
    assert isinstance(loaded, LoadedWorkflow)
    with (
        Database(os.environ["SIMULATED_STORE"]) as database,
        closing(ControlClient(os.environ["SIMULATED_CONTROL"])) as control,
    ):
        PARTS[part](outreach_run(database, SandboxClock(control), loaded, os.environ, 0), account)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""One turn of one account in a process of its own, which may be killed."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.outreach.clock import SandboxClock
from syncflow_dagster.testing.outreach.driver import outreach_run
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file


def main(account: str) -> None:
    """Take one turn."""
    loaded = load_file(Path(os.environ["SIMULATED_WORKFLOW"]))
    assert isinstance(loaded, LoadedWorkflow)
    with (
        Database(os.environ["SIMULATED_STORE"]) as database,
        closing(ControlClient(os.environ["SIMULATED_CONTROL"])) as control,
    ):
        run = outreach_run(database, SandboxClock(control), loaded, os.environ, 0)
        run.turn(account, longest_s=0)


if __name__ == "__main__":
    main(sys.argv[1])

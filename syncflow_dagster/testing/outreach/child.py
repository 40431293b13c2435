"""One part of a simulated node's work in a process of its own, which may be killed.

A process that has imported everything gives birth to each: importing takes longer than the work.
"""

from __future__ import annotations

import multiprocessing
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.outreach.clock import SandboxClock
from syncflow_dagster.testing.outreach.driver import PARTS, outreach_run
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHILDREN = multiprocessing.get_context("forkserver")
_CHILDREN.set_forkserver_preload([__name__])


def run_child(part: str, account: str, environ: Mapping[str, str]) -> int:
    """Do one part in a process of its own, until its end.

    Args:
        part: See :data:`syncflow_dagster.testing.outreach.driver.PARTS`.
        account: Name of the account, if it is done with one.
        environ: Variables the process has beside those of this one.

    Returns:
        Its exit code: below 0 the signal that ended it. What it says goes to stderr.
    """
    process = _CHILDREN.Process(target=_main, args=(part, account, {**os.environ, **environ}))
    process.start()
    process.join()
    code = process.exitcode
    assert code is not None  # it has ended
    return code


def _main(part: str, account: str, environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)
    loaded = load_file(Path(os.environ["SIMULATED_WORKFLOW"]))
    assert isinstance(loaded, LoadedWorkflow)
    with (
        Database(os.environ["SIMULATED_STORE"]) as database,
        closing(ControlClient(os.environ["SIMULATED_CONTROL"])) as control,
    ):
        PARTS[part](outreach_run(database, SandboxClock(control), loaded, os.environ, 0), account)

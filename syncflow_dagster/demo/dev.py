"""`syncflow dev`: everything up, and Dagster's UI left open."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.commands.run import run_workflow
from syncflow_dagster.demo.champions import WORKFLOW as CHAMPIONS
from syncflow_dagster.demo.lists import write_list
from syncflow_dagster.demo.outreach import WORKFLOW as OUTREACH
from syncflow_dagster.demo.run import WORKFLOW
from syncflow_dagster.demo.world import (
    CLOCK_SPEED,
    ROOT,
    WORKFLOWS,
    environment,
    fresh_databases,
    seed_files,
    variables,
)
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.supervisor import run as supervise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_WORKSPACE = ROOT / "workspace.yaml"
#: Secrets of the example workflows: whoever has set one means real accounts.
_REAL = ("MONDAY_TOKEN", "SALESFORCE_CLIENT_SECRET", "UNIPILE_TOKEN")


def run_dev(home: Path, *, port: int, say: Callable[[str], None]) -> int:
    """Run until interrupted; on real accounts if the environment names them, else on a demo world.

    Args:
        home: SyncFlow's home folder.
        port: Of Dagster's UI; 0 takes a free one.
        say: Told what happens, a line at a time.

    Returns:
        The exit code.
    """
    if given := [name for name in _REAL if os.environ.get(name)]:
        say(f"{given[0]} is set: working on the real accounts and the lasting database")
        return _supervise(home, port, {}, say)
    say(f"no {' or '.join(_REAL)}: making a fresh demo world with a sandbox in the services' place")
    with (
        fresh_databases(home, "dev") as databases,
        SandboxServer(seed_files()) as sandbox,
    ):
        urls = sandbox.urls
        control = ControlClient(urls["control"])
        control.clock(CLOCK_SPEED)
        write_list(databases.lists, control.state("unipile")["people"])
        values = environment(databases, urls)
        with variables(values):
            for name in (WORKFLOW, CHAMPIONS, OUTREACH):
                say(f"running {name} once, so that there is something to see")
                run_workflow(home, find_workflow(WORKFLOWS, name), {}, say)
            return _supervise(home, port, {**values, "SANDBOX_CONTROL": urls["control"]}, say)


def _supervise(home: Path, port: int, values: Mapping[str, str], say: Callable[[str], None]) -> int:
    def ready(url: str) -> None:
        say(f"\nDagster's UI: {url}   (Ctrl-C stops everything)")
        for name, value in values.items():
            say(f"  export {name}='{value}'")

    return supervise(
        port=port,
        home=home,
        extra_environment=values,
        workspace=_WORKSPACE,
        ready=ready,
    )

"""`syncflow run`: one run of a workflow, in this process, seen by Dagster like any other.

A workflow whose delta nodes are split has a run for each partition, and one for the rest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands.instance import command_instance
from syncflow_dagster.supervisor.reaper import process_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from syncflow_dagster.assets.execute import WorkflowRun
    from syncflow_dagster.workflows.loader import LoadedWorkflow


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run, or the runs of all partitions, came to.

    Attributes:
        workflow: Its workflow.
        run: Dagster's word.
    """

    workflow: str
    run: WorkflowRun

    @property
    def success(self) -> bool:
        """Whether the run ended well."""
        return self.run.success

    def lines(self) -> list[str]:
        """Return the result for a person."""
        word = "succeeded" if self.success else "failed"
        runs = ", ".join(self.run.run_ids)
        lines = [
            f"{self.workflow}: {'run' if len(self.run.run_ids) == 1 else 'runs'} {runs} {word}"
        ]
        for asset, numbers in self.run.numbers.items():
            shown = ", ".join(f"{name} {value:g}" for name, value in numbers.items() if value)
            lines.append(f"  {asset}: {shown or 'nothing to do'}")
        lines += [
            f"  {one.severity} {one.asset} {one.check}: {one.description}"
            for one in self.run.checks
            if not one.passed
        ]
        if self.run.error:
            lines.append(self.run.error)
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the result as one object."""
        return {
            "workflow": self.workflow,
            "run_id": self.run.run_id,
            "run_ids": list(self.run.run_ids),
            "success": self.success,
            "error": self.run.error,
            "assets": {name: dict(numbers) for name, numbers in self.run.numbers.items()},
            "checks": [asdict(check) for check in self.run.checks],
        }


def run_workflow(
    home: Path,
    loaded: LoadedWorkflow,
    options: Mapping[str, Any],
    say: Callable[[str], None] | None = None,
) -> RunResult:
    """Run a workflow's job on the instance of `home`.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        options: dry_run, full_resync, limit, customer; what is left out has its default.
        say: Told the run's log lines.

    Raises:
        CommandFailed: The database is not there.
    """
    from syncflow_dagster.assets.execute import execute_workflow

    with command_instance(home) as instance:
        run = execute_workflow(loaded, instance, tags=process_tags(), log=say, **options)
    return RunResult(loaded.workflow.workflow, run)

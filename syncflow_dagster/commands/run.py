"""`syncflow run`: one run of a workflow, in this process, seen by Dagster like any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.store.embedded import open_store
from syncflow_dagster.supervisor.instance import open_instance, prepare_dagster_home

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncflow_dagster.assets.execute import WorkflowRun
    from syncflow_dagster.workflows.loader import LoadedWorkflow


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to.

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
        lines = [f"{self.workflow}: run {self.run.run_id} {word}"]
        for asset, numbers in self.run.summary.items():
            shown = ", ".join(f"{name} {value}" for name, value in numbers.items() if value)
            lines.append(f"  {asset}: {shown or 'nothing to do'}")
        return lines + [f"  {error}" for error in self.run.errors]

    def as_json(self) -> dict[str, Any]:
        """Return the result as one object."""
        return {
            "workflow": self.workflow,
            "run_id": self.run.run_id,
            "success": self.success,
            "assets": self.run.summary,
            "errors": self.run.errors,
        }


def run_workflow(home: Path, loaded: LoadedWorkflow, options: Mapping[str, Any]) -> RunResult:
    """Run a workflow's job on the instance of `home`."""
    from syncflow_dagster.assets.execute import execute_workflow

    with open_store(home) as database:
        environment = prepare_dagster_home(home, database)
        environment["SYNCFLOW_DATABASE_URL"] = database.url
        with open_instance(environment) as instance:
            run = execute_workflow(loaded, instance, **options)
    return RunResult(loaded.workflow.workflow, run)

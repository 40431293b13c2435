"""The dispatcher with runs that somebody else plays: who gets which turn, without a daemon."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import dagster as dg

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.resources.store import Store
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import Workflow


class Rehearsal:
    """A dispatcher of its own, on a clock that is given.

    Args:
        instance: Where runs are recorded.
        database: SyncFlow's own.
        clock: The time the dispatcher goes by.
        workflows: The workflows it starts.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        database: Database,
        clock: Clock,
        workflows: Sequence[Workflow],
    ) -> None:
        self._instance = instance
        self._database = database
        self._clock = clock
        self._workflows = workflows

    @classmethod
    @contextmanager
    def on(
        cls, database: Database, clock: Clock, workflows: Sequence[Workflow], places: int
    ) -> Iterator[Self]:
        """Keep runs in memory, for as long as the context lasts, with so many places for them."""
        import dagster as dg
        from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator

        with dg.DagsterInstance.ephemeral() as instance:
            # The queue is only asked how many places there are; nothing is launched.
            instance._run_coordinator = QueuedRunCoordinator(  # noqa: SLF001
                max_concurrent_runs=places
            )
            yield cls(instance, database, clock, workflows)

    @contextmanager
    def open(self) -> Iterator[Store]:
        """Open the store as the dispatcher does."""
        from syncflow_dagster.resources.store import Store

        yield Store(self._database, self._clock)  # type: ignore[arg-type]

    def tick(self) -> dict[str, dg.DagsterRun]:
        """Let the dispatcher choose, and return the runs that have begun by it, by workflow."""
        import dagster as dg

        from syncflow_dagster.sensors.dispatcher import evaluate

        now = self._clock.now()
        told = evaluate(self._instance, self._workflows, self, now)  # type: ignore[arg-type]
        if isinstance(told, dg.SkipReason):
            return {}
        return {
            request.tags["workflow"]: self._begin(request) for request in told.run_requests or ()
        }

    def end(self, run: dg.DagsterRun) -> None:
        """Let a run end well."""
        import dagster as dg

        event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name)
        self._instance.report_dagster_event(event, run.run_id)

    def _begin(self, request: dg.RunRequest) -> dg.DagsterRun:
        import dagster as dg

        job = dg.JobDefinition(graph_def=dg.GraphDefinition(name=request.job_name or "job"))
        started = dg.DagsterRunStatus.STARTED
        return self._instance.create_run_for_job(job, status=started, tags=dict(request.tags))

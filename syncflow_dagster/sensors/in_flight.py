"""Whether a workflow may start another run, judged by its latest runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import dagster as dg

from syncflow_dagster.assets.names import MOVED_TAG, SCHEDULED_FOR_TAG, STALLED_TAG
from syncflow_dagster.core.dispatch import PastRun, ready
from syncflow_dagster.workflows.models import Workflow

if TYPE_CHECKING:
    from dagster._core.execution.backfill import PartitionBackfill

#: A run in one of these states is at work, or about to be.
IN_FLIGHT = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_OPEN_BACKFILL = frozenset({"REQUESTED", "CANCELING", "FAILING"})
#: Runs looked at for the back-off; more failures in a row wait no longer.
_LATEST = 20


@dataclass(frozen=True, slots=True)
class InFlight:
    """What is at work at one moment.

    Attributes:
        runs: Runs that wait, start, run or stop.
        backfills: Backfills that are not at their end; between their runs there may be none.
    """

    runs: Sequence[dg.DagsterRun]
    backfills: "Sequence[PartitionBackfill]"

    @classmethod
    def of(cls, instance: dg.DagsterInstance) -> Self:
        """Ask an instance."""
        backfills = instance.get_backfills(limit=_LATEST)
        return cls(
            instance.get_runs(dg.RunsFilter(statuses=list(IN_FLIGHT))),
            [one for one in backfills if one.status.value in _OPEN_BACKFILL],
        )

    def name(self, workflow: Workflow, tick: str | None = None) -> str | None:
        """Name a run or a backfill of a workflow, if there is one.

        Args:
            workflow: The workflow.
            tick: The due time, as tags have it; runs that serve it do not count.
        """
        for run in self.runs:
            is_ours = run.tags.get("workflow") == workflow.workflow
            # What a person materialises in the asset graph belongs to no job of ours.
            is_ours = is_ours or _touches(workflow, run.asset_selection)
            if is_ours and (tick is None or run.tags.get(SCHEDULED_FOR_TAG) != tick):
                return f"run {run.run_id[:8]}"
        for backfill in self.backfills:
            if _touches(workflow, backfill.asset_selection):
                return f"backfill {backfill.backfill_id}"
        return None


def held_up(
    instance: dg.DagsterInstance,
    under_way: InFlight,
    workflow: Workflow,
    job_name: str,
    now: datetime,
) -> str | None:
    """Return why a workflow's job may not start now; None if it may.

    Args:
        instance: Where runs are recorded.
        under_way: What is at work.
        workflow: The workflow.
        job_name: The job.
        now: This machine's time, as Dagster's run records have it.
    """
    running = under_way.name(workflow)
    if running is not None:
        return f"{running} is under way"
    decision = ready(past_runs(instance, {"workflow": workflow.workflow}, job_name), now)
    return None if decision.start else decision.reason


def _touches(workflow: Workflow, keys: Iterable[dg.AssetKey] | None) -> bool:
    prefix = [workflow.owner, workflow.workflow]
    return any(key.has_prefix(prefix) for key in keys or ())


def past_runs(
    instance: dg.DagsterInstance, tags: Mapping[str, str], job_name: str
) -> Sequence[PastRun]:
    """Return the latest ended runs that say something about a job's chances, newest first.

    Args:
        instance: Where runs are recorded.
        tags: Tags of the runs.
        job_name: Failures of other jobs do not count: a source that is down must not hold up what
            is waiting already. Successes of theirs do.
    """
    statuses = [
        dg.DagsterRunStatus.SUCCESS,
        dg.DagsterRunStatus.FAILURE,
        dg.DagsterRunStatus.CANCELED,
    ]
    records = instance.get_run_records(
        dg.RunsFilter(tags=dict(tags), statuses=statuses), limit=_LATEST
    )
    return [
        PastRun(
            record.dagster_run.status == dg.DagsterRunStatus.SUCCESS,
            _stalled(record.dagster_run.tags),
            datetime.fromtimestamp(record.end_time, UTC)
            if record.end_time is not None
            else record.update_timestamp.replace(tzinfo=UTC),
        )
        for record in records
        if record.dagster_run.job_name == job_name
        or record.dagster_run.status == dg.DagsterRunStatus.SUCCESS
    ]


def _stalled(tags: Mapping[str, str]) -> str | None:
    return None if MOVED_TAG in tags else tags.get(STALLED_TAG)

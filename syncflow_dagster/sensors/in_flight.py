"""Whether a workflow may start another run, judged by its latest runs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from syncflow_dagster.assets.names import MOVED_TAG, STALLED_TAG, TICK_TAG
from syncflow_dagster.core.dispatch import PastRun

#: A run in one of these states is at work, or about to be.
IN_FLIGHT = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
#: Runs looked at for the back-off; more failures in a row wait no longer.
_LATEST = 20


def run_in_flight(
    instance: dg.DagsterInstance, tags: Mapping[str, str], tick: str | None = None
) -> str | None:
    """Return the id of a run with these tags that is at work, if there is one.

    Args:
        instance: Where runs are recorded.
        tags: Tags of the run.
        tick: The moment that is due; runs a schedule has started for it do not count.
    """
    wanted = dg.RunsFilter(tags=dict(tags), statuses=list(IN_FLIGHT))
    runs = instance.get_runs(wanted, limit=1 if tick is None else None)
    others = (run.run_id for run in runs if tick is None or run.tags.get(TICK_TAG) != tick)
    return next(others, None)


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

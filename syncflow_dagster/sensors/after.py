"""Ends of runs that other workflows come after, as Dagster tells of them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from syncflow_dagster.nodes.triggers.after import End, after_triggers, begin, note_ends
from syncflow_dagster.store.database import Database
from syncflow_dagster.workflows.models import Workflow

_ENDED = {dg.DagsterRunStatus.SUCCESS: True, dg.DagsterRunStatus.FAILURE: False}


def note_upstream_ends(
    instance: dg.DagsterInstance,
    database: Database,
    workflows: Sequence[Workflow],
    now: datetime,
) -> None:
    """Note each end of a run that a workflow comes after; Dagster is asked once, or not at all.

    Args:
        instance: Where runs are recorded.
        database: SyncFlow's own.
        workflows: All workflows.
        now: This machine's time, as Dagster's run records have it.
    """
    since = begin(database, workflows, now)
    if since is None:
        return
    triggers = after_triggers(workflows)
    others = sorted({trigger.workflow for _, trigger in triggers})
    records = instance.get_run_records(
        dg.RunsFilter(tags={"workflow": others}, statuses=list(_ENDED), updated_after=since)
    )
    ends = [end for record in records if (end := _end(record)) is not None]
    note_ends(database, triggers, ends, now)


def _end(record: dg.RunRecord) -> End | None:
    """Return the end of a whole run of a workflow; None: it is of another job, or comes again."""
    run = record.dagster_run
    is_whole = run.job_name == run.tags["workflow"]
    if not is_whole or record.end_time is None or run.tags.get("dagster/will_retry") == "true":
        return None
    at = datetime.fromtimestamp(record.end_time, UTC)
    # A run that crashed and was begun again is one run.
    return End(run.job_name, run.root_run_id or run.run_id, _ENDED[run.status], at)

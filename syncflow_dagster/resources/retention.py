"""Keeping Dagster's own storage small: it keeps every run, event and tick for ever."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow_dagster.resources.dagster_tables import DagsterTables, is_run_id
from syncflow_dagster.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from dagster import DagsterInstance

VARIABLE = "SYNCFLOW_RUN_RETENTION_DAYS"
DEFAULT_DAYS = 30


class RetentionError(ValueError):
    """``SYNCFLOW_RUN_RETENTION_DAYS`` is not understood."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """What was deleted.

    Attributes:
        rows: Numbers by Dagster's table, and of `folders` of captured output.
        busy: Whether another process was at it, and nothing was done here.
    """

    rows: Mapping[str, int]
    busy: bool = False

    def in_words(self) -> str:
        """Return what was deleted, in words."""
        if self.busy:
            return "another process is deleting what is old"
        gone = [f"{number:,} of {what}" for what, number in self.rows.items() if number]
        return f"deleted: {', '.join(gone)}" if gone else "nothing is old enough to be deleted"


def days_from_environment(environment: Mapping[str, str] | None = None) -> int | None:
    """Read ``SYNCFLOW_RUN_RETENTION_DAYS``.

    Returns:
        Days to keep finished runs, 30 unless set; None when set to 0, which keeps all.

    Raises:
        RetentionError: It is not a whole number.
    """
    text = (environment or os.environ).get(VARIABLE, "").strip()
    if not text:
        return DEFAULT_DAYS
    if not text.isdecimal():
        msg = f"{VARIABLE} is {text!r}; right would be a number of days, or 0 to keep all runs"
        raise RetentionError(msg)
    return int(text) or None


def tidy(
    instance: DagsterInstance,
    older_than_days: int,
    now: datetime,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Tidied:
    """Delete what is old in Dagster's storage, and give its space back to what is new.

    What the UI shows as the latest of an asset, a check, a schedule or a sensor stays, with its
    run; so does whatever is under way. One process does it at a time. It may be cut short or
    killed at any moment: each step is whole by itself, and the next round goes on.

    Args:
        instance: Dagster's instance; where its storage is not PostgreSQL, nothing is done.
        older_than_days: What was last touched before that many days is old.
        now: The present moment, aware.
        should_stop: Asked between steps; True ends the work early.

    Raises:
        syncflow_dagster.resources.dagster_tables.UnknownTablesError: Dagster's tables are not
            those we know. Nothing was deleted.
    """
    url = getattr(instance.event_log_storage, "postgres_url", None)
    if url is None:
        return Tidied({})
    with Database(url, max_size=2) as database:
        tables = DagsterTables(database)
        with tables.turn() as is_ours:
            if not is_ours:
                return Tidied({}, busy=True)
            before = now - timedelta(days=older_than_days)
            rows = {"runs": delete_old_runs(instance, before, tables.runs_to_keep, should_stop)}
            rows |= tables.delete_old(before, should_stop)
            rows["snapshots"] = _delete_snapshots(instance, tables, now, should_stop)
            tables.vacuum([name for name, number in rows.items() if number])
            rows["folders"] = _delete_folders(instance, tables, before, should_stop)
    return Tidied(rows)


def delete_old_runs(
    instance: DagsterInstance,
    before: datetime,
    to_keep: Callable[[Sequence[str]], Collection[str]],
    should_stop: Callable[[], bool] = lambda: False,
    *,
    batch_size: int = 100,
) -> int:
    """Delete finished runs with their events and their captured output, oldest first.

    Args:
        instance: Dagster's instance.
        before: Runs last touched since then are kept; so are all that are not finished.
        to_keep: Tells which of some runs are kept all the same.
        should_stop: Asked before each run; True ends the work early, the rest is for next time.
        batch_size: Runs read at a time.

    Returns:
        The number of runs deleted.
    """
    from dagster import DagsterRunStatus, RunsFilter

    old = RunsFilter(
        statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED],
        updated_before=before,
    )
    deleted, last_kept = 0, None
    while runs := [
        record.dagster_run.run_id
        for record in instance.get_run_records(
            old, limit=batch_size, ascending=True, cursor=last_kept
        )
    ]:
        kept = to_keep(runs)
        for run_id in runs:
            if should_stop():
                return deleted
            if run_id in kept:
                last_kept = run_id
                continue
            # The output first: once the run is gone, nothing would lead to its folder.
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            instance.delete_run(run_id)
            deleted += 1
    return deleted


def _delete_snapshots(
    instance: DagsterInstance,
    tables: DagsterTables,
    now: datetime,
    should_stop: Callable[[], bool],
) -> int:
    """Delete snapshots that no run has; one of a part of a job needs the one of the whole."""
    parents = []
    for snapshot in tables.used_snapshots():
        whole = instance.get_job_snapshot(snapshot).lineage_snapshot
        if whole is not None:
            parents.append(whole.parent_snapshot_id)
    return tables.delete_snapshots(parents, now, should_stop)


def _delete_folders(
    instance: DagsterInstance,
    tables: DagsterTables,
    before: datetime,
    should_stop: Callable[[], bool],
) -> int:
    """Delete the output of runs that are gone, as those are that somebody deleted in the UI."""
    folder = Path(instance.storage_directory())
    old = [
        each.name
        for each in (folder.iterdir() if folder.is_dir() else ())
        if is_run_id(each.name) and each.stat().st_mtime < before.timestamp()
    ]
    known, deleted = tables.known_runs(old), 0
    for name in old:
        if should_stop():
            break
        if name not in known:
            instance.compute_log_manager.delete_logs(prefix=[name])
            deleted += 1
    return deleted

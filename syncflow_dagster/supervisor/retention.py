"""Deleting old runs: Dagster keeps every run and all its events for ever."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dagster import DagsterInstance

VARIABLE = "SYNCFLOW_RUN_RETENTION_DAYS"
DEFAULT_DAYS = 30


class RetentionError(ValueError):
    """``SYNCFLOW_RUN_RETENTION_DAYS`` is not understood."""


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


def delete_old_runs(
    instance: DagsterInstance,
    older_than_days: int,
    now: datetime,
    *,
    batch_size: int = 100,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Delete finished runs with their events and their captured output, oldest first.

    Args:
        instance: Dagster's instance.
        older_than_days: Runs last touched before that many days are deleted; runs that are not
            finished never are.
        now: The present moment, aware.
        batch_size: Runs read at a time.
        should_stop: Asked before each run; True ends the work early, the rest is for next time.

    Returns:
        The number of runs deleted.
    """
    from dagster import DagsterRunStatus, RunsFilter

    old = RunsFilter(
        statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED],
        updated_before=now - timedelta(days=older_than_days),
    )
    deleted = 0
    while records := instance.get_run_records(old, limit=batch_size, ascending=True):
        for record in records:
            if should_stop():
                return deleted
            run_id = record.dagster_run.run_id
            # The output first: once the run is gone, nothing would lead to its folder.
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            instance.delete_run(run_id)
            deleted += 1
    return deleted

"""The faults of bulk jobs, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.testing.faults import ends

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.testing.faults.disturbance import Disturbance
    from syncflow_dagster.testing.faults.world import FaultWorld

#: New items of one group, more than are settled in one transaction.
CROWD = 1_200
#: Those of them that monday refuses, where it is to.
INVALID = 5
_HALF = CROWD // 2
#: Outcomes that are written in one transaction.
_PART = 1_000
#: Rows that a job applies in a second of limit time, so that it is at work for twenty seconds of
#: ours, or for five.
_SLOW: Mapping[str, Any] = {"ingest_rows_per_s": 1}
_SLOWLY: Mapping[str, Any] = {"ingest_rows_per_s": 4}
#: Items that jobs may make in an hour, fewer than there are.
_HOUR = 500
#: Seconds of ours until the next job may be started: waited for, and too long for that.
_SOON, _LATE = 3, 1_200
#: Passages at which outcomes of a job are written as its second part: of sending, and of the
#: report, once those of the mutations (groups, and two requests of items) have been written.
_SENDING, _SETTLING = 2, 7

Fault = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobCase:
    """One fault.

    Attributes:
        number: Its kind.
        name: As the table shows it.
        crash_at: Crash point and passage for the first run.
        open: Effects whose outcome is UNKNOWN then, which tells one passage from another.
        faults: What the sandbox does wrong.
        settings: Settings of the sandbox.
        first: The first run, where it is not like any other; returns what is wrong, if anything.
        restart_after: Committed writes after which PostgreSQL is stopped at once.
        invalid: Records of the job that monday refuses.
        by_jobs: Items that bulk jobs make; the others go by mutations.
        met: How often which limit may be met, as nobody could know it before.
    """

    number: str
    name: str
    crash_at: str | None = None
    open: int = 0
    faults: tuple[Fault, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    first: Callable[[FaultWorld, Disturbance], str | None] | None = None
    restart_after: int | None = None
    invalid: int = 0
    by_jobs: int = CROWD
    met: Mapping[str, int] = field(default_factory=dict)


def jobs_cases() -> list[JobCase]:
    """Return the faults of bulk jobs."""
    return [*_kills(), *_ways(), *_ends(), *_limits(), *_others()]


def _kills() -> list[JobCase]:
    """Return the deaths of a run whose items go by a job."""
    lost, broken = _once("upload", "lost_reply"), _once("ingest_job", "partial")
    lost_id = "job id lost after the start: kill -9 at deliver.sent"
    return [
        _killed("deliver.intent_committed"),
        JobCase("F12", lost_id, crash_at="deliver.sent"),
        _killed("deliver.job_opened"),
        _killed("deliver.job_stored", "the job at work", settings=_SLOW),
        _killed("deliver.job_stored", "the reply to its file lost", faults=(lost,)),
        _killed(f"deliver.outcomes_written:{_SENDING}", "a part of its items noted", open=_PART),
        _killed("reconcile.looked_up", "the job at work", settings=_SLOW, open=CROWD),
        _killed("reconcile.looked_up", "its report read", open=CROWD),
        _killed(
            f"deliver.outcomes_written:{_SETTLING}",
            "a part of its report noted",
            open=CROWD - _PART,
        ),
        _killed(
            "reconcile.looked_up:2",
            "the job broken off",
            faults=(broken,),
            by_jobs=_HALF,
            open=CROWD,
        ),
    ]


def _ways() -> list[JobCase]:
    """Return what happens to a job on its way to monday."""
    return [
        _met("F3", "reply lost after ingest_items", _once("ingest_items", "lost_reply")),
        _met("F5", "500 before ingest_items", _once("ingest_items", "error_before")),
        _met("F3", "reply lost after a job's file", _once("upload", "lost_reply")),
        _met("F4", "500 after a job's file", _once("upload", "error_after")),
        _met("F5", "500 before a job's file", _once("upload", "error_before")),
    ]


def _ends() -> list[JobCase]:
    """Return the ends of a job that are not as wished, or not told."""
    refused, expired = "job COMPLETED and fully_imported, with invalid rows", "address expired"
    half = _once("ingest_job", "partial")
    lagging = _fault(None, "stale_reads", lag_s=0.5)
    return [
        JobCase("F11", refused, invalid=INVALID, by_jobs=CROWD - INVALID),
        _met("F12", "job FAILED before its first row", _once("ingest_job", "error_before"), by=0),
        _met("F12", "job FAILED half-way", half, by=_HALF),
        _met("F12", "job FAILED behind its last row", _once("ingest_job", "error_after")),
        _met("F7", "job FAILED half-way, reads lag writes by 0.5 s", half, lagging, by=_HALF),
        _met(
            "F12",
            f"report of a long job: {expired}",
            _once("report", "error_before", status=403),
            settings=_SLOW,
        ),
        _met("F12", "report of a job cannot be had", _fault("report", "html_error")),
        _met(
            "F3",
            "reply lost after fetch_job_status, twice",
            _fault("fetch_job_status", "lost_reply", times=2),
        ),
    ]


def _limits() -> list[JobCase]:
    used_up = {"limit": "ingest_jobs", "times": 1}
    return [
        JobCase(
            "F8",
            "the hour's items of bulk jobs used up",
            settings={"ingest": {"items_per_hour": _HOUR}},
            by_jobs=0,
            met={"ingest_items": 1},
        ),
        _met(
            "F8",
            f"429 of ingest_jobs, {_SOON} s",
            _fault("ingest_items", "throttle", retry_in_s=_SOON, **used_up),
        ),
        _met(
            "F8",
            f"429 of ingest_jobs, {_LATE:,} s",
            _fault("ingest_items", "throttle", retry_in_s=_LATE, **used_up),
            by=0,
        ),
    ]


def _others() -> list[JobCase]:
    """Return what else happens while a job is at work."""
    return [
        JobCase("F2", "SIGTERM while a job is at work", settings=_SLOW, first=ends.asked_to_stop),
        JobCase(
            "F16", "PostgreSQL stopped at once, a job at work", settings=_SLOW, restart_after=_HALF
        ),
        JobCase("F19", "two runs at once, a job at work", settings=_SLOWLY, first=ends.two_runs),
    ]


def _killed(crash_at: str, when: str = "", **more: Any) -> JobCase:
    point = crash_at.partition(":")[0]
    name = f"bulk job, kill -9 at {point}" + (f", {when}" if when else "")
    return JobCase("F1", name, crash_at=crash_at, **more)


def _met(
    number: str,
    name: str,
    *faults: Fault,
    by: int = CROWD,
    settings: Mapping[str, Any] | None = None,
) -> JobCase:
    return JobCase(number, name, faults=faults, by_jobs=by, settings=settings or {})


def _once(op: str, kind: str, **settings: Any) -> Fault:
    return _fault(op, kind, times=1, **settings)


def _fault(op: str | None, kind: str, **settings: Any) -> Fault:
    where = {"op": op} if op else {}
    return {"service": "monday", "kind": kind, **where, **settings}

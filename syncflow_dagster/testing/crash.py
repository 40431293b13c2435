"""Named points at which a process can be made to kill itself, to prove that nothing is lost.

`SYNCFLOW_CRASH_AT=<point>[:n]` sends SIGKILL to the process at its n-th passage of the point
(the first, if n is left out). Unset, a point costs one look-up in the environment.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter

VARIABLE = "SYNCFLOW_CRASH_AT"

DELTA_STAGES = (
    "extract",
    "normalise",
    "identify",
    "dedupe",
    "resolve_parents",
    "detect",
    "guard",
    "write_delta",
    "advance_snapshot",
)
DELTA_POINTS = (
    "delta.started",
    *(f"delta.{stage}" for stage in DELTA_STAGES[:3]),
    "delta.chunk_kept",
    *(f"delta.{stage}" for stage in DELTA_STAGES[3:]),
    "delta.committed",
)
#: Passed where records are read from Salesforce, `job_made` only by Bulk API 2.0.
PULL_POINTS = ("pull.job_made", "pull.page_read")
#: Passed only where effects go in a bulk job.
JOB_POINTS = ("deliver.job_opened", "deliver.job_stored")
PUSH_POINTS = (
    "plan.effects_written",
    "plan.committed",
    "deliver.claimed",
    "deliver.budget_reserved",
    "deliver.intent_committed",
    "deliver.sent",
    *JOB_POINTS,
    "deliver.outcomes_written",
    "deliver.outcomes_committed",
    "reconcile.found_unknown",
    "reconcile.looked_up",
    "reconcile.decided",
)
RETENTION_POINTS = ("retain.batch_written", "retain.batch_committed")
#: Passed where records are due at times of their own.
DUE_POINTS = ("due.rows_written", "due.committed")
ADOPT_POINTS = ("adopt.batch_written", "adopt.batch_committed")
IDENTITY_POINTS = (
    "identity.begun",
    "identity.rows_taken",
    "identity.persons_written",
    "identity.moves_written",
    "identity.rows_settled",
    "identity.committed",
)
#: Passed where events of Unipile are taken in, and where an account is polled.
INBOX_POINTS = ("inbox.event_written", "inbox.event_committed", "poll.page_committed")
#: Passed where people are enrolled for outreach, and where an account has its turn.
OUTREACH_POINTS = (
    "enrol.rows_taken",
    "enrol.leads_written",
    "enrol.committed",
    "turn.looked",
    "turn.asked",
    "turn.effect_written",
    "turn.planned",
)
#: Passed where a due time becomes a run.
TRIGGER_POINTS = ("trigger.noted", "trigger.requested", "trigger.taken")
POINTS = (
    *TRIGGER_POINTS,
    *PULL_POINTS,
    *DELTA_POINTS,
    *PUSH_POINTS,
    *RETENTION_POINTS,
    *DUE_POINTS,
    *ADOPT_POINTS,
    *IDENTITY_POINTS,
    *INBOX_POINTS,
    *OUTREACH_POINTS,
)

_passages: Counter[str] = Counter()
_counting = threading.Lock()


class UnknownCrashPoint(ValueError):
    """A crash point was named that no code passes."""


def crash_point(name: str) -> None:
    """Kill this process here if the environment asks for it.

    Raises:
        UnknownCrashPoint: `name`, or the point in the environment, is not in `POINTS`.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    point, _, count = wanted.partition(":")
    for given in (name, point):
        if given not in POINTS:
            msg = f"no crash point is called {given!r}; the points are: {', '.join(POINTS)}"
            raise UnknownCrashPoint(msg)
    if point != name:
        return
    with _counting:
        _passages[name] += 1
        wanted_now = _passages[name] == int(count or 1)
    if wanted_now:
        os.kill(os.getpid(), signal.SIGKILL)

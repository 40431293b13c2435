"""A circuit breaker: after failures in a row nothing is sent until a read has been answered.

Pure: the ledger keeps the numbers in PostgreSQL, so that all processes of an account share them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from syncflow_dagster.core.backoff import Random, full_jitter

if TYPE_CHECKING:
    from datetime import datetime

#: Failures in a row that open it.
THRESHOLD = 5
#: Ceiling of the first pause, doubled by each further opening, up to the longest; in seconds. A
#: service that is back is met again within the longest.
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0
#: Seconds after which another one asks, if whoever asks has not come back.
PROBE_LEASE = timedelta(seconds=120)


class Admission(Enum):
    """What somebody who wants to send may do."""

    GO = auto()
    #: Ask one cheap question first, and tell what came of it.
    PROBE = auto()
    WAIT = auto()


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker of one account at one moment.

    Attributes:
        failures: Requests in a row that the service as a whole failed to answer.
        openings: Times it has opened since something was last written.
        open_until: While open, when to ask again; None while closed.
        probe_until: Until when whoever asks may take; None if nobody does.
        reason: The last failure.
        since: When it opened first, of the present row of openings.
    """

    failures: int = 0
    openings: int = 0
    open_until: datetime | None = None
    probe_until: datetime | None = None
    reason: str | None = None
    since: datetime | None = None


def admit(breaker: Breaker, now: datetime) -> tuple[Breaker, Admission]:
    """Return the breaker after somebody asked whether he may send, and what he may do."""
    if breaker.open_until is None:
        return breaker, Admission.GO
    if now < breaker.open_until or (breaker.probe_until is not None and now < breaker.probe_until):
        return breaker, Admission.WAIT
    return replace(breaker, probe_until=now + PROBE_LEASE), Admission.PROBE


def look_again_at(breaker: Breaker) -> datetime:
    """Return when somebody who has to wait asks again; only of one that is open."""
    assert breaker.open_until is not None
    return max(breaker.open_until, breaker.probe_until or breaker.open_until)


def after_failure(breaker: Breaker, reason: str, now: datetime, chance: Random) -> Breaker:
    """Return the breaker after a request that the service as a whole failed to answer.

    While it is open, only the failure of the one question counts: others were sent before.
    """
    failed = replace(breaker, failures=breaker.failures + 1, reason=reason)
    if breaker.open_until is None:
        opens = failed.failures >= THRESHOLD
    else:
        opens = breaker.probe_until is not None
    if not opens:
        return failed
    openings = breaker.openings + 1
    pause = full_jitter(openings, chance, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)
    return replace(
        failed,
        openings=openings,
        open_until=now + timedelta(seconds=pause),
        probe_until=None,
        since=breaker.since or now,
    )


def after_answer(breaker: Breaker, *, wrote: bool) -> Breaker:
    """Return the breaker after an answer, whatever it said: the service is there.

    Args:
        breaker: The breaker before.
        wrote: Whether the request was one that writes. An answered read closes the breaker, but
            if writes fail again it opens for longer.
    """
    if wrote:
        return Breaker()
    return replace(breaker, failures=0, open_until=None, probe_until=None)

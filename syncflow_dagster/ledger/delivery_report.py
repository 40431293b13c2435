"""How a delivery goes about it, and what it did."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.core.backoff import Random
    from syncflow_dagster.core.budget import Forecast
    from syncflow_dagster.core.leaving import Leave
    from syncflow_dagster.ledger.pauses import Pause


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """How long a delivery keeps at it.

    Attributes:
        patience_s: Seconds it goes on without any effect being brought to an end (waits for a
            budget do not count); what is left then is left to the next run.
        longest_s: Seconds after which it stops between two requests, so that a run stays a batch;
            what is left is left to the next run.
        most_tries: Tries after which an effect that itself keeps failing is dead.
        lookup_size: Effects looked up at a time.
        chance: Where jitter is drawn from.
        leave: Asked before each request and in each wait whether it must stop there.
    """

    patience_s: float = 300.0
    longest_s: float = 900.0
    most_tries: int = 8
    lookup_size: int = 500
    chance: Random = field(default_factory=random.Random)
    leave: Leave | None = None


@dataclass(slots=True)
class DeliveryReport:
    """What one delivery did.

    Attributes:
        outcomes: Effects by what became of them: done, doubtful, retry, unknown, rejected, stop,
            dropped, found, absent, unseen, ambiguous, unreadable, untold, amended. One effect may
            count in several.
        requests: Requests that carried effects.
        lookups: Requests that only asked.
        at_work: Those of them that found a bulk job at work.
        waited_s: Seconds spent waiting for budgets or for something to become due.
        stopped: Why nothing more may be sent on this account until somebody acts, if so.
        paused: Why nothing more may be sent on this account for a while, if so.
        left: Why it had to stop between two requests, if so; what is left goes on later.
        jobs: Bulk jobs that got, or may have got, their file.
        forecast: How long what is left takes, where the account's calls of the day are used up.
        waiting: Effects that hang on something that is not there.
        remaining: Effects of the pass still under way when it ended.
        amended: Effects that are sent otherwise than planned: whose record, and why.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    jobs: int = 0
    lookups: int = 0
    at_work: int = 0
    waited_s: float = 0.0
    stopped: str | None = None
    paused: Pause | None = None
    left: str | None = None
    forecast: Forecast | None = None
    waiting: int = 0
    remaining: int = 0
    amended: list[tuple[str, str]] = field(default_factory=list)


#: Told after each request: the report so far, and what counts the effects still to go.
Teller = Callable[[DeliveryReport, Callable[[], int]], None]

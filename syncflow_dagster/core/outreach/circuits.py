"""The circuit of an account's bucket: opened by refusals and failures, closed by an action.

The ledger's own breaker (`core.breaker`) guards against a service that is down as a whole. This
one guards an account against doing more of one thing after LinkedIn has refused it, and stops a
bucket in which actions keep failing. A read that is answered does not close it: only an action
that went through does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: Pauses after the first, second, and each further refusal for an account's limit.
LIMIT_PAUSES = (timedelta(hours=24), timedelta(hours=72), timedelta(days=7))
#: Pauses after the first, second, and each further failure of a row that is long enough: short,
#: because a service that is back is met again within them.
FAILURE_PAUSES = (timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120))
#: Failures in a row that open it.
IN_A_ROW = 3
#: So many of the last actions are looked at, and open it when half of them have failed.
LOOKED_AT = 10
#: How long one action is on trial: if nobody has heard of it by then, the next one is.
TRIAL = timedelta(minutes=10)
#: So many accounts failing within so long is not the accounts' fault.
ACCOUNTS_AT_ONCE = 3
AT_ONCE = timedelta(minutes=5)

#: `go`: send. `trial`: ask a read first, then send one action after `begin_trial`. `wait`: not now.
Verdict = Literal["go", "trial", "wait"]


@dataclass(frozen=True, slots=True)
class Circuit:
    """The circuit of one bucket of an account at one moment.

    Attributes:
        level: Times a limit has opened it since an action last went through.
        open_until: While open, when to try again; None while closed.
        probing: Whether one action is on trial, until `open_until`.
        failures: Failures in a row.
        reason: What opened it.
        since: When it opened first, of the present row.
    """

    level: int = 0
    open_until: datetime | None = None
    probing: bool = False
    failures: int = 0
    reason: str | None = None
    since: datetime | None = None


def verdict(circuit: Circuit, now: datetime) -> Verdict:
    """Tell what may be done in a bucket now."""
    if circuit.open_until is None:
        return "go"
    return "wait" if now < circuit.open_until else "trial"


def begin_trial(circuit: Circuit, now: datetime) -> Circuit:
    """Let one action through; the others wait until its outcome is known, or `TRIAL` is over."""
    return replace(circuit, probing=True, open_until=now + TRIAL)


def after_limit(
    circuit: Circuit, reason: str, now: datetime, at_least: timedelta = timedelta(0)
) -> Circuit:
    """Return the circuit after the service has refused because the account has done enough.

    Args:
        circuit: The circuit before.
        reason: What the service said.
        now: When it did.
        at_least: How long it asked to wait, if it did.
    """
    pause = LIMIT_PAUSES[min(circuit.level, len(LIMIT_PAUSES) - 1)]
    opened = _opened(circuit, max(at_least, pause), reason, now)
    return replace(opened, level=circuit.level + 1)


def after_failure(circuit: Circuit, recent: Sequence[bool], reason: str, now: datetime) -> Circuit:
    """Return the circuit after an action that failed, or of which nobody knows.

    Args:
        circuit: The circuit before.
        recent: Which of the bucket's last actions failed, this one included; the newest last.
        reason: What happened.
        now: When it did.
    """
    failed = replace(circuit, failures=circuit.failures + 1, reason=reason)
    last = recent[-LOOKED_AT:]
    half = len(last) == LOOKED_AT and sum(last) * 2 >= LOOKED_AT
    if not (circuit.probing or failed.failures >= IN_A_ROW or half):
        return failed
    longer = min(max(0, failed.failures - IN_A_ROW), len(FAILURE_PAUSES) - 1)
    return _opened(failed, FAILURE_PAUSES[longer], reason, now)


def after_success(circuit: Circuit) -> Circuit:
    """Return the circuit after an action that went through.

    One that is open and tries nothing stays open: what went through was sent before it opened.
    """
    if circuit.open_until is not None and not circuit.probing:
        return replace(circuit, failures=0)
    return Circuit()


def all_stop(failed_at: Mapping[str, datetime], now: datetime) -> bool:
    """Tell whether so many accounts fail at once that all of them are stopped.

    Args:
        failed_at: When each account failed last.
        now: The present.
    """
    return sum(now - at <= AT_ONCE for at in failed_at.values()) >= ACCOUNTS_AT_ONCE


def _opened(circuit: Circuit, pause: timedelta, reason: str, now: datetime) -> Circuit:
    ends = now + pause
    if circuit.open_until is not None and not circuit.probing:
        ends = max(ends, circuit.open_until)
    return replace(
        circuit, open_until=ends, probing=False, reason=reason, since=circuit.since or now
    )

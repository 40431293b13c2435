"""How much an account may do now, and when it may go on.

What is spent is always counted from what was sent, never kept in a number of its own, so it cannot
drift. Whoever is not known to have failed counts as sent.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.tiers import CAPS, WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from syncflow_dagster.core.outreach.tiers import Bucket, Tier, Window

#: Per cent of its limits an account begins with, and what each further day adds.
RAMP_BEGIN = 20
RAMP_A_DAY = 6
#: How long an account that was down does half of what it might.
REDUCED_FOR = timedelta(days=3)
#: Buckets that are not ramped: nobody sees what is only read.
_UNRAMPED: frozenset[Bucket] = frozenset({"read"})


def allowed(
    bucket: Bucket,
    window: Window,
    tier: Tier,
    limits: Mapping[tuple[Bucket, Window], int],
    live_since: datetime | None,
    reduced_until: datetime | None,
    now: datetime,
    *,
    ramp: bool = True,
) -> int:
    """Return how many of a bucket an account may do in the window that ends at `now`.

    The least of what its tier, its ramp and its own limits let through; half of it shortly after
    the account was down. Below one it falls only where a limit says zero.

    Args:
        bucket: What is counted.
        window: How far back; one of `windows_of(bucket)`.
        tier: The account's subscription.
        limits: The account's own limits.
        live_since: When it did something first; None if it never has.
        reduced_until: Until when it does half; None if it was not down.
        now: The present.
        ramp: Whether it begins with a part and reaches its limits in two weeks.
    """
    most = CAPS[tier][bucket][window]
    if ramp and bucket not in _UNRAMPED:
        most = max(1, most * ramp_percent(live_since, now) // 100)
    most = min(most, limits.get((bucket, window), most))
    if reduced_until is not None and now < reduced_until:
        most = min(most, max(1, most // 2))
    return most


def ramp_percent(live_since: datetime | None, now: datetime) -> int:
    """Return how much of its limits an account has reached, from `RAMP_BEGIN` to 100."""
    days = 0 if live_since is None else max(0, (now - live_since) // timedelta(days=1))
    return min(100, RAMP_BEGIN + RAMP_A_DAY * days)


def windows_of(bucket: Bucket) -> tuple[Window, ...]:
    """Return the windows in which a bucket is limited; the same for all tiers."""
    return tuple(CAPS["free"][bucket])


def next_free_at(
    spent: Iterable[datetime], allowed: int, window: timedelta, now: datetime
) -> datetime | None:
    """Return when one more may be sent without ever exceeding `allowed` in a window.

    Args:
        spent: When each was sent; those of the last window at least, in any order.
        allowed: Most that a window holds.
        window: Its length. One sent at `t` counts before `t + window`, and no longer then.
        now: The present.

    Returns:
        `now` if it may be at once; None if nothing is allowed at all.
    """
    if allowed < 1:
        return None
    counted = sorted(at for at in spent if at + window > now)
    if len(counted) < allowed:
        return now
    return counted[-allowed] + window


def free_at(
    spent: Mapping[Window, Iterable[datetime]], most: Mapping[Window, int], now: datetime
) -> datetime | None:
    """Return when one more may be sent by all windows of a bucket; None if by one of them never."""
    times = [next_free_at(spent[window], most[window], WINDOWS[window], now) for window in most]
    return None if None in times else max((at for at in times if at is not None), default=now)

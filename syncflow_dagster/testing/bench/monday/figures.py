"""What the sandbox counted while something wrote to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.control import ControlClient

#: Points of a mutation, as the sandbox reckons and monday's own example says.
_MUTATION = 30_000
_MINUTE_S = 60.0
_CREATES = {"create_item", "create_subitem"}


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement.

    Attributes:
        records: Items and subitems that were to be created.
        applied: Those that were.
        doubled: Creates of a record beyond its first.
        writes: All mutations that were applied, groups too.
        requests: Requests of any kind, refused ones too.
        throttled: Requests refused for a limit.
        seconds: From the first write to the last, of our clock.
        speed: How many times faster than it the sandbox's clock ran.
        spent: Points the account spent, whatever for.
        last: Those of the last window, which may not have been over.
        limit: Points of a window.
        peak: The most points spent in one window.
        windows_s: From the beginning of the first window to that of the last, of the sandbox's
            clock.
        peak_mb: Most anonymous memory of one of the processes.
    """

    records: int
    applied: int
    doubled: int
    writes: int
    requests: int
    throttled: int
    seconds: float
    speed: float
    spent: int
    last: int
    limit: int
    peak: int
    windows_s: float
    peak_mb: int

    @property
    def budget_share(self) -> float | None:
        """Points of mutations that were applied / all that was allowed until the last window."""
        if not self.windows_s:
            return None
        productive = self.writes * _MUTATION * (self.spent - self.last) / self.spent
        return round(productive / (self.limit * self.windows_s / _MINUTE_S), 4)

    @property
    def time_ratio(self) -> float | None:
        """The time it took / the least that the limit allows; None within a single window."""
        full_windows = (self.writes * _MUTATION - 1) // self.limit
        least = full_windows * _MINUTE_S / self.speed
        return round(self.seconds / least, 3) if least else None

    @property
    def seconds_per_record(self) -> float:
        """Seconds for each record."""
        return self.seconds / self.applied

    def as_json(self) -> dict[str, Any]:
        """Return the figures that mean something elsewhere."""
        return {
            "budget_share": self.budget_share,
            "throttled": self.throttled,
            "requests_per_1000": round(1_000 * self.requests / self.writes, 1),
            "over_limit": max(0, self.peak - self.limit),
        }


def figures(
    control: ControlClient, token: str, *, records: int, speed: float, peak_mb: int
) -> Figures:
    """Read off what happened since the sandbox was reset."""
    stats, log = control.stats()["monday"], control.log()
    spent = stats["budget_used"][token]
    points = spent["complexity"]["writes"]
    times = [datetime.fromisoformat(entry["at"]) for entry in log]
    created = [entry["key"] for entry in log if entry["op"] in _CREATES]
    return Figures(
        records=records,
        applied=len(set(created)),
        doubled=len(created) - len(set(created)),
        writes=len(log),
        requests=stats["requests"],
        throttled=stats["throttled"],
        speed=speed,
        seconds=(max(times) - min(times)).total_seconds(),
        spent=points["total"],
        last=points["used"],
        limit=spent["complexity_per_minute"],
        peak=points["peak"],
        windows_s=points["windows_s"],
        peak_mb=peak_mb,
    )

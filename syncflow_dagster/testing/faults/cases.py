"""The faults of the matrix, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.testing.crash import DELTA_POINTS, JOB_POINTS, PUSH_POINTS
from syncflow_dagster.testing.faults.changes import CHANGES, BoardChange

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Passage at which a point that is passed once a batch kills: in the middle of the work.
_MIDDLE = {
    "deliver.claimed": 7,
    "deliver.budget_reserved": 7,
    "deliver.intent_committed": 7,
    "deliver.sent": 7,
    "deliver.outcomes_written": 7,
    "deliver.outcomes_committed": 7,
}


@dataclass(frozen=True, slots=True)
class FaultCase:
    """One fault.

    Attributes:
        name: As the table shows it.
        crash_at: Crash point and passage for the first run.
        faults: What the sandbox does wrong.
        restart_postgres_after: Committed writes after which PostgreSQL is stopped at once.
        down_after: Committed writes after which the sandbox refuses connections.
        down_s: Seconds for which it does.
        change: What a person does to the board.
        change_after: Committed writes after which it is done.
        whole_book: Whether the whole order book is pushed, or a part of it.
    """

    name: str
    crash_at: str | None = None
    faults: tuple[Mapping[str, Any], ...] = ()
    restart_postgres_after: int | None = None
    down_after: int | None = None
    down_s: float = 8.0
    change: BoardChange | None = None
    change_after: int | None = None
    whole_book: bool = False


def cases() -> list[FaultCase]:
    """Return the matrix, the undisturbed run first: the others are measured against it."""
    return [
        FaultCase("none"),
        *(FaultCase(f"kill -9 at {point}", crash_at=point) for point in DELTA_POINTS),
        FaultCase("kill -9 at delta.write_delta, second node", crash_at="delta.write_delta:2"),
        *(_push_crash(point) for point in PUSH_POINTS if point not in JOB_POINTS),
        FaultCase("2 % replies lost", faults=(_some("lost_reply", 0.02),), whole_book=True),
        FaultCase("2 % 500 after apply", faults=(_some("error_after", 0.02),), whole_book=True),
        FaultCase("5 % throttled", faults=(_some("throttle", 0.05),), whole_book=True),
        FaultCase(
            "lost, 500 after apply and throttled, and kill -9",
            crash_at="deliver.sent:9",
            faults=(
                _some("lost_reply", 0.02),
                _some("error_after", 0.02),
                _some("throttle", 0.05),
            ),
        ),
        FaultCase("5 % 502 as HTML", faults=(_some("html_error", 0.05),)),
        FaultCase("one alias in ten fails inside", faults=(_some("partial", 0.1),)),
        FaultCase(
            "reads lag writes by 0.5 s, 10 % replies lost", faults=(_LAG, _some("lost_reply", 0.1))
        ),
        FaultCase("5 % applied late, 2 s after the cut", faults=(_LATE,)),
        FaultCase("503 to six requests in a row", faults=(_OUTAGE,)),
        FaultCase("PostgreSQL stopped at once", restart_postgres_after=60),
        FaultCase(
            "PostgreSQL stopped at once, 10 % replies lost",
            faults=(_some("lost_reply", 0.1),),
            restart_postgres_after=60,
        ),
        FaultCase("sandbox down for a while", down_after=60),
        *(FaultCase(name, change=one, change_after=25) for name, one in CHANGES.items()),
    ]


_LATE = {"service": "monday", "kind": "late_apply", "after_s": 2.0, "rate": 0.05, "seed": 11}
_OUTAGE = {"service": "monday", "kind": "error_before", "status": 503, "times": 6}
_LAG = {"service": "monday", "kind": "stale_reads", "lag_s": 0.5, "rate": 1}


def _some(kind: str, rate: float) -> dict[str, Any]:
    return {"service": "monday", "kind": kind, "rate": rate, "seed": 11}


def _push_crash(point: str) -> FaultCase:
    passage = _MIDDLE.get(point)
    crash_at = f"{point}:{passage}" if passage else point
    # Without lost replies nothing is ever looked up.
    faults = (_some("lost_reply", 0.3),) if point.startswith("reconcile") else ()
    return FaultCase(f"kill -9 at {point}", crash_at=crash_at, faults=faults)

"""The faults of whole runs of the example workflow, as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from syncflow_dagster.testing.crash import DELTA_POINTS, JOB_POINTS, PUSH_POINTS
from syncflow_dagster.testing.faults import ends
from syncflow_dagster.testing.faults.board_outages import end_sessions, read_only
from syncflow_dagster.testing.faults.changes import CHANGES, BoardChange, paused_until_mended

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.testing.faults.disturbance import Disturbance
    from syncflow_dagster.testing.faults.world import FaultWorld

#: Passage at which a point that is passed once a batch kills: in the middle of the work.
_MIDDLE = {
    "deliver.claimed": 7,
    "deliver.budget_reserved": 7,
    "deliver.intent_committed": 7,
    "deliver.sent": 7,
    "deliver.outcomes_written": 7,
    "deliver.outcomes_committed": 7,
}
#: Committed writes after which something happens: in the middle of the push.
_WRITES = 60
_DOWN_S = 8.0


@dataclass(frozen=True, slots=True)
class FaultCase:
    """One fault.

    Attributes:
        number: Its kind.
        name: As the table shows it.
        crash_at: Crash point and passage for the first run.
        faults: What the sandbox does wrong.
        disturb: What happens in the middle of the work.
        after: Committed writes after which it does.
        first: The first run, where it is not like any other; returns what is wrong, if anything.
        wiped: Columns whose values the fault itself takes from the board.
        whole_book: Whether the whole order book is pushed, or a part of it.
    """

    number: str
    name: str
    crash_at: str | None = None
    faults: tuple[Mapping[str, Any], ...] = ()
    disturb: Callable[[FaultWorld], None] | None = None
    after: int | None = None
    first: Callable[[FaultWorld, Disturbance], str | None] | None = None
    wiped: tuple[str, ...] = ()
    whole_book: bool = False


def cases() -> list[FaultCase]:
    """Return the faults of whole runs, the undisturbed one first."""
    return [
        FaultCase("F29", "none"),
        *(FaultCase("F1", f"kill -9 at {point}", crash_at=point) for point in DELTA_POINTS),
        FaultCase(
            "F1", "kill -9 at delta.write_delta, second node", crash_at="delta.write_delta:2"
        ),
        *(_push_crash(point) for point in PUSH_POINTS if point not in JOB_POINTS),
        *_ends(),
        *_answers(),
        *_outages(),
        FaultCase("F19", "two runs of one workflow at once", first=ends.two_runs),
        *(_changed(name, change) for name, change in CHANGES.items()),
    ]


def _ends() -> list[FaultCase]:
    hangs = {"service": "monday", "kind": "slow", "op": "mutation", "nth": 5, "times": 1}
    return [
        FaultCase("F2", "SIGTERM in the middle of a push", first=ends.asked_to_stop),
        FaultCase(
            "F2",
            "SIGTERM while an answer hangs, then SIGKILL",
            faults=({**hangs, "delay_s": 20.0},),
            first=ends.killed_after_asking,
        ),
    ]


def _answers() -> list[FaultCase]:
    lost, failed, full = (
        _some("lost_reply", 0.02),
        _some("error_after", 0.02),
        {**_some("throttle", 0.05), "retry_in_s": 1},
    )
    return [
        FaultCase("F3", "2 % replies lost", faults=(lost,), whole_book=True),
        FaultCase("F4", "2 % 500 after apply", faults=(failed,), whole_book=True),
        FaultCase("F8", "5 % throttled", faults=(full,), whole_book=True),
        FaultCase(
            "F1",
            "lost, 500 after apply and throttled, and kill -9",
            crash_at="deliver.sent:9",
            faults=(lost, failed, full),
        ),
        FaultCase("F5", "5 % 502 as HTML", faults=(_some("html_error", 0.05),)),
        FaultCase("F9", "one alias in ten fails inside", faults=(_some("partial", 0.1),)),
        FaultCase(
            "F7",
            "reads lag writes by 0.5 s, 10 % replies lost",
            faults=(_LAG, _some("lost_reply", 0.1)),
        ),
        FaultCase("F6", "5 % applied late, 2 s after the cut", faults=(_LATE,)),
        FaultCase("F5", "503 to six requests in a row", faults=(_OUTAGE,)),
    ]


def _outages() -> list[FaultCase]:
    lost = (_some("lost_reply", 0.1),)
    stop = partial(FaultCase, "F16", disturb=_stop_at_once, after=_WRITES)
    return [
        stop("PostgreSQL stopped at once"),
        stop("PostgreSQL stopped at once, 10 % replies lost", faults=lost),
        FaultCase(
            "F16", "all sessions of PostgreSQL ended", disturb=_end_all_sessions, after=_WRITES
        ),
        FaultCase("F16", "PostgreSQL read-only for 5 s", disturb=_read_only, after=_WRITES),
        FaultCase("F31", "service down for a while", disturb=_down, after=_WRITES),
    ]


def _stop_at_once(world: FaultWorld) -> None:
    world.server.restart_immediately()


def _end_all_sessions(world: FaultWorld) -> None:
    end_sessions(world.store)


def _read_only(world: FaultWorld) -> None:
    read_only(world.store, 5.0)


def _down(world: FaultWorld) -> None:
    world.control.faults(kind="down", for_s=_DOWN_S)


def _changed(name: str, change: BoardChange) -> FaultCase:
    def first(world: FaultWorld, disturbance: Disturbance) -> str | None:
        return paused_until_mended(world, change, disturbance.has_happened)

    wiped = () if change.wiped is None else (change.wiped,)
    return FaultCase("F24", name, disturb=change.make, after=25, first=first, wiped=wiped)


_LATE = {"service": "monday", "kind": "late_apply", "after_s": 2.0, "rate": 0.05, "seed": 11}
_OUTAGE = {"service": "monday", "kind": "error_before", "status": 503, "times": 6}
_LAG = {"service": "monday", "kind": "stale_reads", "lag_s": 0.5, "rate": 1}


def _some(kind: str, rate: float) -> dict[str, Any]:
    return {"service": "monday", "kind": kind, "rate": rate, "seed": 11}


def _push_crash(point: str) -> FaultCase:
    passage = _MIDDLE.get(point)
    crash_at = f"{point}:{passage}" if passage else point
    # Without lost replies nothing is ever looked up.
    faults = (_some("lost_reply", 0.1),) if point.startswith("reconcile") else ()
    return FaultCase("F1", f"kill -9 at {point}", crash_at=crash_at, faults=faults)

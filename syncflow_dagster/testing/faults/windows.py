"""A push that may be at work only at night, over as many nights as it takes, and killed in one.

Time is the sandbox's, which is moved by hand: each request takes an hour and a half. The judge is
the sandbox's log: what was written when, and what the board shows in the end. What is forecast
before each run is held against when all was done.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import closing
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncflow_dagster.core.timing.windows import WeekWindows, parse_span
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES, SUBITEMS
from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.nodes.triggers.forecast import forecast, note_work
from syncflow_dagster.nodes.triggers.leaving import Leaving
from syncflow_dagster.nodes.triggers.windows import opens_at
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.crash import PUSH_POINTS
from syncflow_dagster.testing.faults.board_book import Book, workflow, yesterday
from syncflow_dagster.testing.faults.board_world import BoardWorld, Desk, board_world
from syncflow_dagster.testing.faults.invariants import Calm, Scene, hold
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.judge import picture
from syncflow_dagster.testing.killed import run_killed
from syncflow_dagster.workflows.models.triggers import Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.store.embedded import EmbeddedPostgres
    from syncflow_dagster.workflows.models import Workflow

#: When something was forecast, and for when.
Told = tuple[datetime, datetime | None]

ZONE = "Europe/Berlin"
_NIGHTS = Windows(timezone=ZONE, open=("19:00-07:00 on weekdays",))
_OPENS, _CLOSES = 19, 7
_REQUEST_S = 90 * 60.0
_A_DAY_S = 24 * 3600.0
_MOST_RUNS = 20
#: By how much of the open time left a forecast may be wrong.
_FORECAST_SHARE = 0.2
_BATCH = 10
_CALM = "push over several nights"
_KILLED = "push over several nights, kill -9 at {} in the second one"
#: Passages in the second night; what is looked up is what a killed run has left.
_POINTS = {point: 2 for point in PUSH_POINTS if point.startswith("deliver.") and "job" not in point}


def window_cases() -> list[str]:
    """Return the names of the rows."""
    return [_CALM, *(_KILLED.format(point) for point in _POINTS)]


def nights(
    wanted: Callable[[str], bool],
    *,
    server: EmbeddedPostgres | None = None,
    book: Callable[[], Book] = yesterday,
) -> Iterator[FaultResult]:
    """Push night by night.

    Args:
        wanted: Tells by its name whether a case is to run.
        server: The PostgreSQL server to use; None: one of its own, removed afterwards.
        book: What is pushed.
    """
    points: list[str | None] = [None, *_POINTS]
    chosen = [one for one in zip(window_cases(), points, strict=True) if wanted(one[0])]
    if not chosen:
        return
    with board_world(server) as world:
        calm = _uninterrupted(world, book())
        for name, point in chosen:
            yield _run(world, book(), calm, FaultResult(name, "F22"), point)


def _uninterrupted(world: BoardWorld, book: Book) -> Calm:
    with world.desk({}, batch_size=_BATCH) as desk:
        desk.build(book)
        started = time.monotonic()
        if told := desk.settle():
            msg = f"the push without windows failed: {told}"
            raise RuntimeError(msg)
        return Calm(picture(desk.control.state()), desk.stats(), time.monotonic() - started)


def _run(
    world: BoardWorld, book: Book, calm: Calm, result: FaultResult, point: str | None
) -> FaultResult:
    with world.desk({}, batch_size=_BATCH) as desk:
        desk.build(book)
        started = time.monotonic()
        told: list[Told] = []
        result.error = _push_by_night(desk, point, told)
        result.recovery_s = round(max(0.0, time.monotonic() - started - calm.seconds), 1)
        hold(result, Scene(desk.control, desk.database, desk.workflow), calm)
        result.broken += _outside(desk) + _wrongly_told(told, desk.clock.now(), result)
        writes = len(desk.control.log())
        _night(desk.database, desk.clock, _nightly(desk.workflow))
        result.second_run_writes = len(desk.control.log()) - writes
        return result


def _push_by_night(desk: Desk, point: str | None, told: list[Told]) -> str | None:
    """Start a run whenever a window opens, until all is done; return what is wrong, if anything.

    Args:
        desk: Where it is done.
        point: Crash point at which the second night is killed, if it is.
        told: Takes what is forecast before each run but the first, of which nothing is known yet.
    """
    one = _nightly(desk.workflow)
    # A first night that is nearly over would tell too little of how fast it goes.
    desk.clock.sleep(_open_until(desk.clock.now()))
    for number in range(1, _MOST_RUNS):
        now = desk.clock.now()
        if number > 1:
            ahead = forecast(desk.database, desk.clock, one, *one.pushes)
            told.append((now, ahead.fit.ends_at if ahead.fit else None))
        opens = opens_at(desk.database, one, now)
        if opens is not None:
            # Started before its time, a run does nothing.
            _night(desk.database, desk.clock, one)
            desk.clock.sleep((opens - desk.clock.now()).total_seconds())
        if point is not None and number > 1:
            if wrong := _killed(desk, f"{point}:{_POINTS[point]}"):
                return wrong
            point = None
        _night(desk.database, desk.clock, one)
        if not desk.unsettled():
            return None if number > 1 else "it took one night only"
    return f"not settled after {_MOST_RUNS} runs"


def _nightly(one: Workflow) -> Workflow:
    return one.model_copy(update={"windows": _NIGHTS})


def _night(database: Database, clock: Clock, one: Workflow) -> None:
    """Push until all is done or the window is over."""
    leave = Leaving(database, clock, one, clock.now())
    if leave() is not None:
        return
    delivery = DeliveryOptions(longest_s=_A_DAY_S, chance=random.Random(1), leave=leave)  # noqa: S311 - repeatable
    (node,) = one.pushes
    with closing(Push(database, clock, one, node, PushOptions(delivery=delivery))) as push:
        push.prepare()
        push.plan()
        for number in (ITEMS, SUBITEMS, STATUSES):
            began_at = clock.now()
            report = push.deliver(number, lambda *_: clock.sleep(_REQUEST_S))
            place = (one.workflow, node.name, number)
            note_work(database, place, began_at, clock.now(), report)


def _wrongly_told(told: list[Told], done_at: datetime, result: FaultResult) -> list[str]:
    """Return the forecasts that were wrong by too much of the open time that was left."""
    wrong, worst = [], 0.0
    for at, ends_at in told:
        off = 1.0
        if ends_at is not None:
            off = _open_s(*sorted((ends_at, done_at))) / _open_s(at, done_at)
        worst = max(worst, off)
        if off > _FORECAST_SHARE:
            wrong.append(f"at {at:%a %H:%M} the end was forecast for {ends_at}, it was {done_at}")
    result.figures = {"forecast_off": round(worst, 3)}
    return wrong


def _open_until(now: datetime) -> float:
    """Return the seconds until the present night is over; 0 by day."""
    opens_at, closes_at = next(_windows().stretches(now))
    return (closes_at - now).total_seconds() if opens_at <= now else 0.0


def _open_s(begin: datetime, end: datetime) -> float:
    """Return the seconds between two moments in which a window is open."""
    stretches = takewhile(lambda one: one[0] < end, _windows().stretches(begin))
    return sum((min(closes, end) - opens).total_seconds() for opens, closes in stretches)


def _windows() -> WeekWindows:
    return WeekWindows(ZONE, [parse_span(one) for one in _NIGHTS.open])


def _outside(desk: Desk) -> list[str]:
    """Return what was written outside the windows, by the sandbox's own clock."""
    wrong = []
    for line in desk.control.log():
        at = datetime.fromisoformat(line["at"]).astimezone(ZoneInfo(ZONE))
        evening = at if at.hour >= _OPENS else at - timedelta(days=1)
        is_night = at.hour >= _OPENS or at.hour < _CLOSES
        if not is_night or evening.weekday() >= 5:
            wrong.append(f"{line['op']} at {at:%a %H:%M}, outside the window")
    return wrong[:3]


def _killed(desk: Desk, crash_at: str) -> str | None:
    """Push in a process of its own, which is to be killed; return what is wrong, if anything."""
    variables = {
        "NIGHT_STORE": desk.database.url,
        "NIGHT_CONTROL": desk.control.url,
        "NIGHT_MONDAY": desk.monday,
        "NIGHT_TOKEN": desk.token,
    }
    return run_killed(crash_at, __name__, environ=variables)


class _ControlClock:
    """The sandbox's time, asked for each time: it stands still until somebody moves it."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    def now(self) -> datetime:
        return self._control.now()

    def sleep(self, seconds: float) -> None:
        self._control.advance(max(0.0, seconds))


def main(variables: Mapping[str, Any]) -> None:
    """Push for one night."""
    one = workflow(variables["NIGHT_MONDAY"], variables["NIGHT_TOKEN"], {}, _BATCH)
    with (
        Database(variables["NIGHT_STORE"]) as database,
        closing(ControlClient(variables["NIGHT_CONTROL"])) as control,
    ):
        _night(database, _ControlClock(control), _nightly(one))


if __name__ == "__main__":
    main(os.environ)

"""Weeks of outreach in the sandbox's time: undisturbed, and with all that can go wrong.

The judge is the sandbox's truth about its people: who was written to, when they answered, and when
a connection could be known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.store import sql
from syncflow_dagster.testing.crash import INBOX_POINTS, JOB_POINTS, OUTREACH_POINTS, PUSH_POINTS
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.outreach.driver import Course, Driver, Happening, outreach_run
from syncflow_dagster.testing.outreach.enrolment import begin, list_people
from syncflow_dagster.testing.outreach.judge import WRONGS, Verdict, judge
from syncflow_dagster.testing.outreach.world import outreach_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from syncflow_dagster.testing.outreach.world import OutreachWorld

#: Shares that have to be reached: leads that end right, connections known in time.
_SUCCESS, _RECALL = 0.95, 0.99
#: Simulated time in which a part that was killed has to be at work again.
_RECOVERY = timedelta(minutes=5)
_DAY = timedelta(days=1)
#: Passed in a turn that plans and sends; the plan's own points are others' and those of a bulk job.
_SENDING = tuple(
    one
    for one in PUSH_POINTS
    if not one.startswith(("plan.", "reconcile.")) and one not in JOB_POINTS
)
_LOOKING = tuple(one for one in PUSH_POINTS if one.startswith("reconcile."))
_TURNING = tuple(one for one in OUTREACH_POINTS if one.startswith("turn."))
_ENROLLING = tuple(one for one in OUTREACH_POINTS if one.startswith("enrol."))
#: What never stops going wrong now and then, from the first day on.
_ALWAYS: Sequence[Mapping[str, Any]] = (
    {"kind": "lost_reply", "op": "invite", "rate": 0.03, "seed": 1},
    {"kind": "lost_reply", "op": "send_message", "rate": 0.03, "seed": 2},
    {"kind": "lost_reply", "op": "withdraw", "rate": 0.03, "seed": 3},
    {"kind": "error_after", "op": "invite", "rate": 0.02, "seed": 4},
    {"kind": "error_after", "op": "send_message", "rate": 0.02, "seed": 5},
    {"kind": "error_before", "rate": 0.01, "seed": 6},
    {"kind": "html_error", "rate": 0.005, "seed": 7},
    {"kind": "stale_reads", "lag_s": 40.0, "rate": 0.05, "seed": 8},
)
_WEBHOOKS = {"webhook_repeat": 0.2, "webhook_shuffle": 0.2, "webhook_drop": 0.1}


@dataclass(frozen=True, slots=True)
class OutreachCase:
    """One simulation.

    Attributes:
        number: Kind of its faults, as in the list of the faults' page.
        people: How many are on the list.
        accounts: How many act.
        length: How long it goes on.
        settings: Settings of the fake service from the beginning.
        happenings: What goes wrong.
        killed_before: Crash points at which the enrolment is killed first, one after the other.
    """

    number: str
    people: int
    accounts: int
    length: timedelta
    settings: Mapping[str, Any]
    happenings: Sequence[Happening]
    killed_before: Sequence[str] = ()

    @property
    def crash_points(self) -> set[str]:
        """The points at which something is killed."""
        later = {one.crash_at for one in self.happenings if one.crash_at is not None}
        return {*self.killed_before, *later}


def outreach_cases() -> dict[str, OutreachCase]:
    """Return the simulations by name."""
    weeks = timedelta(weeks=6)
    calm = OutreachCase("F29", 2_000, 5, weeks, {}, ())
    broken = OutreachCase("F3", 2_000, 5, weeks, _WEBHOOKS, tuple(_everything()), _ENROLLING)
    webhooks = {"webhook_repeat": 1.0, "webhook_shuffle": 0.5, "webhook_sibling": 0.3}
    twice = OutreachCase("F13", 200, 3, timedelta(weeks=3), webhooks, ())
    return {
        "outreach: six weeks, 2,000 leads, 5 accounts": calm,
        "outreach: six weeks, 2,000 leads, all that can go wrong": broken,
        "outreach: webhooks twice, out of order, at a sibling account": twice,
    }


def simulated_outreach(
    wanted: Callable[[str], bool], *, people: int | None = None, url: str | None = None
) -> Iterator[FaultResult]:
    """Let weeks go by, and judge them.

    Args:
        wanted: Tells by its name whether a case is to run.
        people: How many are on the list; None: as the case says.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    for name, case in outreach_cases().items():
        if wanted(name):
            yield _run(FaultResult(name, case.number), case, people or case.people, url)


def _run(result: FaultResult, case: OutreachCase, people: int, url: str | None) -> FaultResult:
    with outreach_world(people, case.accounts, url=url, settings=case.settings) as world:
        driver = Driver(world, case.happenings)
        list_people(world)
        for point in case.killed_before:
            driver.kill("enrol", point)
        begin(world)
        course = driver.go(case.length)
        run = outreach_run(world.database, world.clock, world.loaded, world.environ, 0)
        run.sweep()
        found = run.statistics()
        verdict = judge(world, len(found.stuck))
        result.unknown = _open_questions(world)
    _fill(result, verdict)
    _hold(result, verdict, course, driver.not_killed)
    return result


def _open_questions(world: OutreachWorld) -> int:
    """Return how many actions nobody has decided about; those left to a person are decided."""
    row = world.database.fetch_one(sql.load("faults")["open_actions"])
    return 0 if row is None else int(row["effects"])


def _fill(result: FaultResult, verdict: Verdict) -> None:
    result.duplicates = verdict.wrongs["double_invites"] + verdict.wrongs["double_messages"]
    result.lost = verdict.stuck
    result.figures = {
        "leads": verdict.leads,
        "success": round(verdict.success, 4),
        "recall": round(verdict.recall, 4),
        "precision": round(verdict.precision, 4),
        "completed": verdict.completed,
        "for_a_person": verdict.states_of("needs_review"),
    }


def _hold(result: FaultResult, verdict: Verdict, course: Course, not_killed: Sequence[str]) -> None:
    """Write down which promises were not kept."""
    broken = result.broken
    broken += [f"{verdict.wrongs[name]} {name}" for name in WRONGS if verdict.wrongs[name]]
    broken += verdict.over_caps
    if verdict.success < _SUCCESS:
        broken.append(f"success {verdict.success:.1%}: {'; '.join(verdict.wrong[:3])}")
    if verdict.recall < _RECALL:
        broken.append(f"{verdict.in_time} of {verdict.connected} connections known in time")
    if verdict.false:
        broken.append(f"{verdict.false} leads are said to be connected who are not")
    if verdict.finished != verdict.completed:
        broken.append(f"{verdict.finished - verdict.completed} finished, but not completed")
    late = max(course.recoveries, default=timedelta())
    result.recovery_s = late.total_seconds()
    if late > _RECOVERY:
        broken.append(f"at work again only {late} after a kill")
    broken += [f"nothing passed {point}" for point in not_killed]
    broken += course.errors


def _everything() -> Iterator[Happening]:
    """Return the faults of the second simulation, in the order of time."""
    yield Happening(timedelta(), faults=_ALWAYS)
    points = [*_TURNING, *_SENDING, *INBOX_POINTS]
    for place, point in enumerate([*points, *points]):
        yield Happening(timedelta(days=1, hours=18 * place), crash_at=point)
    for place, point in enumerate(_LOOKING):
        # Something has to be unclear, so that it is looked up.
        lost = {"kind": "lost_reply", "op": "invite", "times": 1}
        yield Happening(timedelta(days=8, hours=30 * place), faults=[lost], crash_at=point)
    down = {"op": "status", "account": "account1", "text": "CREDENTIALS"}
    yield Happening(10 * _DAY, settings={"deeds": [down]})
    yield Happening(12 * _DAY, settings={"deeds": [{**down, "text": "OK"}]})
    yield Happening(15 * _DAY, faults=[{"kind": "repeat_page", "op": "relations"}])
    yield Happening(16 * _DAY, faults=_ALWAYS, clear=True)
    yield Happening(17 * _DAY, faults=[{"kind": "hang", "op": "relations"}])
    yield Happening(17 * _DAY + timedelta(hours=8), faults=_ALWAYS, clear=True)
    yield Happening(20 * _DAY, faults=[{"kind": "throttle", "op": "invite", "nth": 5, "times": 2}])
    yield Happening(24 * _DAY, faults=[{"kind": "error_before", "rate": 0.5, "seed": 9}])
    yield Happening(24 * _DAY + timedelta(hours=3), faults=_ALWAYS, clear=True)

"""Letting weeks go by: what the sensors and schedules start, in the sandbox's time."""

from __future__ import annotations

import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.compliance.key import privacy_key
from syncflow_dagster.nodes.linkedin.accounts import due_accounts
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.polls import due_polls, poll
from syncflow_dagster.nodes.linkedin.process import process_inbox
from syncflow_dagster.nodes.linkedin.run import OutreachOptions, OutreachRun
from syncflow_dagster.resources.outreach import outreach_work
from syncflow_dagster.testing.crash import VARIABLE
from syncflow_dagster.testing.outreach.world import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.testing.outreach.world import OutreachWorld
    from syncflow_dagster.workflows.loader import LoadedWorkflow

#: What can be done, by word; what is not done with an account takes none.
PARTS: dict[str, Callable[[OutreachRun, str], object]] = {
    "turn": lambda run, account: run.turn(account, longest_s=0),
    "poll": poll,
    "inbox": lambda run, _: process_inbox(run),
    "enrol": lambda run, _: run.enrol(),
}
#: A round follows the one before by the time to the next thing that is due, within these.
_SHORTEST = timedelta(seconds=60)
_LONGEST = timedelta(minutes=30)
_SWEEP_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that goes wrong at a moment of the simulation.

    Attributes:
        after: Time from the beginning.
        faults: What is set on the sandbox's dial.
        settings: Settings of the fake service that change.
        clear: Whether all faults end first.
        crash_at: Crash point at which the part of the work that passes it next is killed.
    """

    after: timedelta
    faults: Sequence[Mapping[str, Any]] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    clear: bool = False
    crash_at: str | None = None


@dataclass(slots=True)
class Course:
    """What a simulation went through.

    Attributes:
        rounds: Rounds of turns.
        killed: Parts of the work that were killed, by crash point.
        errors: What ended otherwise, if anything.
        recoveries: Simulated time from each kill until the part that was killed was done.
    """

    rounds: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    recoveries: list[timedelta] = field(default_factory=list)


def outreach_run(
    database: Database, clock: Clock, loaded: LoadedWorkflow, environ: Mapping[str, str], seed: int
) -> OutreachRun:
    """Return a run of the simulated node."""
    (node,) = loaded.workflow.linkedin_steps
    key = privacy_key(environ, database, clock.now())
    options = OutreachOptions(key, chance=random.Random(seed))  # noqa: S311 - repeatable
    return OutreachRun(database, clock, loaded, node.name, options)


class Driver:
    """Lets time go by in a world, and does what is due.

    Args:
        world: The world; its people are enrolled and approved.
        happenings: What goes wrong.
    """

    def __init__(self, world: OutreachWorld, happenings: Iterable[Happening] = ()) -> None:
        self._world = world
        self._left = sorted(happenings, key=lambda one: one.after)
        self._began = world.clock.now()
        self._swept = self._began
        self._crashes: list[str] = []
        self.course = Course()

    @property
    def not_killed(self) -> list[str]:
        """Crash points that nothing has passed."""
        return [*self._crashes, *(one.crash_at for one in self._left if one.crash_at is not None)]

    def go(self, length: timedelta) -> Course:
        """Let so much time pass."""
        end = self._began + length
        while self._world.clock.now() < end:
            self._happen()
            self._round()
            self._world.clock.sleep(self._until_next(end).total_seconds())
        return self.course

    def _happen(self) -> None:
        control = self._world.control
        passed = self._world.clock.now() - self._began
        while self._left and self._left[0].after <= passed:
            one = self._left.pop(0)
            if one.clear:
                control.clear_faults()
            for fault in one.faults:
                control.faults({"service": SERVICE, **fault})
            if one.settings:
                control.settings(SERVICE, **one.settings)
            if one.crash_at is not None:
                self._crashes.append(one.crash_at)

    def _round(self) -> None:
        """Do what the sensor would start now."""
        self.course.rounds += 1
        world = self._world
        run = self._run()
        work = outreach_work(world.database, world.clock.now())
        acting = {account for _, _, account in work.acting}
        if work.events:
            self._do("inbox", run, "")
        for account in run.node.accounts:
            name = ledger_account(run.connection, account)
            if name in work.asking or name in acting:
                self._do("poll", run, account.name)
            if name in acting:
                self._do("turn", run, account.name)
        if world.clock.now() - self._swept >= _SWEEP_EVERY:
            self._swept = world.clock.now()
            run.sweep()

    def _run(self) -> OutreachRun:
        world, seed = self._world, self.course.rounds
        return outreach_run(world.database, world.clock, world.loaded, world.environ, seed)

    def _do(self, part: str, run: OutreachRun, account: str) -> None:
        """Do a part of the work; where one is to be killed in it, in a process of its own first."""
        point = next((one for one in self._crashes if _passes(part, one)), None)
        began = self._world.clock.now()
        killed = point is not None and self.kill(part, point, account)
        if killed and point is not None:
            self._crashes.remove(point)
        PARTS[part](run, account)
        if killed:
            self.course.recoveries.append(self._world.clock.now() - began)

    def kill(self, part: str, point: str, account: str = "") -> bool:
        """Do a part of the work in a process that is killed at a crash point.

        Returns:
            Whether it was; it may not have come by.
        """
        from syncflow_dagster.testing.outreach.child import run_child  # which does parts of ours

        code = run_child(part, account, {**self._world.environ, VARIABLE: point})
        if code == -signal.SIGKILL:
            self.course.killed[point] += 1
            return True
        if code != 0:
            self.course.errors.append(f"{point}: its process ended with {code}; see stderr")
        return False

    def _until_next(self, end: datetime) -> timedelta:
        now = self._world.clock.now()
        work = outreach_work(self._world.database, now)
        moments = [one.next_at for one in due_accounts(self._world.database, now) if not one.due]
        moments += [at for at in due_polls(self._world.database, now).values() if at > now]
        soon = now if work.events or work.acting else min(moments, default=end)
        wait = min(max(soon - now, _SHORTEST), _LONGEST)
        return max(min(wait, end - now), timedelta(seconds=1))


def _passes(part: str, point: str) -> bool:
    """Tell whether a part of the work can pass a crash point."""
    sort = point.partition(".")[0]
    return {"inbox": "inbox", "poll": "poll", "enrol": "enrol"}.get(sort, "turn") == part

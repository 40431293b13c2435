"""Letting weeks go by: what the sensors and schedules start, in the sandbox's time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.testing.outreach.world import OutreachWorld
    from syncflow_dagster.workflows.loader import LoadedWorkflow

#: A round follows the one before by the time to the next thing that is due, within these.
_SHORTEST = timedelta(seconds=60)
_LONGEST = timedelta(minutes=20)
_SWEEP_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that goes wrong at a moment of the simulation.

    Attributes:
        after: Time from the beginning.
        faults: What is set on the sandbox's dial.
        settings: Settings of the fake service that change.
        clear: Whether all faults end.
        crash_at: Crash point at which the next turns are killed, one account each.
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
        killed: Turns that were killed, by crash point.
        not_killed: Crash points that no turn came by.
        errors: What a round ended with instead, if anything.
        recoveries: Time from each kill to the next turn of the account that worked.
    """

    rounds: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    not_killed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    recoveries: list[timedelta] = field(default_factory=list)


def outreach_run(
    database: Database, clock: Clock, loaded: LoadedWorkflow, seed: int
) -> OutreachRun:
    """Return a run of the simulated node."""
    (node,) = loaded.workflow.linkedin_steps
    options = OutreachOptions(PrivacyKey(PRIVACY_KEY), chance=random.Random(seed))  # noqa: S311
    return OutreachRun(database, clock, loaded, node.name, options)


class Driver:
    """Lets time go by in a world, and does what is due.

    Args:
        world: The world; its people are enrolled and approved.
        happenings: What goes wrong, in the order of time.
    """

    def __init__(self, world: OutreachWorld, happenings: Iterable[Happening] = ()) -> None:
        self._world = world
        self._left = sorted(happenings, key=lambda one: one.after)
        self._began = world.clock.now()
        self._swept = self._began
        self._crash_at: str | None = None
        self.course = Course()

    def go(self, length: timedelta) -> Course:
        """Let so much time pass."""
        end = self._began + length
        while self._world.clock.now() < end:
            self._happen()
            self._round()
            self._world.clock.sleep((self._next_round(end)).total_seconds())
        return self.course

    def _happen(self) -> None:
        passed = self._world.clock.now() - self._began
        while self._left and self._left[0].after <= passed:
            one = self._left.pop(0)
            if one.clear:
                self._world.control.clear_faults()
            for fault in one.faults:
                self._world.control.faults({"service": "unipile", **fault})
            if one.settings:
                self._world.control.settings("unipile", **one.settings)
            if one.crash_at is not None:
                if self._crash_at is not None:
                    self.course.not_killed.append(self._crash_at)
                self._crash_at = one.crash_at

    def _round(self) -> None:
        """Do what the sensor would start now."""
        self.course.rounds += 1
        world = self._world
        run = self._run()
        work = outreach_work(world.database, world.clock.now())
        acting = {account for _, _, account in work.acting}
        if work.events:
            process_inbox(run)
        for account in run.node.accounts:
            name = ledger_account(run.connection, account)
            if name in work.asking or name in acting:
                poll(run, name)
            if name in acting:
                self._turn(run, account.name)
        if world.clock.now() - self._swept >= _SWEEP_EVERY:
            self._swept = world.clock.now()
            run.sweep()

    def _run(self) -> OutreachRun:
        world = self._world
        seed = self.course.rounds
        return outreach_run(world.database, world.clock, world.loaded, world.environ, seed)

    def _turn(self, run: OutreachRun, account: str) -> None:
        if self._crash_at is None:
            run.turn(account, longest_s=0)
            return
        killed_at = self._world.clock.now()
        done = subprocess.run(
            [sys.executable, "-m", "syncflow_dagster.testing.outreach.child", account],
            env={**os.environ, **self._world.environ, VARIABLE: self._crash_at},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == -signal.SIGKILL:
            self.course.killed[self._crash_at.partition(":")[0]] += 1
            self._crash_at = None
            run.turn(account, longest_s=0)
            self.course.recoveries.append(self._world.clock.now() - killed_at)
        elif done.returncode != 0:
            self.course.errors.append(done.stderr[-600:])
            self._crash_at = None

    def _next_round(self, end: datetime) -> timedelta:
        now = self._world.clock.now()
        work = outreach_work(self._world.database, now)
        moments = [one.next_at for one in due_accounts(self._world.database, now) if not one.due]
        moments += [at for at in due_polls(self._world.database, now).values() if at > now]
        soon = now if work.events or work.acting else min(moments, default=end)
        wait = min(max(soon - now, _SHORTEST), _LONGEST)
        return max(min(wait, end - now), timedelta(seconds=1))

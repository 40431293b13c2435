"""A turn that must leave between two actions; the next one goes on, and writes to nobody twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from turn_world import SandboxClock, World, account, monday, person, workflow

WHY = "the window of outreach is over"


def test_a_turn_leaves_between_two_actions_and_the_next_goes_on(database, unipile):
    clock = SandboxClock(unipile)
    clock.sleep((monday(clock.now()) - clock.now()).total_seconds())
    limits = {"gap_min_s": 60, "gap_max_s": 90}
    flow = workflow(unipile.url, unipile.token, accounts=[account("anna", limits=limits)])
    world = World(database, flow, clock)
    world.start(*(person(number) for number in range(4)))
    over = clock.now() + timedelta(seconds=100)
    leave = lambda: WHY if clock.now() >= over else None  # noqa: E731
    world.run.options = replace(world.run.options, leave=leave)
    report = world.turn(hours=4)
    assert report.left == WHY
    assert 0 < report.sent["invite"] < 4
    # A wait of minutes for the next action has ended, too.
    assert over <= clock.now() < over + timedelta(seconds=10)
    closed = world.turn(hours=4)
    assert (closed.left, closed.requests, closed.reads) == (WHY, 0, 0)
    world.run.options = replace(world.run.options, leave=None)
    rest = world.turn(hours=6)
    assert (rest.left, rest.sent["invite"]) == (None, 4 - report.sent["invite"])
    invited = [one["key"] for one in unipile.log("invite")]
    assert (len(invited), len(set(invited))) == (4, 4)

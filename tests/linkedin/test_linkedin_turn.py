"""A turn of an account over HTTP, judged by the sandbox's log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from turn_world import World, SandboxClock, monday, person, workflow


@pytest.fixture
def world(database, unipile):
    clock = SandboxClock(unipile)
    clock.sleep((monday(clock.now()) - clock.now()).total_seconds())
    return World(database, workflow(unipile.url, unipile.token), clock)


def test_a_person_is_taken_through_the_sequence(world, unipile):
    world.start(person(1))
    report = world.turn(hours=1)
    assert report.sent == {"invite": 1}
    assert world.states() == {"p1": "invite_sent"}
    unipile.deed("accept", person="person-1")
    report = world.turn(days=30)
    print(report, world.lead())

"""Killed at any point of a turn: nothing is sent twice, and all are brought to their end."""

from __future__ import annotations

import pytest
from turn_world import SEQUENCE, SandboxClock, World, account, monday, person, workflow

from syncflow_dagster.ledger import deliver, recording
from syncflow_dagster.nodes.linkedin import turn_act, turn_look

POINTS = (
    "turn.looked",
    "turn.asked",
    "turn.effect_written",
    "turn.planned",
    "deliver.claimed",
    "deliver.intent_committed",
    "deliver.sent",
    "deliver.outcomes_written",
    "deliver.outcomes_committed",
)


class Killed(BaseException):
    """Stands for SIGKILL: nothing but what a dead process gives up by itself is cleaned up."""


def test_a_kill_at_any_point_doubles_nothing(database, unipile, monkeypatch):
    clock = SandboxClock(unipile)
    clock.sleep((monday(clock.now()) - clock.now()).total_seconds())
    flow = workflow(
        unipile.url,
        unipile.token,
        accounts=[account("anna", limits={"gap_min_s": 60, "gap_max_s": 60})],
        sequence=[SEQUENCE[0]],
    )
    world = World(database, flow, clock)
    world.start(*(person(number) for number in range(len(POINTS))))
    armed = []

    def point(name):
        if name in armed:
            armed.clear()
            raise Killed(name)

    for module in (deliver, recording, turn_act, turn_look):
        monkeypatch.setattr(module, "crash_point", point)
    for name in POINTS:
        # What was looked at before is not looked at again.
        database.execute("update outreach_lead set queue = 'look' where next_due_at is not null")
        armed[:] = [name]
        with pytest.raises(Killed, match=name):
            World(database, flow, clock).turn(hours=1)
    world.turn(days=1)
    assert world.states() == {f"p{number}": "completed" for number in range(len(POINTS))}
    keys = [one["key"] for one in unipile.log("invite")]
    assert len(keys) == len(set(keys)) == len(POINTS)
    assert world.run.sweep().open == {}
    live = database.fetch_all("select * from effect where state not in ('DONE', 'CANCELLED')")
    assert live == []

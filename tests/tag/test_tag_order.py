"""Rows of one record are planned in their order, by whichever field they name it."""

from __future__ import annotations

from tag_cases import STATUS, PlanWorld, contact_id, policy, row, workflow

from syncflow_dagster.testing.clock import FakeClock

LEFT = {**STATUS, "name": "left", "record": "former_id", "tag": {**STATUS["tag"], "value": "Left"}}
FORMER = {"name": "former_id", "type": "text"}


def moved(number, new, former):
    return row(number, contact_id=contact_id(new), former_id=contact_id(former))


def test_no_row_overtakes_an_earlier_one_of_any_of_its_records(database):
    flow = workflow([STATUS, LEFT], fields=(FORMER,))
    world = PlanWorld(database, FakeClock(), flow, policy(auto_up_to=100))
    world.org.cells = {contact_id(number): {} for number in range(1, 10)}
    world.add(moved(1, 9, 1))
    world.plan()
    # The second waits for record 1, so the third has to wait for record 2.
    world.add(moved(2, 2, 1), moved(3, 3, 2), moved(4, 4, 5))
    assert world.plan().postponed == 2
    assert [state for state, _ in world.states()] == ["PUSHING", "PENDING", "PENDING", "PUSHING"]

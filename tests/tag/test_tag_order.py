"""Rows of one record are planned in their order, by whichever field they name it."""

from __future__ import annotations

import pytest
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


@pytest.mark.parametrize("plan_rows", [1, 100])
def test_nor_one_that_was_looked_at_before(database, plan_rows):
    flow = workflow([STATUS, LEFT], fields=(FORMER,), plan_rows=plan_rows)
    world = PlanWorld(database, FakeClock(), flow, policy())
    world.org.cells = {contact_id(number): {} for number in range(1, 10)}
    world.add(moved(1, 9, 1), moved(2, 2, 1))
    first = world.plan()
    assert first.postponed == 1
    # The second waits for approval of the first, and so does what comes after it.
    world.add(moved(3, 3, 2), moved(4, 4, 5))
    assert [one.changes for one in world.plan().plans] == [2]
    assert world.states()[2] == ("PENDING", None)


def test_nor_one_whose_plan_was_too_large(database):
    world = PlanWorld(
        database, FakeClock(), workflow([STATUS], plan_rows=2), policy(auto_up_to=1, max_changes=1)
    )
    world.org.cells = {contact_id(number): {} for number in range(1, 10)}
    world.add(row(1), row(2), row(1, company="Beta"))
    assert [str(one.status) for one in world.plan().plans] == ["REFUSED"]
    assert [state for state, _ in world.states()] == ["PENDING"] * 3


def test_a_field_of_another_type_names_no_record(database):
    never = {"attribute": "company", "operator": "equals", "value": "Nobody"}
    flow = workflow([STATUS, {**LEFT, "record": "score", "when": never}])
    world = PlanWorld(database, FakeClock(), flow, policy(auto_up_to=9))
    world.org.cells = {contact_id(1): {}}
    world.add(row(1))
    assert [one.changes for one in world.plan().plans] == [1]

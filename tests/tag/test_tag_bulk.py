"""Large plans go by Bulk API 2.0: who is refused is not in the file, and each line is told of."""

from __future__ import annotations

import pytest
from tag_cases import JUNCTION, STATUS
from test_tag_send import KilledError, kill_at, live, times_written

from syncflow_dagster.nodes.tag import screening


def test_a_job_writes_who_may_be_written_to_and_tells_of_each(make_world):
    world = make_world([STATUS, JUNCTION], bulk_from=3)
    refused, changed, *others = world.people[:6]
    world.add_people(*range(6))
    run = world.run()
    run.plan()
    world.edit("Contact", refused, DoNotCall=True)
    world.edit("Contact", changed, Champion_Status__c="Left")
    # One line of the file fails; by a request of its own it is told why, or written.
    world.control.faults(service="salesforce", kind="partial", op="ingest_job", times=1)
    report = run.deliver()
    assert report.jobs == 2
    written = times_written(world)
    assert {key for key in written if key[0] == "Contact"} == {("Contact", one) for one in others}
    tagged = {person for name, person in written if name == "Tag_Assignment__c"}
    assert tagged == {changed, *others}
    assert set(written.values()) == {1}
    assert set(world.dead()) == {refused, changed}
    assert {one["state"] for one in world.effects()} == {"DONE", "DEAD"}
    assert world.database.fetch_all("select * from bulk_job") == []


def test_a_yes_that_has_got_old_while_others_were_asked_about_is_asked_for_again(
    make_world, monkeypatch
):
    world = make_world([STATUS], bulk_from=1)
    monkeypatch.setattr(screening, "BATCH", 2)
    gate, asked = world.gate, []

    class SlowGate:
        """Takes six seconds for two people; the first one opts out once she was asked about."""

        def __init__(self, *given):
            self.inner = gate(*given)

        def decide(self, requests):
            verdicts = self.inner.decide(requests)
            asked.append(len(requests))
            world.clock.sleep(6 if len(asked) < 4 else 1)
            world.edit("Contact", world.people[0], DoNotCall=True)
            return verdicts

    world.gate = SlowGate
    world.add_people(*range(6))
    _, report = world.go()
    assert report.jobs == 1
    assert asked == [2, 2, 2, 2, 2]
    assert set(times_written(world)) == {("Contact", one) for one in world.people[1:6]}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost_reply", "op": "bulk_ingest", "nth": 3, "times": 1},
        {"kind": "error_before", "op": "bulk_ingest", "nth": 2, "times": 1},
        {"kind": "error_before", "op": "bulk_ingest", "nth": 1, "times": 1},
        {"kind": "error_before", "op": "ingest_job", "times": 1},
    ],
    ids=["closing is not answered", "the file is refused", "no job is made", "the job fails"],
)
def test_a_job_that_goes_wrong_loses_nobody_and_writes_nobody_twice(make_world, fault):
    world = make_world([STATUS], bulk_from=3)
    world.add_people(*range(4))
    run = world.run()
    run.plan()
    world.control.faults(service="salesforce", **fault)
    run.deliver()
    assert times_written(world) == {("Contact", one): 1 for one in world.people[:4]}
    assert {one["state"] for one in world.effects()} == {"DONE"}


@pytest.mark.parametrize("point", ["deliver.job_opened", "deliver.job_stored"])
def test_a_kill_around_a_job_is_repaired_by_the_next_run(make_world, monkeypatch, point):
    world = make_world([STATUS], bulk_from=3)
    world.add_people(*range(4))
    kill_at(monkeypatch, point)
    with pytest.raises(KilledError):
        world.go()
    live(monkeypatch)
    world.go(run_id="run-2")
    assert times_written(world) == {("Contact", one): 1 for one in world.people[:4]}
    assert {state for state, _ in world.states()} == {"SYNCED"}

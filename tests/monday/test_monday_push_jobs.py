"""New items by bulk jobs, over HTTP; the sandbox's log and counts judge."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import requests
from monday_world import MondayWorld, SameTime, order

from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.jobs import JobStore
from syncflow_dagster.nodes.monday.bulk import jobs, report
from syncflow_dagster.nodes.monday.plan import ITEMS
from syncflow_dagster.sandbox.control import ControlClient

BOOK = [order(f"SO-{n:02}", title=f'Shirt, "{n}"\nبلوز') for n in range(30)]
CODE = "INTERNAL_SERVER_ERROR"
FEW = [order(f"FX-{n}", "FEW") for n in range(3)]


@pytest.fixture
def make_world(database, timed_server):
    control = ControlClient(timed_server.urls["control"])
    control.settings(latency_s=0.0, limits={}, ingest={}, ingest_rows_per_s=100)
    control.reset()
    clock = SameTime(timed_server.clock)

    def made(**push):
        settings = {"bulk_from": 10, "batch_size": 10, **push}
        monday = {"settle_s": 2, "upload_valid_s": 20}
        return MondayWorld(database, timed_server.urls, clock, monday=monday, **settings)

    yield made
    control.clear_faults()
    control.close()


@pytest.fixture
def world(make_world):
    return make_world()


def by_job(world, after=0):
    """Whether each item was made by a job, by its record's key."""
    made = [one for one in world.control.log(after=after) if one["op"] == "create_item"]
    assert len({one["key"] for one in made}) == len(made)
    return Counter("job_id" in one["payload"] for one in made)


def settled(world, items):
    """The last value is on the board, once; a second push writes nothing."""
    assert set(world.states().values()) == {"SYNCED"}
    assert len(world.board()) == items == sum(world.keys().values())
    writes = world.mark()
    world.push()
    assert world.writes(after=writes) == []


def test_many_new_items_of_a_group_go_in_a_job_and_the_others_by_mutations(world):
    result = world.sync([*BOOK, *FEW])
    assert by_job(world) == {True: 30, False: 3}
    settled(world, 33)
    assert result.deliveries[0].jobs == 1
    shown = world.board()['SO-07 Shirt, "7" بلوز']
    assert shown["group"] == "ACME"
    assert shown["values"]["amount"] == "12.5"
    assert shown["values"]["state"] == "Open"
    told = {(one.lane, one.kind, one.effects) for one in result.plan.lanes}
    assert ("bulk job", "create_item", 30) in told
    assert ("mutations", "create_item", 3) in told
    # Statuses of items that a file makes are in it; the others are written as ever.
    assert ("bulk job", "set_status", 30) in told
    assert ("mutations", "set_status", 3) in told
    assert sum(one.outcomes["done"] for one in result.deliveries) == 2 + 3 + 3
    assert all(one.why for one in result.plan.lanes)
    # One to open it and some looks, instead of three requests of ten items.
    assert world.control.stats()["monday"]["ingest"]["uploads"] == 1


def test_a_change_in_mid_job_comes_after_it_and_the_last_value_wins(world):
    world.build(BOOK)
    push = world.open()
    push.prepare()
    push.plan()
    push.close()
    world.sync([order(f"SO-{n:02}", title=f"Coat {n}") for n in range(30)])
    settled(world, 30)
    assert {name.split()[1] for name in world.board()} == {"Coat"}


def test_a_dry_run_says_which_way_it_would_be_and_decides_nothing(world):
    world.build(BOOK)
    result = world.push(dry_run=True)
    assert [one.lane for one in result.plan.lanes if one.kind == "create_item"] == ["bulk job"]
    assert world.writes() == []
    world.push()
    settled(world, 30)


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"bulk_from": None}, "null"), ({"bulk_from": 31}, "fewer than 31")],
)
def test_without_enough_of_them_or_the_wish_all_are_mutations(make_world, settings, why):
    world = make_world(**settings)
    result = world.sync(BOOK)
    assert by_job(world) == {False: 30}
    lanes = {one.kind: one for one in result.plan.lanes}
    assert why in lanes["create_item"].why


def test_what_a_file_cannot_say_goes_by_a_mutation(world):
    odd = [order("SO-90", title=" \u00a0blank"), order("SO-91", title="<NULL>")]
    result = world.sync([*BOOK, *odd])
    assert by_job(world) == {True: 31, False: 1}
    settled(world, 32)
    assert any("<NULL>" in one.why for one in result.plan.lanes)


def test_a_status_that_a_file_cannot_say_follows_its_item(world):
    odd = order("SO-92", status="no such label")
    world.sync([*BOOK, odd])
    assert by_job(world) == {True: 31}
    assert world.states().pop("SO-92") == "DEAD"
    assert "no such label" in world.reason("SO-92")
    assert "state" not in world.board()["SO-92 Shirt"]["values"]


def test_rows_that_monday_refuses_go_by_a_mutation_and_say_why_there(world):
    """The report counts, `fully_imported` does not."""
    bad = [order("SO-98", email="no address"), order("SO-99", email="none")]
    world.sync([*BOOK, *bad])
    assert by_job(world) == {True: 30}
    states = world.states()
    assert {key: states.pop(key) for key in ("SO-98", "SO-99")} == dict.fromkeys(
        ("SO-98", "SO-99"), "DEAD"
    )
    assert set(states.values()) == {"SYNCED"}
    assert "email" in world.reason("SO-98")


@pytest.mark.parametrize(
    ("fault", "items_by_job"),
    [
        # Nothing is at monday: another job, or mutations, make them.
        ({"op": "ingest_items", "kind": "lost_reply", "times": 1}, {True: 30}),
        ({"op": "ingest_items", "kind": "throttle", "limit": "ingest_jobs"}, {False: 30}),
        ({"op": "ingest_items", "kind": "partial", "code": CODE}, {False: 30}),
        ({"op": "upload", "kind": "error_before", "status": 403, "times": 1}, {True: 30}),
        ({"op": "upload", "kind": "error_before", "status": 500}, {False: 30}),
        # It is: the job tells.
        ({"op": "upload", "kind": "lost_reply", "times": 1}, {True: 30}),
        # A part of it is: each record is looked up.
        ({"op": "ingest_job", "kind": "partial", "times": 1}, {True: 15, False: 15}),
        ({"op": "ingest_job", "kind": "error_after", "times": 1}, {True: 30}),
        # All is, and nobody says so.
        ({"op": "report", "kind": "html_error"}, {True: 30}),
        ({"op": "fetch_job_status", "kind": "lost_reply", "times": 2}, {True: 30}),
    ],
    ids=lambda value: f"{value['op']} {value['kind']}" if "op" in value else "",
)
def test_nothing_is_doubled_or_lost_whatever_becomes_of_a_job(world, fault, items_by_job):
    world.control.faults({"service": "monday", **fault})
    world.sync(BOOK)
    world.control.clear_faults()
    assert by_job(world) == items_by_job
    settled(world, 30)


def test_however_long_a_job_is_at_work_its_report_may_fail_some_times(world):
    slow = {"op": "ingest_job", "kind": "slow", "delay_s": 100, "times": 1}
    world.control.faults({"service": "monday", **slow})
    refused = {"op": "report", "kind": "error_before", "status": 403, "times": 3}
    world.control.faults({"service": "monday", **refused})
    world.sync(BOOK, delivery=LONG)
    asked = world.control.stats()["monday"]["ops"]
    assert asked["fetch_job_status"] > 10
    assert "items_page_by_column_values" not in asked


LONG = DeliveryOptions(patience_s=600, longest_s=3_600, chance=random.Random(1))
COATS = [order(f"SO-{n:02}", title=f"Coat {n}") for n in range(25)]


def titles(world):
    return Counter(name.split()[1].strip(",") for name in world.board())


def test_a_job_at_work_keeps_changes_of_its_items_waiting_and_the_last_value_wins(world):
    slow = {"service": "monday", "op": "ingest_job", "kind": "slow", "delay_s": 400}
    world.control.faults(slow)
    # For once monday does not know its own job.
    unknown = {"op": "fetch_job_status", "kind": "partial", "spelling": "not_found", "times": 1}
    world.control.faults({"service": "monday", **unknown})
    world.sync(BOOK)
    assert by_job(world) == {}
    # 25 are changed and five gone before the job begins.
    world.sync(COATS)
    assert by_job(world) == {}
    world.control.clear_faults()
    world.clock.sleep(400)
    world.push(delivery=LONG)
    settled(world, 25)
    assert titles(world) == {"Coat": 25}


def test_a_job_without_a_file_is_made_anew_only_when_none_can_come_any_more(world):
    world.control.faults({"service": "monday", "op": "upload", "kind": "error_before", "times": 1})
    world.build(BOOK)
    push = world.open()
    push.prepare()
    push.plan()
    before = world.clock.now()
    push.deliver(ITEMS)
    push.close()
    assert (world.clock.now() - before).total_seconds() > 20 + 2
    assert by_job(world) == {True: 30}
    assert world.control.stats()["monday"]["ingest"]["jobs"] == {
        "COMPLETED": 1,
        "UPLOAD_PENDING": 1,
    }


def test_a_job_without_an_end_is_left_to_a_person_after_a_day(world):
    slow = {"service": "monday", "op": "ingest_job", "kind": "slow", "delay_s": 1_000_000}
    world.control.faults(slow)
    world.build(BOOK)
    for _ in range(5):
        world.push()
        world.clock.sleep(21_600)
    world.push()
    states = world.database.fetch_all("select distinct state, reason from effect where creates")
    assert {row["state"] for row in states} == {"DONE", "NEEDS_PERSON"}
    asked = world.control.stats()["monday"]["ops"]["fetch_job_status"]
    assert asked < 100


def test_what_was_sent_before_and_may_come_late_goes_by_no_job(world):
    world.build(BOOK)
    push = world.open()
    push.prepare()
    push.plan()
    world.database.execute(
        "update effect set bulk = null, doubted = true where kind = 'create_item'"
    )
    push.close()
    world.sync([*BOOK, order("SO-99")])
    assert by_job(world) == {False: 31}


def test_without_bulk_from_what_was_meant_for_a_job_goes_by_mutations(make_world):
    world = make_world()
    world.build(BOOK)
    push = world.open()
    push.prepare()
    push.plan()
    push.close()
    other = make_world(bulk_from=None)
    other.push()
    assert by_job(other) == {False: 30}
    settled(other, 30)


def test_a_report_of_other_lines_is_not_believed(world, monkeypatch):
    def shifted(_, url):
        rows = report.read(requests.get(url, timeout=9).content)
        return {line + 1: row for line, row in rows.items()}

    monkeypatch.setattr(jobs.BulkJobs, "report", shifted)
    world.sync(BOOK, delivery=LONG)
    assert by_job(world) == {True: 30}
    settled(world, 30)
    for name, shown in world.board().items():
        assert shown["values"]["title"].replace("\n", " ") in name


def test_a_file_goes_up_only_if_its_job_is_written_down(world, monkeypatch):
    opened = JobStore.open

    def lost(self, effects, worker, *rest, **given):
        world.database.execute("update effect set lease_owner = -1 where state = 'SENT'")
        monkeypatch.setattr(JobStore, "open", opened)
        return opened(self, effects, worker, *rest, **given)

    monkeypatch.setattr(JobStore, "open", lost)
    world.sync(BOOK, delivery=LONG)
    assert by_job(world) == {True: 30}
    assert world.control.stats()["monday"]["ingest"]["uploads"] == 1
    settled(world, 30)


def test_what_an_hour_does_not_hold_goes_by_mutations(world):
    world.control.settings(ingest={"items_per_hour": 12})
    world.sync(BOOK)
    # monday has not told its limit before: it refuses the job, and none of its rows is lost.
    assert by_job(world) == {False: 30}
    settled(world, 30)


def test_the_hours_items_are_counted_across_jobs(world):
    world.sync(FEW)
    world.database.execute("update budget set allowed = 20 where name = 'ingestItemsHour'")
    mark = world.mark()
    result = world.sync([*BOOK, *FEW])
    assert by_job(world, mark) == {True: 20, False: 10}
    assert any("in an hour" in one.why for one in result.plan.lanes)
    settled(world, 33)

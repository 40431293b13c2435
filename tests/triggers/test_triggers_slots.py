"""Slots: each due time is noted once, asked for until a run takes it, and taken once."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from syncflow_dagster.nodes.triggers.slots import (
    PATIENCE,
    give_back,
    next_to_start,
    note_due,
    note_occasions,
    request,
    take,
)
from syncflow_dagster.workflows.models import Workflow
from syncflow_dagster.workflows.timing import rule_of

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)

PULL = {
    "type": "pull",
    "name": "orders",
    "description": "d",
    "connection": "shop",
    "query": "o.sql.j2",
}


class Hourly:
    """Due at each full hour."""

    def after(self, at):
        first = at.replace(minute=0, second=0, microsecond=0) + HOUR
        return (first + n * HOUR for n in count())


def workflow(cron="0 * * * *", **options):
    trigger = {"type": "cron", "name": "hourly", "cron": cron, **options}
    return Workflow.model_validate(
        {
            "workflow": "shop",
            "description": "d",
            "owner": "o",
            "connections": {"shop": {"type": "sql", "url": "sqlite://"}},
            "nodes": [PULL],
            "triggers": [trigger],
        }
    )


def at_once(due):
    return due


@pytest.fixture
def note(database):
    def note(now, flow=None, **options):
        flow = flow or workflow()
        slots = note_due(database, flow, flow.triggers[0], Hourly(), now, **options)
        return [slot.due_at for slot in slots]

    return note


@pytest.fixture
def serve(database):
    """Serve what comes next, as a tick and a run do; return when it was due."""

    def serve(now, flow):
        for slot in next_to_start(database, flow, now, at_once):
            assert request(database, slot.slot_id, now)
            assert take(database, slot.slot_id, f"run of {slot.slot_id}", None, now) is None
            return slot.due_at
        return None

    return serve


def _states(database):
    rows = database.fetch_all("select state, reason from syncflow.trigger_slot order by due_at")
    return [(row["state"], row["reason"]) for row in rows]


def test_each_due_time_is_noted_once_wherever_the_clock_goes(note, database):
    assert note(NOON + SECOND, begin=NOON) == [NOON]
    assert note(NOON + SECOND, begin=NOON) == []
    # Two hours back, and on again.
    assert note(NOON - 2 * HOUR, begin=NOON - 2 * HOUR) == []
    assert note(NOON + 30 * SECOND) == []
    assert note(NOON + HOUR) == [NOON + HOUR]
    # A day ahead by mistake: what is due meanwhile is noted then, and never again.
    ahead = note(NOON + 24 * HOUR)
    assert ahead == [NOON + n * HOUR for n in range(2, 25)]
    assert note(NOON + 2 * HOUR) == []
    assert note(NOON + 25 * HOUR) == [NOON + 25 * HOUR]
    pairs = database.fetch_all(
        "select due_at, previous_at from syncflow.trigger_slot order by due_at offset 1"
    )
    assert {row["due_at"] - row["previous_at"] for row in pairs} == {HOUR}


def test_a_new_or_changed_trigger_begins_at_its_tick_and_one_switched_on_then(note):
    assert note(NOON + 90 * SECOND) == []
    assert note(NOON + 3 * HOUR, heeded_since=NOON + 2 * HOUR) == [NOON + 2 * HOUR, NOON + 3 * HOUR]
    # Neither what was due before it changed, nor what is noted already.
    changed = workflow("0,30 * * * *")
    assert note(NOON + 6 * HOUR, changed, begin=NOON + 6 * HOUR) == [NOON + 6 * HOUR]
    assert note(NOON + 6 * HOUR, begin=NOON + 5 * HOUR) == [NOON + 5 * HOUR]
    # How missed ones are made up for is no part of the rule.
    assert note(NOON + 7 * HOUR, workflow(missed="all")) == [NOON + 7 * HOUR]


@pytest.mark.parametrize(
    ("options", "served"),
    [
        ({"missed": "skip"}, []),
        ({"missed": "latest"}, [3]),
        ({"missed": "all"}, [1, 2, 3]),
        ({"missed": "all", "missed_most": 2}, [2, 3]),
        ({"missed": "skip", "late_after_s": 2 * 3600}, [2, 3]),
    ],
)
def test_three_missed_due_times_are_served_as_the_trigger_says(
    note, serve, database, options, served
):
    flow = workflow(**options)
    note(NOON + SECOND, flow)
    note(NOON + 3 * HOUR + 1000 * SECOND, flow)
    now = NOON + 3 * HOUR + 1000 * SECOND
    found = []
    while (due := serve(now, flow)) is not None:
        found.append(due)
        now += 10 * SECOND
    assert found == [NOON + n * HOUR for n in served]
    skipped = [reason for state, reason in _states(database) if state == "SKIPPED"]
    assert len(skipped) == 3 - len(served)
    assert all(skipped)


@pytest.mark.parametrize(
    ("options", "served"),
    [({}, [0, 1, 2]), ({"missed": "latest"}, [2]), ({"missed": "skip"}, [])],
)
def test_a_workflow_slower_than_the_one_it_comes_after_makes_up_as_it_says(
    serve, database, options, served
):
    trigger = {"type": "after", "workflow": "till", **options}
    flow = Workflow.model_validate({**workflow().model_dump(), "triggers": [trigger]})
    ends = [(f"run {n}", NOON + n * HOUR, None) for n in range(3)]
    with database.transaction() as conn:
        note_occasions(conn, flow, "after", ends, NOON + 3 * HOUR)
    found = []
    while (due := serve(NOON + 3 * HOUR, flow)) is not None:
        found.append(due)
    assert found == [NOON + n * HOUR for n in served]


def test_waiting_for_a_window_is_not_late(note, database):
    flow = workflow(missed="skip")
    note(NOON + HOUR, flow, begin=NOON + HOUR)
    now = NOON + 9 * HOUR
    (slot,) = next_to_start(database, flow, now, lambda due: due + 8 * HOUR)
    assert slot.due_at == NOON + HOUR


def test_a_request_whose_run_never_came_is_made_again_and_only_one_run_takes_it(note, database):
    flow = workflow()
    note(NOON, flow, begin=NOON)
    (slot,) = next_to_start(database, flow, NOON, at_once)
    assert request(database, slot.slot_id, NOON)
    # Another daemon comes a moment later.
    assert not request(database, slot.slot_id, NOON + SECOND)
    assert next_to_start(database, flow, NOON + SECOND, at_once) == []
    # The run never came; the clock may have gone back meanwhile.
    for later in (NOON + 2 * PATIENCE, NOON - 2 * PATIENCE):
        (again,) = next_to_start(database, flow, later, at_once)
        assert again.slot_id == slot.slot_id
        assert request(database, again.slot_id, later)
    assert take(database, slot.slot_id, "first", None, NOON) is None
    assert not request(database, slot.slot_id, NOON + HOUR)
    # The first came after all; a second one does nothing, but repetitions of the first do.
    assert take(database, slot.slot_id, "second", None, NOON) == "run first has it"
    assert take(database, slot.slot_id, "repeated", "first", NOON) is None
    assert take(database, slot.slot_id, "first", None, NOON) is None
    assert take(database, slot.slot_id + 1, "of long ago", None, NOON) is None


def test_what_is_on_its_way_is_not_covered_by_a_later_due_time(note, database):
    flow = workflow()
    note(NOON, flow, begin=NOON)
    (slot,) = next_to_start(database, flow, NOON, at_once)
    request(database, slot.slot_id, NOON + HOUR - SECOND)
    note(NOON + HOUR, flow)
    assert next_to_start(database, flow, NOON + HOUR, at_once) == []
    assert take(database, slot.slot_id, "first", None, NOON + HOUR) is None
    (later,) = next_to_start(database, flow, NOON + HOUR, at_once)
    assert (later.due_at, later.previous_at) == (NOON + HOUR, NOON)


def test_what_the_file_does_not_name_any_more_is_skipped(note, database):
    note(NOON, begin=NOON)
    assert next_to_start(database, workflow(name="daily"), NOON, at_once) == []
    ((state, reason),) = _states(database)
    assert (state, "names no such trigger" in reason) == ("SKIPPED", True)
    slot = database.fetch_one("select slot_id from syncflow.trigger_slot")["slot_id"]
    assert "no such trigger" in take(database, slot, "late", None, NOON)


@pytest.mark.parametrize(
    ("cron", "night", "due"),
    [
        # The clocks go back: 2:30 is shown twice and due once, each hour is due.
        ("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), ["25T00:30", "26T01:30"]),
        (
            "0 1-3 * * *",
            datetime(2026, 10, 24, 22, tzinfo=UTC),
            ["24T23:00", "25T00:00", "25T02:00"],
        ),
        # They go forward: 2:30 is left out, and due when it would have been over.
        ("30 2 * * *", datetime(2027, 3, 27, 12, tzinfo=UTC), ["28T01:00", "29T00:30"]),
    ],
)
def test_nights_in_which_the_clocks_change_whichever_ticks_come(database, cron, night, due):
    flow = workflow(cron, timezone="Europe/Berlin")
    rule = rule_of(flow, flow.triggers[0])
    found = []
    # Of each four ticks three are missed, and one comes twice.
    for ticks in (0, 4, 4, 8, 12, 16, 20, 24, 24, 28, 32, 36, 40):
        now = night + ticks * HOUR if len(due) == 2 else night + ticks * HOUR / 4
        found += note_due(database, flow, flow.triggers[0], rule, now, begin=now)
    assert [f"{slot.due_at.astimezone(UTC):%dT%H:%M}" for slot in found] == due


@pytest.mark.parametrize("missed", ["skip", "latest", "all"])
def test_what_a_run_had_to_leave_comes_first_and_is_never_late(note, serve, database, missed):
    flow = workflow(missed=missed)
    note(NOON, flow, begin=NOON)
    assert serve(NOON, flow) == NOON
    row = database.fetch_one("select slot_id from syncflow.trigger_slot")
    give_back(database, row["slot_id"], f"run of {row['slot_id']}", None, NOON + HOUR)
    now = NOON + 3 * HOUR + SECOND
    note(now, flow)
    # What it has read belongs to its own due time, so later ones do not stand for it.
    assert [serve(now, flow) for _ in range(2)] == [
        NOON,
        NOON + (1 if missed == "all" else 3) * HOUR,
    ]

"""A workflow's windows, what persons open beside them, and the work that goes by both."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from nightly_workflow import write_nightly

from syncflow_dagster.cli import main
from syncflow_dagster.core.timing.missed import Missed, settle
from syncflow_dagster.nodes.triggers.leaving import Leaving
from syncflow_dagster.nodes.triggers.slots import give_back, opens_from, take
from syncflow_dagster.nodes.triggers.windows import (
    LONGEST,
    open_for_a_while,
    open_for_run,
    opens_at,
    overrides,
    standing,
)
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.models import Workflow

HOUR = timedelta(hours=1)
# A Thursday in winter: 13:00 in Berlin.
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SEVEN_PM = datetime(2026, 11, 26, 18, tzinfo=UTC)
SEVEN_AM = datetime(2026, 11, 27, 6, tzinfo=UTC)


def workflow(**options):
    windows = {"open": ["19:00-07:00 on weekdays"], "timezone": "Europe/Berlin"}
    pull = {"type": "pull", "name": "r", "description": "d", "connection": "db", "query": "r.j2"}
    return Workflow.model_validate(
        {
            "workflow": "nightly",
            "description": "d",
            "owner": "o",
            "connections": {"db": {"type": "sql", "url": "sqlite://"}},
            "nodes": [pull],
            "windows": windows,
            **options,
        }
    )


def test_a_window_opens_at_its_time_or_when_a_person_opens_it_and_then_it_is_known_why(database):
    nightly = workflow()
    assert opens_at(database, nightly, NOON) == SEVEN_PM
    assert opens_at(database, nightly, SEVEN_PM) is None
    assert opens_at(database, workflow(windows=None), NOON) is None
    assert standing(database, nightly, NOON).when() == "Thu 2026-11-26 19:00 Europe/Berlin"
    fair = {"actor": "ada", "reason": "the fair is tomorrow"}
    open_for_a_while(database, nightly, 2 * HOUR, now=NOON, **fair)
    during = standing(database, nightly, NOON + HOUR)
    assert (during.open, during.until) == (True, NOON + 2 * HOUR)
    assert (during.override.actor, during.override.reason) == ("ada", "the fair is tomorrow")
    assert opens_at(database, nightly, NOON + 2 * HOUR) == SEVEN_PM
    # What meets the window is one with it, and what overlaps its end makes it longer.
    open_for_a_while(database, nightly, 5 * HOUR, now=NOON + HOUR, **fair)
    assert standing(database, nightly, NOON + HOUR).until == SEVEN_AM
    open_for_a_while(database, nightly, HOUR, now=SEVEN_AM - HOUR / 2, **fair)
    assert standing(database, nightly, SEVEN_AM - HOUR / 2).until == SEVEN_AM + HOUR / 2
    assert [one.reason for one in overrides(database, "nightly")] == [fair["reason"]] * 3
    for wrong in ({"actor": " "}, {"reason": ""}):
        with pytest.raises(ValueError, match="say who opens the window, and why"):
            open_for_a_while(database, nightly, HOUR, now=NOON, **(fair | wrong))
    with pytest.raises(ValueError, match="7 days at most"):
        open_for_a_while(database, nightly, LONGEST + HOUR, now=NOON, **fair)
    with pytest.raises(ValueError, match="has no windows"):
        open_for_a_while(database, workflow(windows=None), HOUR, now=NOON, **fair)
    _one_run_is_let_in(database, nightly)


def _one_run_is_let_in(database, nightly):
    saturday = NOON + timedelta(days=2)
    for _ in range(2):
        # Each of its steps asks.
        open_for_run(database, nightly, "run1", actor="ben", reason="late", now=saturday)
    assert standing(database, nightly, saturday, "run1").open
    assert not standing(database, nightly, saturday, "run2").open
    assert opens_at(database, nightly, saturday) == SEVEN_PM + timedelta(days=4)
    assert [one.actor for one in overrides(database, "nightly", 2)] == ["ben", "ada"]


def test_work_leaves_when_its_window_is_over_unless_it_was_made_longer(database):
    nightly, clock = workflow(), FakeClock(NOON)
    closed = Leaving(database, clock, nightly, NOON)()
    assert closed.startswith("nightly is closed until Thu 2026-11-26 19:00 Europe/Berlin; open it")
    clock.sleep((SEVEN_PM - NOON).total_seconds())
    leave = Leaving(database, clock, nightly, clock.now())
    clock.sleep(12 * 3600 - 1)
    assert leave() is None
    given = {"actor": "ada", "reason": "nearly done", "now": clock.now()}
    open_for_a_while(database, nightly, HOUR, **given)
    clock.sleep(HOUR.total_seconds() - 1)
    assert leave() is None
    clock.sleep(1)
    over = "the window of nightly is over; it goes on Fri 2026-11-27 19:00 Europe/Berlin"
    assert leave() == over
    assert Leaving(database, clock, workflow(windows=None), NOON)() is None


def test_what_a_run_had_to_leave_is_due_again_and_waiting_for_the_night_is_not_late(database):
    row = database.fetch_one(
        "insert into trigger_slot (workflow, trigger, occasion, part, due_at, state, state_since, "
        "run_id) values ('nightly', 't', 'o', '', %(at)s, 'TAKEN', %(at)s, 'run1') "
        "returning slot_id",
        {"at": NOON},
    )
    give_back(database, row["slot_id"], "run2", None, SEVEN_AM)
    assert database.fetch_one("select state from trigger_slot") == {"state": "TAKEN"}
    for _ in range(2):
        give_back(database, row["slot_id"], "repeated", "run1", SEVEN_AM)
    # Another step of that run begins afterwards: it has nothing to take any more.
    assert take(database, row["slot_id"], "run1", None, SEVEN_AM) is None
    found = database.fetch_one("select state, run_id from trigger_slot")
    assert found == {"state": "DUE", "run_id": None}
    opens = opens_from(workflow())
    missed = Missed("skip", 1, timedelta(minutes=5))
    assert settle([NOON], SEVEN_PM + timedelta(minutes=4), missed, opens).run == (NOON,)


def test_a_person_opens_a_window_from_the_command_line(database, tmp_path):
    write_nightly(tmp_path)
    env = {"SYNCFLOW_WORKFLOWS": str(tmp_path), "SYNCFLOW_DATABASE_URL": database.url}

    def run(*arguments):
        return CliRunner().invoke(main, ["window", *arguments], env=env)

    given = ("--reason", "the fair", "--actor", "ada", "--json")
    opened = run("open", "nightly", "--for", "1h 30m", *given)
    assert opened.exit_code == 0, opened.output
    told = json.loads(opened.stdout.splitlines()[-1])
    length = datetime.fromisoformat(told["open_until"]) - datetime.fromisoformat(told["open_from"])
    assert length == timedelta(hours=1, minutes=30)
    shown = run("list", "nightly")
    assert shown.output.splitlines()[0] == "windows, Europe/Berlin"
    assert ", by ada: the fair" in shown.output
    assert run("open", "nightly", "--for", "soon", *given).exit_code == 2
    too_long = run("open", "nightly", "--for", "8d", *given)
    assert (too_long.exit_code, "7 days at most" in too_long.output) == (1, True)

"""`syncflow slot`: what is due and not served, and what a person skips of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from nightly_workflow import write_nightly

from syncflow_dagster.cli import main
from syncflow_dagster.nodes.triggers.slots import note_occasions, take
from syncflow_dagster.workflows.loader import load_folder

NIGHT = datetime(2026, 11, 26, 2, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def slots(database, tmp_path):
    """Three nights that are due, and the command line."""
    write_nightly(tmp_path)
    (loaded,) = load_folder(tmp_path, {}).workflows
    nights = [(f"night {n}", NIGHT + n * DAY, None) for n in range(3)]
    with database.transaction() as conn:
        noted = note_occasions(conn, loaded.workflow, "night", nights, NIGHT)
    env = {"SYNCFLOW_WORKFLOWS": str(tmp_path), "SYNCFLOW_DATABASE_URL": database.url}

    def run(*arguments):
        result = CliRunner().invoke(main, ["slot", *arguments], env=env)
        is_json = result.exit_code == 0 and "--json" in arguments
        return json.loads(result.stdout.splitlines()[-1]) if is_json else result

    run.ids = [one.slot_id for one in noted]
    return run


def test_one_slot_is_skipped_by_its_number_or_its_time_and_it_is_known_by_whom(slots, database):
    first, second, third = slots.ids
    assert slots("list", "nightly").output.splitlines() == [
        "nightly: 3 open",
        f"  {first}  2026-11-26T02:30:00+00:00  night  DUE",
        f"  {second}  2026-11-27T02:30:00+00:00  night  DUE",
        f"  {third}  2026-11-28T02:30:00+00:00  night  DUE",
    ]
    why = ("--reason", "stock-taking", "--actor", "ada")
    told = slots("skip", "nightly", str(second), *why, "--json")
    assert [(one["slot"], one["state"]) for one in told["skipped"]] == [(second, "SKIPPED")]
    slots("skip", "nightly", "2026-11-28T03:30+01:00", *why)
    assert [one["slot"] for one in slots("list", "nightly", "--json")["open"]] == [first]
    # A run that is on its way already does nothing.
    assert take(database, second, "run1", None, NIGHT) == "ada has skipped it: stock-taking"
    assert take(database, first, "run1", None, NIGHT) is None
    for which in (first, second, "2026-11-27T02:30", "2099-01-01T00:00"):
        again = slots("skip", "nightly", str(which), *why)
        assert again.exit_code == 1
        assert "nightly has no open slot" in again.output
    assert "say who skips it" in slots("skip", "nightly", "1", *why[:3], " ").output
    assert slots("skip", "nightly", "tonight", *why).exit_code == 2


def test_a_time_in_the_hour_that_a_session_has_twice_is_found(slots, database):
    at = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    database.execute(
        "update trigger_slot set due_at = %s where slot_id = %s",
        [at, slots.ids[0]],
    )
    database.execute(
        "do $$ begin execute format('alter database %I set timezone = %L', current_database(), "
        "'Europe/Berlin'); end $$"
    )
    told = slots("skip", "nightly", "2026-10-25T01:30", "--reason", "r", "--actor", "ada", "--json")
    assert [one["slot"] for one in told["skipped"]] == [slots.ids[0]]

"""`syncflow schedule`: next times of triggers, local and in UTC, with what is odd about them."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from nightly_workflow import write_nightly

from syncflow_dagster.cli import main
from syncflow_dagster.commands.due_times import due_times
from syncflow_dagster.workflows.models import Workflow


def run(tmp_path, *arguments):
    write_nightly(tmp_path)
    return CliRunner().invoke(
        main, ["schedule", *arguments], env={"SYNCFLOW_WORKFLOWS": str(tmp_path)}
    )


def test_times_are_shown_with_clocks_and_windows(tmp_path):
    result = run(tmp_path, "nightly", "--from", "2026-03-28T20:00", "--count", "3")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "nightly, from 2026-03-28 20:00 UTC on",
        "at work only: 19:00-07:00 on weekdays, Europe/Berlin",
        "night: every day at 02:30, Europe/Berlin (switched off in the file)",
        (
            "  Sun 2026-03-29 03:00 +0200  2026-03-29 01:00 UTC  clocks go forward: moved, as they "
            "leave out 02:30; outside the windows: starts Mon 2026-03-30 19:00 +0200"
        ),
        (
            "  Mon 2026-03-30 02:30 +0200  2026-03-30 00:30 UTC  outside the windows: starts Mon "
            "2026-03-30 19:00 +0200"
        ),
        "  Tue 2026-03-31 02:30 +0200  2026-03-31 00:30 UTC",
        "over: on 2026-03-01 at 12:00, UTC",
        "  it is not due any more",
        "pending_rows: as soon as delta rows wait for the push",
        "  it does not go by the clock, so there are no times to show",
    ]


def test_times_as_json_are_one_object_on_the_last_line(tmp_path):
    result = run(tmp_path, "nightly", "--from", "2026-10-26T00:00+01:00", "--count", "2", "--json")
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["start"] == "2026-10-25T23:00:00+00:00"
    night, over, pending = told["triggers"]
    assert night["times"][1] == {
        "local": "2026-10-27T02:30:00+01:00",
        "utc": "2026-10-27T01:30:00+00:00",
        "notes": [],
        "in_window": True,
        "starts": None,
    }
    assert (over["times"], pending["times"]) == ([], None)


def test_a_beginning_that_is_no_time_is_a_mistake(tmp_path):
    result = run(tmp_path, "nightly", "--from", "tomorrow")
    assert result.exit_code == 2
    assert "'tomorrow' is no time such as 2026-03-29T00:00" in result.output


@pytest.mark.parametrize("start", ["0001-01-01T00:00+05:00", "9999-12-31T23:59"])
def test_a_beginning_in_another_age_is_a_mistake(tmp_path, start):
    result = run(tmp_path, "nightly", "--from", start)
    assert result.exit_code == 2
    assert "between 1970 and 2200" in result.output


def of(triggers):
    return Workflow.model_validate(
        {
            "workflow": "nightly",
            "description": "d",
            "owner": "o",
            "connections": {"db": {"type": "sql", "url": "sqlite://"}},
            "calendars": {"german": {"country": "DE"}, "closed": {"business_days": []}},
            "triggers": triggers,
            "nodes": [
                {
                    "type": "pull",
                    "name": "rows",
                    "description": "d",
                    "connection": "db",
                    "query": "q.sql.j2",
                }
            ],
        }
    )


# A trigger, from when on, and its first times by its own clock with what is said of each.
ODD = {
    "shown twice, by the wall": (
        {"type": "cron", "cron": "30 * * * *", "timezone": "Europe/Berlin"},
        "2026-10-24T23:45",
        [
            ("2026-10-25T02:30+02:00", "clocks go back: first of two"),
            ("2026-10-25T02:30+01:00", "clocks go back: second of two"),
            ("2026-10-25T03:30+01:00", "clocks go back"),
        ],
    ),
    "elapsed time over a gap": (
        {
            "type": "interval",
            "every": "2 hours",
            "anchor": "2026-03-28T00:30",
            "timezone": "Europe/Berlin",
        },
        "2026-03-28T23:00",
        [
            ("2026-03-29T00:30+01:00", "clocks go forward"),
            ("2026-03-29T03:30+02:00", "clocks go forward"),
        ],
    ),
    "a gap at midnight": (
        {"type": "phrase", "when": "daily at 00:15", "timezone": "Asia/Tehran"},
        "2022-03-21T18:00",
        [
            ("2022-03-22T01:00+04:30", "clocks go forward: moved, as they leave out 00:15"),
            ("2022-03-23T00:15+04:30", ""),
        ],
    ),
    "a day that is left out": (
        {"type": "phrase", "when": "daily at 9", "timezone": "Pacific/Apia"},
        "2011-12-29T20:00",
        [
            ("2011-12-31T00:00+14:00", "clocks go forward: moved, as they leave out 09:00"),
            ("2011-12-31T09:00+14:00", "clocks go forward"),
        ],
    ),
    "moved by a calendar": (
        {
            "type": "phrase",
            "when": "last day of the month at 18:00",
            "calendar": "german",
            "only": "business_days",
            "otherwise": "previous",
        },
        "2026-10-29T00:00",
        [
            ("2026-10-30T18:00+00:00", "moved by calendar german from Sat 2026-10-31"),
            ("2026-11-30T18:00+00:00", ""),
        ],
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_about_a_time(name):
    trigger, start, expected = ODD[name]
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    [shown] = due_times(of([trigger]), begin, len(expected)).triggers
    found = [(one.local.isoformat(timespec="minutes"), "; ".join(one.notes)) for one in shown.times]
    assert found == expected


def test_a_workflow_without_triggers_runs_by_hand():
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert due_times(of([]), now, 20).lines()[1:] == [
        "no trigger: it runs by hand alone (syncflow run nightly)"
    ]

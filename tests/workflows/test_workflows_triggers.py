"""Triggers, calendars and windows of a workflow file: mistakes, warnings, rules and words.

The table of single mistakes is `trigger_mistakes.yaml`.
"""

from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from syncflow_dagster.workflows import rules
from syncflow_dagster.workflows.check import check
from syncflow_dagster.workflows.loader import load_folder
from syncflow_dagster.workflows.models import Workflow
from syncflow_dagster.workflows.timing import rule_of, time_triggers, windows_of, words_of
from syncflow_dagster.workflows.timing_check import findings
from syncflow_dagster.workflows.view import View

TABLE = Path(__file__).parent / "trigger_mistakes.yaml"
MISTAKES = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
ENVIRON = {"ORDERS_DATABASE_URL": "sqlite:////o.db", "MONDAY_TOKEN": "tok"}
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
EXAMPLE = """\
triggers:
  - type: cron
    name: every_15_minutes
    cron: "*/15 * * * *"
    timezone: America/New_York
  - type: pending_rows
"""


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_is_one_line_at_its_place(name, example_text, problems):
    assert EXAMPLE in example_text
    marked = example_text.replace(EXAMPLE, MISTAKES[name]["wrong"])
    before, _, after = marked.partition("^")
    found = problems(before + after)
    assert len(found) == 1, found
    place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    assert found[0].startswith(f"workflows/x.yaml:{place}: ")
    assert [part for part in MISTAKES[name]["says"] if part not in found[0]] == []


def test_names_that_are_none_are_not_told_to_be_the_same(example_text, problems):
    wrong = "triggers:\n" + 2 * "  - {type: phrase, name: 5, when: daily at 9}\n"
    found = problems(example_text.replace(EXAMPLE, wrong))
    assert len(found) == 2
    assert all("must be a text, but YAML reads 5" in one for one in found)


def workflow(triggers, **more):
    """A workflow of some triggers; no node of it matters here."""
    return Workflow.model_validate(
        {
            "workflow": "nightly",
            "description": "d",
            "owner": "o",
            "connections": {"db": {"type": "sql", "url": "sqlite://"}},
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
            **more,
        }
    )


CALENDARS = {"german": {"country": "DE", "days_off": ["2026-12-31"]}}
BERLIN = {"timezone": "Europe/Berlin"}
# A trigger, its words, and its first times from 23 November 2026 on, in UTC.
SAID = [
    (
        {"type": "cron", "cron": ["0 7 * * 1-5", "0 12 * * SUN"], **BERLIN},
        "weekdays at 07:00; every Sunday at 12:00, Europe/Berlin",
        ["2026-11-24T06:00", "2026-11-25T06:00"],
    ),
    (
        {"type": "interval", "every": "10 days", "anchor": "2026-11-13T09:00", **BERLIN},
        "every 10 days, counted from 2026-11-13 09:00, Europe/Berlin",
        ["2026-12-03T08:00", "2026-12-13T08:00"],
    ),
    (
        {"type": "phrase", "when": "last business day of the month at 9", "calendar": "german"},
        "last business day of the month at 09:00, UTC; business days of calendar german (DE)",
        ["2026-11-30T09:00", "2026-12-30T09:00"],
    ),
    (
        {
            "type": "phrase",
            "when": "on the 25th of the month at 9",
            "calendar": "german",
            "only": "business_days",
            "otherwise": "next",
        },
        (
            "on the 25th of the month at 09:00, UTC; only on business days of calendar german "
            "(DE), moved to the next such day"
        ),
        ["2026-11-25T09:00", "2026-12-28T09:00"],
    ),
    (
        {
            "type": "dates",
            "dates": ["2026-12-24", "2026-12-23", "2026-12-01"],
            "at": ["9", "7:30pm"],
            "excluding": ["2026-12-01"],
        },
        "on 2026-12-01, 2026-12-23 and 2026-12-24 at 09:00 and 19:30, UTC; not on 2026-12-01",
        ["2026-12-23T09:00", "2026-12-23T19:30"],
    ),
]


@pytest.mark.parametrize(("trigger", "words", "times"), SAID)
def test_a_trigger_is_a_rule_and_has_words(trigger, words, times):
    flow = workflow([trigger], calendars=CALENDARS)
    [one] = time_triggers(flow)
    assert words_of(flow, one) == words
    found = islice(rule_of(flow, one).after(NOW), 2)
    assert [f"{due:%Y-%m-%dT%H:%M}" for due in found] == times


def test_triggers_that_do_not_go_by_the_clock_have_words_too():
    flow = workflow([{"type": "after", "workflow": "orders"}, {"type": "pending_rows"}])
    assert time_triggers(flow) == []
    assert [words_of(flow, one) for one in flow.triggers] == [
        "after each run of orders that succeeded",
        "as soon as delta rows wait for the push",
    ]


def test_windows_close_on_days_off_of_their_calendar():
    said = {"open": ["19:00-07:00 on weekdays"], "calendar": "german", **BERLIN}
    windows = windows_of(workflow([], calendars=CALENDARS, windows=said))
    assert windows.is_open(datetime(2026, 12, 30, 20, tzinfo=UTC))
    assert windows.next_open(datetime(2026, 12, 31, 12, tzinfo=UTC)) == datetime(
        2027, 1, 4, 18, tzinfo=UTC
    )
    assert windows_of(workflow([])) is None


def warnings(flow):
    found = list(findings(flow, NOW))
    assert all(one.is_warning for one in found)
    return [(one.loc, f"{one.message}; {one.hint}") for one in found]


def test_what_depends_on_the_present_is_a_warning():
    over = {"type": "dates", "dates": ["2026-11-23"], "at": ["9:00"], **BERLIN}
    [(loc, text)] = warnings(workflow([{"type": "pending_rows"}, over]))
    assert loc == ("triggers", 1)
    assert "not due any more: its last time was 2026-11-23 09:00" in text


def test_a_trigger_that_comes_often_is_not_outside_the_windows_because_they_are_closed_now():
    # It is nine in the morning: the next 600 due times are outside.
    minutes = {"type": "cron", "cron": "* * * * *"}
    assert warnings(workflow([minutes], windows={"open": ["19:00-07:00 on weekdays"]})) == []


def test_a_trigger_outside_the_windows_is_explained():
    windows = {"open": ["19:00-07:00 on weekdays"], **BERLIN}
    at_noon = {"type": "phrase", "when": "daily at noon", **BERLIN}
    at_eight = {"type": "phrase", "name": "late", "when": "daily at 20:00", **BERLIN}
    [(loc, text)] = warnings(workflow([at_eight, at_noon], windows=windows))
    assert loc == ("triggers", 1)
    assert "due outside the workflow's windows: next on Mon 2026-11-23 12:00" in text
    assert "starts when the window opens: Mon 2026-11-23 19:00, Europe/Berlin" in text


def test_windows_that_overlap_and_calendars_without_use_are_warnings(example_text, load):
    text = """\
calendars: {german: {country: DE}}
windows: {open: [19:00-07:00 on weekdays, 06:00-08:00 on saturday]}
triggers:
  - {type: phrase, when: daily at 20:00, calendar: german}
"""
    loaded = load(example_text.replace(EXAMPLE, text))
    assert [(one.where, one.message) for one in loaded.warnings] == [
        (
            "windows.open.1",
            "the window lies partly over '19:00-07:00 on weekdays'; together they are one",
        ),
        ("triggers.0.calendar", "the calendar changes nothing here"),
    ]


def write(folder, example_text, name, *others):
    """Write a workflow that runs after others."""
    text = example_text.replace("workflow: order_list\n", f"workflow: {name}\n")
    for table in ("order_list_delta", "order_list_lines_delta"):
        text = text.replace(f"table: {table}", f"table: {name}_{table}")
    after = "".join(f"  - {{type: after, name: after_{one}, workflow: {one}}}\n" for one in others)
    (folder / f"{name}.yaml").write_text(text.replace(EXAMPLE, EXAMPLE + after))


def test_workflows_run_after_others_that_are_there(folder, example_text):
    write(folder, example_text, "a", "b")
    write(folder, example_text, "b", "broken")
    write(folder, example_text, "c", "d", "bb")
    (folder / "broken.yaml").write_text("workflow: broken\nowner: me")
    found = load_folder(folder, ENVIRON)
    # One that has mistakes is there all the same: nobody else is stopped by them.
    assert [one.workflow.workflow for one in found.workflows] == ["a", "b"]
    broken = {one.name: one for one in found.broken}
    assert list(broken) == ["broken", "c"]
    one, two = broken["c"].problems
    assert str(one).startswith("workflows/c.yaml:")
    assert one.message == "there is no workflow 'd' to run after"
    assert two.hint == "did you mean 'b'? there are: a, b, broken, c"
    lines = (folder / "c.yaml").read_text().splitlines()
    assert lines[one.line - 1][one.column - 1 :].startswith("workflow: d")


def test_a_file_checked_alone_may_name_others(folder, example_text):
    write(folder, example_text, "a", "b")
    report = check([folder / "a.yaml"], ENVIRON)
    assert report.ok
    assert any("warning: " in line and "no workflow 'b'" in line for line in report.lines())
    assert not check([folder], ENVIRON).ok


def test_of_a_circle_only_the_file_that_closes_it_is_broken(folder, example_text):
    write(folder, example_text, "a", "b")
    write(folder, example_text, "b", "c")
    write(folder, example_text, "c", "a")
    found = load_folder(folder, ENVIRON)
    assert [one.workflow.workflow for one in found.workflows] == ["a", "b"]
    [circle] = found.broken
    [problem] = circle.problems
    assert (
        problem.message
        == "workflows would run after each other for ever: c after a after b after c"
    )


ODD = st.sampled_from(
    [
        *(None, True, -1, 0, 10**20, 1.5, float("inf"), "", " ", "0 7 * * *", "90 minutes"),
        *("999999 weeks", "every day at 7", "0001-01-01", "9999-12-31T23:59", "Europe/Berlin"),
        *("../x", "\0", "DE", "a", "24:00-24:00", "00:00-24:00 on sunday", "business_days"),
        *(date(1, 1, 1), date.max, datetime(9999, 12, 31, 23)),  # noqa: DTZ001
    ]
)
VALUES = ODD | st.lists(ODD, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), ODD)
GOOD = {
    "cron": {"cron": "0 7 * * *"},
    "interval": {"every": "10 days", "anchor": "2026-01-05T09:00"},
    "phrase": {"when": "first business day of the month at 7"},
    "dates": {"dates": ["2026-12-24"], "at": ["7"]},
    "after": {"workflow": "b"},
    "pending_rows": {},
}
KEYS = ["name", "cron", "every", "anchor", "timezone", "when", "dates", "at", "calendar", "only"]


@settings(max_examples=40, deadline=None)
@given(
    triggers=st.lists(
        st.builds(
            lambda kind, rest: {"type": kind, **GOOD[kind], **rest},
            st.sampled_from([*GOOD]),
            st.dictionaries(st.sampled_from([*KEYS, "otherwise", "workflow"]), VALUES, max_size=2),
        ),
        max_size=3,
    ),
    calendars=st.dictionaries(
        st.just("a"),
        st.dictionaries(st.sampled_from(["country", "subdivision", "weekend"]), VALUES),
    ),
    windows=st.none() | st.dictionaries(st.sampled_from(["open", "timezone", "calendar"]), VALUES),
)
def test_rules_stand_whatever_triggers_hold(triggers, calendars, windows):
    root = {"workflow": "a", "triggers": triggers, "calendars": calendars, "windows": windows}
    found = rules.check(View(root))
    assert all(one.message for one in found)
    try:
        flow = workflow(triggers, calendars=calendars, windows=windows)
    except ValidationError:
        return
    if not any(not one.is_warning for one in found):
        assert all(one.message for one in findings(flow, NOW))

"""Values of columns: what is written, what is refused, what is cut, what clears."""

from __future__ import annotations

import json
from datetime import UTC, date, timedelta, timezone
from decimal import Decimal

import pytest
from column_cases import CASES, CLEARING, REFUSED, SUNDAY_WEEK, TAKEN
from column_parts import NEW_YORK
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.nodes.monday.columns import (
    KINDS,
    MARK,
    Cell,
    Options,
    ValueRefused,
    beginning,
    cell,
    display,
    length,
    quoted,
    read,
    shortened,
)
from syncflow_dagster.nodes.monday.columns.texts import LONGEST_LONG_TEXT
from syncflow_dagster.nodes.monday.keys import group_title
from syncflow_dagster.workflows.models import ColumnMapping
from syncflow_dagster.workflows.rules import board_columns
from syncflow_dagster.workflows.rules.graph import FIELD_TYPES

OCTOBER = "2026-10-01 - 2026-10-09"


def test_every_type_has_cases_and_a_place_in_the_mapping():
    assert set(CASES) == set(KINDS)
    mapped = ColumnMapping.model_json_schema()["properties"]["type"]["enum"]
    assert {*mapped, "status"} == set(KINDS)
    assert len(mapped) == len(set(mapped))
    # Labels are known to the board alone; every other type refuses something itself.
    assert {kind for kind, case in CASES.items() if not case.refused} == {"dropdown"}
    assert all(case.taken for case in CASES.values())


def test_the_check_of_a_workflow_knows_the_types_of_fields_and_the_longest_text():
    assert set().union(*board_columns.FITTING.values()) <= set(FIELD_TYPES)
    assert board_columns.LONGEST_LONG_TEXT == LONGEST_LONG_TEXT


@pytest.mark.parametrize(("kind", "value", "options", "written", "shown"), TAKEN)
def test_a_value_becomes_what_the_column_takes(kind, value, options, written, shown):
    made = cell(kind, value, options)
    assert made.value == written
    if shown is not None:
        assert made.shown == shown
    assert (made.cut is None) != options.cut
    assert json.loads(json.dumps(made.value)) == made.value
    assert json.loads(json.dumps(made.shown)) == made.shown


@pytest.mark.parametrize(("kind", "value", "options", "reason"), REFUSED)
def test_a_value_that_does_not_fit_is_refused_with_its_reason(kind, value, options, reason):
    with pytest.raises(ValueRefused) as refused:
        cell(kind, value, options)
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(("kind", "value", "options"), CLEARING)
def test_nothing_clears_a_column(kind, value, options):
    assert cell(kind, value, options) == Cell(CASES[kind].cleared, "")


@pytest.mark.parametrize("kind", sorted(CASES))
@pytest.mark.parametrize(
    "empty",
    [
        {"text": None, "value": None},
        {"text": "", "value": None},
        {"text": "", "value": ""},
        {"text": "", "value": "{}"},
        {"text": None, "value": '{"ids":[],"values":[]}', "values": []},
        {"text": "", "value": "not JSON", "linked_item_ids": []},
        {"text": "", "value": '{"phone":"","email":"","url":"","date":"","lat":null}'},
    ],
)
def test_an_empty_cell_reads_as_nothing_however_monday_spells_it(kind, empty):
    assert read({"id": "c", "type": kind, **empty}) == ""


def test_a_cell_of_a_type_we_do_not_write_reads_as_its_text():
    assert read({"id": "c", "type": "formula", "text": "42", "value": None}) == "42"
    assert read({"id": "c", "type": "formula", "text": None, "value": None}) == ""


@pytest.mark.parametrize(
    ("kind", "text", "value", "shown"),
    [
        # What monday adds, and forms it gives beside the one it takes.
        ("numbers", "12.50 €", '"12.50"', "12.5"),
        ("numbers", "12.50", None, "12.5"),
        ("numbers", "many", '"many"', "many"),
        ("date", "2026-11-22 22:30", '{"date":"2026-11-23","time":"03:30:00"}', "2026-11-23 03:30"),
        ("date", "2026-11-23", '{"date":"2026-11-23","icon":null}', "2026-11-23"),
        ("date", "2026-11-23", None, "2026-11-23"),
        ("hour", "04:42 PM", '{"hour":16,"minute":42,"changed_at":"x"}', "16:42"),
        ("hour", "04:42 PM", '{"hour":"late"}', "04:42 PM"),
        ("phone", "+1 202 555", '{"phone":"1202555","countryShortName":"US"}', "1202555 US"),
        ("email", "Buyer", '{"email":"a@b.co","text":"Buyer"}', "a@b.co"),
        ("link", "Site - https://a.b", '{"url":"https://a.b","text":"Site"}', "https://a.b"),
        ("location", "Berlin", '{"lat":52.520,"lng":"13.40"}', "52.52 13.4"),
        ("location", "Berlin", '{"placeId":"x"}', "Berlin"),
        ("dropdown", "A, B", '{"ids":[1,2]}', ["A, B"]),
        ("color_picker", "blue", '{"color":{"hex":"#ff5733"}}', "#FF5733"),
        ("rating", "4 stars", '{"rating":4}', "4"),
        ("rating", "none", '{"rating":0}', ""),
        ("rating", "4", None, "4"),
        ("timeline", "Oct 1 - 9", '{"from":"2026-10-01","to":"2026-10-09"}', OCTOBER),
        (
            "timeline",
            "Oct 1 - 9",
            '{"from":"2026-10-01T00:00:00+00:00","to":"2026-10-09T00:00:00.000Z"}',
            OCTOBER,
        ),
        ("timeline", OCTOBER, '{"from":"2026-09-30T21:00:00Z","to":"2026-10-09"}', OCTOBER),
        ("timeline", OCTOBER, None, OCTOBER),
        ("week", "W 41", '{"week":{"startDate":"2026-10-01","endDate":"2026-10-09"}}', OCTOBER),
        ("week", "W 41", '{"startDate":"2026-10-01","endDate":"2026-10-09"}', OCTOBER),
        ("week", OCTOBER, '{"week":"41"}', OCTOBER),
    ],
)
def test_what_monday_shows_is_brought_to_one_form(kind, text, value, shown):
    assert read({"id": "c", "type": kind, "text": text, "value": value}) == shown


def test_a_week_begins_on_the_account_s_day():
    value, options, written, shown = SUNDAY_WEEK
    assert cell("week", value, options) == Cell(written, shown)


@given(st.dates(min_value=date(1, 1, 8), max_value=date(9999, 12, 20)), st.sampled_from([0, 6]))
def test_a_week_holds_its_day_and_is_a_week(day, first):
    made = cell("week", day, Options(first_weekday=first)).value["week"]
    start, end = (date.fromisoformat(made[name]) for name in ("startDate", "endDate"))
    assert start <= day <= end
    assert (end - start, start.weekday()) == (timedelta(days=6), first)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_a_number_keeps_its_value_and_never_gets_an_exponent(number):
    written = cell("numbers", number).value
    assert Decimal(written) == number
    assert not set(written) - set("-.0123456789")
    assert read({"type": "numbers", "value": json.dumps(written)}) == written


@given(st.datetimes(timezones=st.sampled_from([UTC, NEW_YORK, timezone(timedelta(hours=13))])))
def test_a_moment_is_the_same_in_whatever_zone_the_driver_gives_it(moment):
    try:
        elsewhere = moment.astimezone(timezone(timedelta(hours=3)))
        moment.astimezone(UTC)
    except OverflowError:
        return
    assert cell("date", moment) == cell("date", elsewhere)
    assert cell("hour", moment) == cell("hour", elsewhere)
    assert display(moment) == display(elsewhere)


@given(st.text(max_size=40), st.integers(1, 30))
def test_a_text_that_is_cut_is_short_enough_ends_in_a_mark_and_begins_as_before(text, longest):
    short = shortened(text, longest)
    assert len(short) <= length(short, cut=True) <= longest
    assert length(text, cut=True) == len(text.encode("utf-16-le", "surrogatepass")) // 2
    if length(text, cut=True) <= longest:
        assert short == text
        return
    assert short.endswith(MARK)
    assert text.startswith(short.removesuffix(MARK))


@pytest.mark.parametrize(
    ("text", "longest", "short"),
    [
        ("cafe\u0301 au lait", 5, "caf…"),
        ("👩\u200d👩\u200d👧 and more", 4, "…"),
        ("ok 👩\u200d👩\u200d👧", 6, "ok…"),
        ("two words", 5, "two…"),
        # A skin tone, flags of two halves, a flag of tags, vowel signs.
        ("ok 👍🏽 x", 5, "ok…"),
        ("ok 👍🏽 xy", 8, "ok 👍🏽…"),
        ("ab🇩🇪🇫🇷", 4, "ab…"),
        ("ab🇩🇪🇫🇷", 7, "ab🇩🇪…"),
        ("ab🇩🇪🇫🇷", 9, "ab🇩🇪…"),
        ("🏴\U000e0067\U000e0062\U000e007f!", 8, "…"),
        ("का का का", 5, "का…"),
        ("👍👍👍", 5, "👍👍…"),
    ],
)
def test_a_cut_tears_no_letter_from_its_accent_and_no_picture_apart(text, longest, short):
    assert shortened(text, longest) == short


def test_a_group_s_title_is_cut_by_the_same_rule():
    flag = "🇩🇪"
    assert group_title("x" * 250 + flag * 2) == "x" * 250 + flag
    assert group_title("x" * 254 + flag) == "x" * 254
    assert group_title("x" * 254 + "e\u0301") == "x" * 254 + "é"
    assert beginning("x" * 254 + "e\u0316", 255) == "x" * 254


def test_a_reason_shows_the_beginning_of_a_long_value():
    assert quoted("x" * 81) == repr("x" * 79 + "…")
    assert quoted("x" * 80) == repr("x" * 80)

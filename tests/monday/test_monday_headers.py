"""monday's RateLimit headers, whole and in parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.budget import Reading
from syncflow_dagster.nodes.monday.headers import readings

POLICY = (
    '"minuteRate";q=5000;w=60, "concurrency";q=250;qu="concurrent-requests", '
    '"complexityMinute";q=5000000;w=60;qu="content-bytes"'
)
STATE = '"minuteRate";r=4999, "concurrency";r=249, "complexityMinute";r=4950000;t=45'


def read(policy=None, state=None):
    given = {"RateLimit-Policy": policy, "RateLimit": state}
    found = readings({name: text for name, text in given.items() if text is not None})
    return {reading.name: reading for reading in found}


def test_both_headers_make_a_whole_reading():
    assert read(POLICY, STATE) == {
        "complexityMinute": Reading("complexityMinute", 5_000_000, 60, 4_950_000, 45),
        "minuteRate": Reading("minuteRate", 5_000, 60, 4_999, None),
        # What else the quotas of the plan Enterprise tell.
        "concurrency": Reading("concurrency", 250),
        "dailyCalls": Reading("dailyCalls", 25_000),
    }


def test_a_trial_account_told_one_part_only():
    assert read(state='"complexityMinute";r=959960;t=58') == {
        "complexityMinute": Reading("complexityMinute", None, None, 959_960, 58)
    }


def test_a_policy_alone_still_tells_the_quota():
    assert read(policy=POLICY)["minuteRate"] == Reading("minuteRate", 5_000, 60, None, None)


@pytest.mark.parametrize("text", ["", "nonsense", '"other";r=1', "minuteRate;r=1", '"minuteRate"x'])
def test_what_says_nothing_of_our_budgets_is_no_reading(text):
    assert read(text, text).get("complexityMinute") is None
    if "minuteRate" not in text or not text.startswith('"'):
        assert read(text, text) == {}


def test_a_limit_that_is_reached_tells_when_it_is_over():
    found = read(state='"minuteRate";r=0;t=17, "complexityMinute";r=12;t=17')
    assert found["minuteRate"] == Reading("minuteRate", None, None, 0, 17)


def test_blanks_between_the_parts_are_allowed():
    """RFC 9651 lets blanks stand after a semicolon."""
    assert read(state='"complexityMinute"; r=5; t=6 ,"minuteRate";  r=7')["complexityMinute"] == (
        Reading("complexityMinute", None, None, 5, 6)
    )


@pytest.mark.parametrize("value", ["-1", "1.5", "²", "x", ""])
def test_a_figure_that_is_no_whole_number_counts_as_not_said(value):
    found = read(state=f'"complexityMinute";r={value};t=9')
    assert found["complexityMinute"] == Reading("complexityMinute", None, None, None, 9)


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_header_breaks_the_delivery(policy, state):
    for reading in readings({"RateLimit-Policy": policy, "RateLimit": state}):
        assert reading.name in {"complexityMinute", "minuteRate", "concurrency", "dailyCalls"}

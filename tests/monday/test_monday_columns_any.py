"""Any value at all: refused with a reason, or taken by the sandbox and read back as it was."""

from __future__ import annotations

import json
from datetime import UTC

from column_parts import (
    FIRST_MOMENT,
    IN_NEW_YORK,
    IN_TOKYO,
    LAST_EVENING,
    LAST_MOMENT,
    NEW_YORK,
    PLAIN,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncflow_dagster.nodes.monday.columns import KINDS, Options, ValueRefused, cell, read
from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.monday import boards
from syncflow_dagster.sandbox.monday.cells import CellWrite
from syncflow_dagster.sandbox.monday.columns import cell_text, cell_value_json
from syncflow_dagster.sandbox.monday.errors import MondayError
from syncflow_dagster.sandbox.monday.model import Column, Item
from syncflow_dagster.sandbox.monday.state import MondayState

#: What only the board can know: labels, tags, people and items.
OF_THE_BOARD = {"status", "dropdown", "tags", "people", "board_relation", "dependency"}

words = st.sampled_from(
    [
        *("a@b.co", "https://a.b/c", "US United States", "+1 202 555 0169 US", "16:42", "#ff5733"),
        *("Europe/Paris", "52.5 13.4 Berlin", "2026-11-22", "-12.50", "4"),
        *("1001;team:2001", "1;2", "A;B"),
    ]
)
plain = (
    st.none()
    | st.text(max_size=30)
    | words
    | st.integers()
    | st.decimals()
    | st.floats()
    | st.booleans()
    | st.dates()
    | st.datetimes(timezones=st.sampled_from([UTC, NEW_YORK]))
)
options = st.builds(
    Options,
    separator=st.none() | st.sampled_from([";", ",", " "]),
    country=st.sampled_from(["", "US"]),
    max_length=st.none() | st.integers(1, 40),
    cut=st.booleans(),
    zone=st.sampled_from([UTC, IN_TOKYO.zone, IN_NEW_YORK.zone]),
    first_weekday=st.sampled_from([0, 6]),
)


def read_back(kind, written, first_weekday):
    """What the sandbox shows of a cell after the write, as a query would give it."""
    state = MondayState(ManualClock(), first_weekday)
    board = boards.new_board(state, "1", "B", [Column(kind, kind, kind)], [("g", "G")])
    values = CellWrite(state, board, create_labels=False).values({kind: written}, {})
    item = Item("1", "1", "g", "n", 1.0, 0.0, 0.0, values)
    column = board.columns[kind]
    shown = {"text": cell_text(item, column), "value": cell_value_json(item, column)}
    return {"id": kind, "type": kind, **shown}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(KINDS)), plain | st.tuples(plain, plain), options)
@example("hour", LAST_MOMENT, IN_TOKYO)
@example("week", FIRST_MOMENT, IN_NEW_YORK)
@example("timeline", (FIRST_MOMENT, LAST_MOMENT), IN_NEW_YORK)
@example("date", LAST_EVENING, PLAIN)
@example("text", LAST_EVENING, PLAIN)
def test_a_value_is_refused_with_a_reason_or_taken_and_read_back(kind, value, how):
    try:
        made = cell(kind, value, how)
    except ValueRefused as refusal:
        assert 0 < len(str(refusal)) < 250
        return
    assert json.loads(json.dumps([made.value, made.shown])) == [made.value, made.shown]
    try:
        given_back = read_back(kind, made.value, how.first_weekday)
    except MondayError:
        assert kind in OF_THE_BOARD
        return
    if kind not in OF_THE_BOARD:
        assert read(given_back) == made.shown

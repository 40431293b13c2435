"""Refusals in the middle of a push: the record's fault, or the board's?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from preflight_cases import (
    NODE,
    fitting,
    with_board,
    with_column,
    without_labels,
)

from syncflow_dagster.core.outcomes import Done, Reject, Retry, Stop, Unknown
from syncflow_dagster.ledger.ports import Effect
from syncflow_dagster.nodes.monday.contract import (
    BoardColumn,
    BoardUnavailable,
)
from syncflow_dagster.nodes.monday.preflight_watch import CHANGED, ContractWatch
from syncflow_dagster.testing.clock import FakeClock

SETTLE_S = 65


def effect(number=1, column="state", label="Open", **more):
    payload = {"columns": {column: {"label": label}}, "subitem": False} | more
    return Effect(number, f"key{number}", "set_status", "object", False, payload, "77", None)


def refused(code, column=None, column_type=None):
    data = {"column_id": column, "column_type": column_type} if column else {}
    return {"message": "no", "extensions": {"code": code, "error_data": data}}


class Reads:
    """Answers with one contract after the other, and counts."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.times = 0

    def __call__(self):
        self.times += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


MISSING = refused("ColumnValueException", "state", "color")


def watching(read, clock=None):
    return ContractWatch(NODE, fitting(), read, clock or FakeClock(), SETTLE_S)


def examined(read, error=MISSING, outcome=None, one=None):
    one = one or effect()
    watch = watching(read)
    return watch.examine([one], {1: error}, {1: outcome or Reject("no")})[1]


def test_a_label_that_was_there_stops_the_push_by_its_name():
    read = Reads(without_labels(fitting(), "state", "Open"))
    assert examined(read) == Stop(f"{CHANGED}: label 'Open' of column 'state' is gone")
    assert read.times == 1


def test_a_label_that_never_was_there_is_the_record_s_own_and_nothing_is_read():
    read = Reads(fitting())
    assert examined(read, one=effect(label="Nonsense")) == Reject("no")
    assert read.times == 0


def test_a_label_that_may_be_dropped_stops_nothing():
    read = Reads(without_labels(fitting(), "state", "Open"))
    amended = Retry("dropped", payload={})
    assert examined(read, outcome=amended) == amended
    assert read.times == 0


@pytest.mark.parametrize(
    ("error", "now", "text"),
    [
        (
            refused("InvalidColumnIdException", "state"),
            lambda c: with_column(c, "state", None),
            "column 'state' ('State') is gone",
        ),
        (
            refused("ColumnValueException", "state", "dropdown"),
            lambda c: with_column(c, "state", BoardColumn("State", "dropdown", ())),
            "column 'state' was of type status, now it is dropdown",
        ),
        (
            refused("InvalidBoardIdException"),
            lambda c: with_board(c, state="archived"),
            "board 500 ('Orders') is archived",
        ),
        (
            refused("UserUnauthorizedException"),
            lambda c: with_board(c, access="view"),
            "the token's user may only view board 500 ('Orders')",
        ),
        (
            refused("InvalidGroupIdException"),
            lambda c: with_board(c, groups={}),
            "group 'Topics' (topics) is gone",
        ),
    ],
)
def test_each_change_of_the_board_stops_with_its_name(error, now, text):
    one = replace(effect(), parent_id="topics")
    outcome = examined(Reads(now(fitting())), error, one=one)
    assert outcome == Stop(f"{CHANGED}: {text}")


def test_an_unchanged_board_leaves_the_outcomes_and_is_not_read_again_for_the_same():
    """An old name of a type is learnt by one look at the board."""
    read, clock = Reads(fitting()), FakeClock()
    watch = watching(read, clock)
    error = refused("ColumnValueException", "due", "daterange")
    due = effect(0, "due", None, columns={"due": {"date": "x"}})

    def outcome():
        return watch.examine([due], {0: error}, {0: Reject("bad")})[0]

    first = outcome()
    assert (first.after_s, first.counts) == (SETTLE_S, False)
    clock.sleep(SETTLE_S - 5)
    assert outcome().after_s == 5
    assert read.times == 1
    clock.sleep(5)
    assert [outcome() for _ in range(3)] == 3 * [Reject("bad")]
    assert read.times == 2
    retyped = refused("ColumnValueException", "due", "text")
    read.answers = [with_column(fitting(), "due", BoardColumn("Due", "text"))]
    one = effect(9, "due", None, columns={"due": {"date": "x"}})
    assert isinstance(watch.examine([one], {9: retyped}, {9: Reject("bad")})[9], Stop)


def test_what_went_well_keeps_its_outcome_beside_what_stops():
    watch = watching(Reads(without_labels(fitting(), "state", "Open")))
    outcomes = {1: Done("5"), 2: Reject("no"), 3: Reject("too long"), 4: Unknown("?")}
    errors = {2: MISSING, 3: refused("ItemNameTooLongException"), 4: refused("Whatever")}
    judged = watch.examine([effect(number) for number in outcomes], errors, outcomes)
    assert isinstance(judged.pop(2), Stop)
    assert judged == {number: outcomes[number] for number in (1, 3, 4)}


def test_a_board_that_cannot_be_read_again_costs_no_record():
    gone = BoardUnavailable(Stop("board 500 does not exist"))
    assert examined(Reads(gone)) == Stop(f"{CHANGED}: board 500 does not exist")
    outcome = examined(Reads(BoardUnavailable(Unknown("HTTP 500"))))
    assert isinstance(outcome, Retry)
    assert (outcome.payload, outcome.counts) == (None, False)
    # The next push asks for the label: nobody knows yet whether the board lost it.
    assert outcome.reason.startswith(CHANGED)
    assert "label 'Open' of column 'state'" in outcome.reason
    assert "HTTP 500" in outcome.reason
    stop = Stop("not allowed")
    error = refused("UserUnauthorizedException")
    assert examined(Reads(BoardUnavailable(Unknown("HTTP 500"))), error, stop) == stop


@pytest.mark.parametrize(
    ("error", "change", "text"),
    [
        (MISSING, lambda c: without_labels(c, "state", "Open"), "label 'Open' of column 'state'"),
        (
            refused("InvalidColumnIdException", "state"),
            lambda c: with_column(c, "state", None),
            "column 'state' ",
        ),
        (
            refused("ColumnValueException", "state", "dropdown"),
            lambda c: with_column(c, "state", BoardColumn("State", "dropdown", ())),
            "column 'state' ",
        ),
        (
            refused("InvalidGroupIdException"),
            lambda c: with_board(c, groups={}),
            "group topics ",
        ),
    ],
)
def test_a_late_read_of_a_changed_board_costs_no_record(error, change, text):
    """The first look at the board shows it as it was; the second one shows the change."""
    clock, read = FakeClock(), Reads(fitting(), change(fitting()))
    watch = watching(read, clock)
    one = replace(effect(), parent_id="topics")
    first = watch.examine([one], {1: error}, {1: Reject("no")})[1]
    assert isinstance(first, Retry)
    assert (first.after_s, first.counts) == (SETTLE_S, False)
    assert first.reason.startswith(f"{CHANGED}? {text}")
    clock.sleep(SETTLE_S)
    second = watch.examine([one], {1: error}, {1: Reject("no")})[1]
    assert isinstance(second, Stop)
    assert read.times == 2


def test_a_right_that_is_missing_needs_no_second_look_to_stop():
    stop = Stop("not allowed")
    read = Reads(fitting())
    assert examined(read, refused("UserUnauthorizedException"), stop) == stop
    assert read.times == 1

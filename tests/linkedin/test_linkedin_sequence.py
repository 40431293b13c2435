"""Sequences as a file nests them, held to a reader that walks the nested steps in order of time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from syncflow_dagster.core.outreach.advance import (
    INVITE_AGAIN_AFTER,
    Action,
    AskProfile,
    Complete,
    LeadView,
    Review,
    WaitUntil,
    advance,
)
from syncflow_dagster.core.outreach.calendar import WorkingCalendar
from syncflow_dagster.core.outreach.ops import Act, Goto, Sequence, Test, Text, Wait
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.nodes.linkedin.sequence import calendar_of, compile_sequence, limits_of
from syncflow_dagster.workflows.models.linkedin import (
    KIND_OF_TYPE,
    LinkedInAccount,
    LinkedInStepNode,
    Step,
)

CALENDAR = WorkingCalendar("Europe/Berlin", frozenset(range(5)), time(8, 30), time(18, 30))
START = datetime(2026, 3, 23, 9, 0, tzinfo=UTC)
FIRST_MESSAGE_H, WITHDRAW_DAYS = 2, 21
_STEPS = TypeAdapter(list[Step])

#: An invitation, and what becomes of who accepts in time and who does not.
EXAMPLE = [
    {"type": "connect"},
    {
        "type": "condition",
        "test": "connected",
        "within_days": 14,
        "then": [
            {"type": "wait", "days": 1},
            {"type": "message", "text": "Hello"},
            {
                "type": "condition",
                "test": "replied",
                "within_days": 5,
                "otherwise": [{"type": "message", "text": "Hello again"}],
            },
        ],
        "otherwise": [{"type": "withdraw"}],
    },
]


def _nested(inner):
    return st.fixed_dictionaries(
        {
            "type": st.just("condition"),
            "test": st.sampled_from(["connected", "replied", "open_profile"]),
            "within_days": st.none() | st.integers(1, 30),
            "then": st.lists(inner, max_size=3),
            "otherwise": st.lists(inner, max_size=3),
        }
    )


_PLAIN = st.sampled_from(
    [
        {"type": "connection_request"},
        {"type": "invite", "note": "Hi"},
        {"type": "follow_up", "text": "Hello"},
        {"type": "inmail", "text": "Hello", "subject": "About"},
        {"type": "view_profile"},
        {"type": "cancel_invite"},
        {"type": "delay", "hours": 1.5},
        {"type": "wait", "minutes": 45},
        {"type": "wait", "days": 3},
    ]
)
STEPS = st.lists(st.recursive(_PLAIN, _nested, max_leaves=6), min_size=1, max_size=6)


def _parsed(steps):
    return _STEPS.validate_python(steps)


def _sequence(steps):
    return compile_sequence(LinkedInStepNode.model_construct(sequence=_parsed(steps)))


class _End(Exception):
    """Nothing more happens."""


class _Reader:
    """What a person would expect, who reads the steps one after the other."""

    def __init__(self, connects, is_open):
        self.now, self.sent = START, []
        self.connects, self.is_open = connects, is_open
        self.invited = self.withdrawn = None

    @property
    def connected(self):
        return self.connects is not None and self.connects <= self.now

    def read(self, steps):
        for step in steps:
            getattr(self, f"_{KIND_OF_TYPE[step.type]}")(step)

    def _send(self, kind):
        self.sent.append((kind, self.now))

    def _wait(self, step):
        if step.days is not None:
            self.now = CALENDAR.add_days(self.now, step.days)
        else:
            self.now = CALENDAR.add_minutes(self.now, step.minutes or step.hours * 60)

    def _condition(self, step):
        within = timedelta(days=step.within_days or 0)
        is_so = {
            "connected": self.connects is not None and self.connects <= self.now + within,
            "replied": False,
            "open_profile": self.is_open,
        }[step.test]
        if is_so and step.test == "connected":
            self.now = max(self.now, self.connects)
        if not is_so:
            self.now += within
        self.read(step.then if is_so else step.otherwise)

    def _invite(self, _step):
        if self.connected or self.invited is not None:
            return
        if self.withdrawn is not None and self.now < self.withdrawn + INVITE_AGAIN_AFTER:
            again = self.withdrawn + INVITE_AGAIN_AFTER
            if self.connects is not None and self.connects <= again:
                self.now = self.connects
                return
            self.now = again
        self.invited = self.now
        self._send("invite")

    def _withdraw(self, _step):
        if not self.connected and self.invited is not None:
            self.invited, self.withdrawn = None, self.now
            self._send("withdraw")

    def _view_profile(self, _step):
        self._send("view_profile")

    def _inmail(self, step):
        if self.connected:
            self._message(step)
        else:
            self._send("inmail")

    def _message(self, _step):
        if not self.connected:
            if self.invited is None:
                raise _End
            old = max(self.now, self.invited + timedelta(days=WITHDRAW_DAYS))
            if self.connects is None or self.connects > old:
                self.now = old
                self._send("withdraw")
                raise _End
            self.now = self.connects
        self.now = max(self.now, self.connects + timedelta(hours=FIRST_MESSAGE_H))
        self._send("message")


def _live(sequence, connects, is_open, lateness=()):
    """Take a lead along, always when it is due; return what was sent and how it ended.

    Args:
        sequence: Its sequence.
        connects: When the connection comes about; None: never.
        is_open: Whether its profile is open.
        lateness: How much later than due each turn is.
    """
    view, now, sent = LeadView(LeadState.PENDING_INVITE, 0, START), START, []
    late = iter(lateness)
    for _turn in range(200):
        now += timedelta(hours=next(late, 0))
        if connects is not None and connects <= now and view.state != LeadState.CONNECTED:
            view = replace(view, state=LeadState.CONNECTED, connected_at=connects)
        due = advance(
            view,
            sequence,
            CALENDAR,
            now,
            first_message_after_h=FIRST_MESSAGE_H,
            withdraw_after_days=WITHDRAW_DAYS,
        )
        match due:
            case Action():
                sent.append((due, now, view.state))
                view = _confirmed(view, due, now)
                if view.state == LeadState.WITHDRAWN or due.following == sequence.n_steps:
                    return sent, due
            case WaitUntil():
                view = replace(view, step=due.step, step_since=due.since)
                events = [due.at, connects if view.state != LeadState.CONNECTED else None]
                now = max(now, min(at for at in events if at is not None))
            case AskProfile():
                view = replace(view, step=due.step, step_since=due.since, open_profile=is_open)
            case Complete() | Review():
                return sent, due
    raise AssertionError("it goes on for ever")


def _confirmed(view, action, now):
    """Do what the database does once an action is confirmed."""
    facts = {"invite": {"invited_at": now}, "withdraw": {"withdrawn_at": now}}.get(action.kind, {})
    return replace(
        view,
        state=action.after,
        step=action.following,
        step_since=now,
        **facts,
    )


@given(STEPS, st.none() | st.integers(-48, 24 * 40), st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_flat_list_does_what_the_nested_steps_say(steps, hours, is_open):
    connects = None if hours is None else START + timedelta(hours=hours)
    reader = _Reader(connects, is_open)
    try:
        reader.read(_parsed(steps))
        ended = True
    except _End:
        ended = False
    sequence = _sequence(steps)
    sent, last = _live(sequence, connects, is_open)
    assert [(action.kind, at) for action, at, _state in sent] == reader.sent
    completed = isinstance(last, Complete) or (
        isinstance(last, Action) and last.following == sequence.n_steps
    )
    assert completed == ended


@given(
    STEPS,
    st.none() | st.integers(-48, 24 * 40),
    st.booleans(),
    st.lists(st.integers(0, 24 * 20), max_size=12),
)
@settings(max_examples=150, deadline=None)
def test_however_late_it_is_looked_at_nothing_is_sent_twice(steps, hours, is_open, lateness):
    connects = None if hours is None else START + timedelta(hours=hours)
    sent, _last = _live(_sequence(steps), connects, is_open, lateness)
    places = [action.step for action, _at, _state in sent if action.after != LeadState.WITHDRAWN]
    assert places == sorted(set(places))
    for action, _at, state in sent:
        assert action.kind != "message" or state == LeadState.CONNECTED
        assert action.kind != "invite" or state == LeadState.PENDING_INVITE
        assert action.kind != "withdraw" or state == LeadState.INVITE_SENT


@given(STEPS)
@settings(max_examples=50, deadline=None)
def test_a_stored_sequence_is_the_same(steps):
    sequence = _sequence(steps)
    again = Sequence.from_json(sequence.to_json())
    assert again == sequence
    assert again.digest == sequence.digest


def test_an_invitation_with_two_endings():
    sequence = _sequence(EXAMPLE)
    assert [type(op).__name__ for op in sequence.ops] == [
        "Act", "Test", "Wait", "Act", "Test", "Goto", "Act", "Goto", "Act",
    ]  # fmt: skip
    sent, last = _live(sequence, START + timedelta(days=3), is_open=False)
    assert [(action.kind, at.isoformat()[:16]) for action, at, _state in sent] == [
        ("invite", "2026-03-23T09:00"),
        ("message", "2026-03-27T09:00"),  # a working day after the connection
        ("message", "2026-04-01T09:00"),  # 120 hours later, on a clock that has changed
    ]
    # The last step of a branch is the last of all: the lead completes with it, not a turn later.
    assert last.following == sequence.n_steps == 9
    sent, last = _live(sequence, None, is_open=False)
    assert [(action.kind, action.after) for action, _at, _state in sent] == [
        ("invite", LeadState.INVITE_SENT),
        ("withdraw", LeadState.PENDING_INVITE),
    ]
    assert last.following == sequence.n_steps


def test_an_acceptance_on_the_day_of_the_withdrawal_still_counts():
    """The branch is asked anew before each action, not when somebody planned to look."""
    sequence = _sequence(EXAMPLE)
    at = START + timedelta(days=20)
    asked = LeadView(LeadState.INVITE_SENT, 1, START, invited_at=START)
    late = replace(asked, state=LeadState.CONNECTED, connected_at=at - timedelta(hours=1))
    rules = {"first_message_after_h": 2, "withdraw_after_days": 21}
    assert advance(asked, sequence, CALENDAR, at, **rules).kind == "withdraw"
    due = advance(late, sequence, CALENDAR, at, **rules)
    assert (type(due), due.step) == (WaitUntil, 2)


def test_what_waits_for_an_event_says_so():
    sequence = _sequence([{"type": "invite"}, {"type": "message", "text": "Hello"}])
    sent = LeadView(LeadState.INVITE_SENT, 1, START, invited_at=START)
    rules = {"first_message_after_h": 2, "withdraw_after_days": None}
    due = advance(sent, sequence, CALENDAR, START + timedelta(days=300), **rules)
    assert due == WaitUntil(None, 1, START)
    rules["withdraw_after_days"] = 21
    # Somebody invites the person by hand, after ours was taken back.
    again = replace(sent, withdrawn_at=START + timedelta(days=20))
    due = advance(again, sequence, CALENDAR, START + timedelta(days=30), **rules)
    assert due == WaitUntil(START + timedelta(days=41), 1, START)
    stranger = LeadView(LeadState.PENDING_INVITE, 1, START)
    assert isinstance(advance(stranger, sequence, CALENDAR, START, **rules), Review)
    answered = replace(sent, replied_at=START)
    assert isinstance(advance(answered, sequence, CALENDAR, START, **rules), Review)
    with pytest.raises(ValueError, match="in_flight"):
        advance(replace(sent, state=LeadState.IN_FLIGHT), sequence, CALENDAR, START, **rules)


def test_texts_go_with_their_steps():
    variants = [
        {"name": "a", "text": "One", "subject": "Own"},
        {"name": "b", "text": "Two", "weight": 3},
    ]
    inmail, invite, bare = _sequence(
        [
            {"type": "inmail", "subject": "Shared", "variants": variants},
            {"type": "invite", "note": "Hi", "note_exhausted": "defer"},
            {"type": "invite", "note_exhausted": "defer"},
        ]
    ).ops
    assert inmail.texts == (Text("One", "a", 1, "Own"), Text("Two", "b", 3, "Shared"))
    assert invite == Act("invite", (Text("Hi"),), "defer")
    assert bare == Act("invite")


def test_jumps_lead_forwards_and_pauses_have_a_length():
    for ops in ([Goto(0)], [Act("invite"), Goto(1)], [Goto(2)], [Test("connected", 3)]):
        with pytest.raises(ValueError, match="ahead"):
            Sequence(tuple(ops))
    for lengths in ({}, {"minutes": 5, "days": 1}, {"minutes": 0}):
        with pytest.raises(ValueError, match="either minutes or days"):
            Wait(**lengths)
    for stored in ({"op": "jump"}, {"op": "goto"}, {"to": 1}):
        with pytest.raises(ValueError, match="no operation"):
            Sequence.from_json([stored])


def test_an_account_as_the_rules_want_it():
    account = LinkedInAccount.model_validate(
        {
            "name": "anna",
            "id": "a1",
            "timezone": "Asia/Tehran",
            "hours": {
                "days": ["saturday", "sunday"],
                "start": "09:00",
                "end": "17:30",
                "holidays": ["2026-03-21"],
            },
            "limits": {"invites_per_week": 30, "withdrawals_per_day": 0},
        }
    )
    calendar = calendar_of(account)
    assert calendar.next_open(datetime(2026, 3, 20, tzinfo=UTC)) == datetime(
        2026, 3, 22, 5, 30, tzinfo=UTC
    )
    assert limits_of(account) == {("invite", "week"): 30, ("withdraw", "day"): 0}

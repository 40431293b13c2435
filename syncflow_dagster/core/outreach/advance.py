"""What is due for a lead: the rules that take it along its sequence.

Pure: the same lead at the same time is always told the same. It is asked again before every
action, with what the service has just said about the person, so nothing is decided from afar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, assert_never

from syncflow_dagster.core.outreach.ops import Act, Goto, Test, Wait
from syncflow_dagster.core.outreach.states import DUE_STATES, LeadState

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.core.outreach.calendar import WorkingCalendar
    from syncflow_dagster.core.outreach.ops import Kind, Op, Sequence

#: Time after a withdrawal in which LinkedIn takes no new invitation to the same person: up to
#: three weeks (linkedin.com/help/linkedin/answer/a551012), and a day for where it begins.
INVITE_AGAIN_AFTER = timedelta(days=22)


@dataclass(frozen=True, slots=True)
class LeadView:
    """What the rules look at in a lead.

    Attributes:
        state: Its state, one of `DUE_STATES`. It alone says whether an invitation is out and
            whether there is a connection; the times only say since when.
        step: Index of its next operation.
        step_since: Since when it stands there.
        invited_at: When an invitation was sent last; None if that is not known.
        connected_at: When the connection came about; None if that is not known.
        replied_at: When the person answered first.
        withdrawn_at: When an invitation was taken back last.
        open_profile: Whether anybody may write to the person; None if nobody has looked.
    """

    state: LeadState
    step: int
    step_since: datetime
    invited_at: datetime | None = None
    connected_at: datetime | None = None
    replied_at: datetime | None = None
    withdrawn_at: datetime | None = None
    open_profile: bool | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """Something is to be sent now; whether the account may is not asked here.

    The lead keeps its place until it is sent: a branch behind it is then asked anew.

    Attributes:
        step: Index of the operation.
        kind: What is sent.
        after: State of the lead once it is confirmed.
        following: Index of the operation it stands at then; at the end it is completed.
    """

    step: int
    kind: Kind
    after: LeadState
    following: int


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Nothing is to be done yet.

    Attributes:
        at: When to look again; None if only an event changes anything.
        step: Index of the operation that waits; to be stored.
        since: Since when it does, which its end is counted from; to be stored with it.
    """

    at: datetime | None
    step: int
    since: datetime


@dataclass(frozen=True, slots=True)
class AskProfile:
    """Whether the profile is open has to be asked before anybody can go on.

    Attributes:
        step: Index of the operation that asks.
        since: Since when the lead stands there.
    """

    step: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Complete:
    """The end is reached.

    Attributes:
        step: The number of operations.
    """

    step: int


@dataclass(frozen=True, slots=True)
class Review:
    """A person has to decide.

    Attributes:
        reason: What is in the way.
        step: Index of the operation the lead stands at.
    """

    reason: str
    step: int


Due = Action | WaitUntil | AskProfile | Complete | Review


def advance(
    view: LeadView,
    sequence: Sequence,
    calendar: WorkingCalendar,
    now: datetime,
    *,
    first_message_after_h: float,
    withdraw_after_days: int | None,
) -> Due:
    """Take a lead over all that is over, and tell what is due.

    Args:
        view: The lead.
        sequence: The version it was enrolled under.
        calendar: The working time that its pauses are counted in.
        now: The present.
        first_message_after_h: Hours between a connection and the first message, at least.
        withdraw_after_days: Days after which an invitation is taken back where a message waits
            for a connection without an end of its own; None: never.

    Raises:
        ValueError: In the lead's state nothing is ever due.
    """
    if view.state not in DUE_STATES:
        msg = f"nothing is due for a lead that is {view.state}"
        raise ValueError(msg)
    if view.replied_at is not None:
        return Review("the person has answered, but the lead is not at its end", view.step)
    rules = _Rules(sequence, calendar, now, first_message_after_h, withdraw_after_days)
    place = _Place(view.step, view.step_since)
    # Each round goes ahead: jumps lead forwards only.
    while place.step < sequence.n_steps:
        following = _pass(sequence.ops[place.step], view, place, rules)
        if not isinstance(following, _Place):
            return following
        place = following
    return Complete(sequence.n_steps)


class _Place(NamedTuple):
    """Where a lead stands, and since when."""

    step: int
    since: datetime


class _Rules(NamedTuple):
    """What advancing goes by beside the lead and its sequence."""

    sequence: Sequence
    calendar: WorkingCalendar
    now: datetime
    first_message_after_h: float
    withdraw_after_days: int | None

    def action(self, place: _Place, kind: Kind, after: LeadState) -> Action:
        ends = after == LeadState.WITHDRAWN
        following = place.step if ends else self.sequence.behind(place.step)
        return Action(place.step, kind, after, following)


def _pass(op: Op, view: LeadView, place: _Place, rules: _Rules) -> Due | _Place:
    """Return where the lead stands after an operation that is over, else what is due."""
    match op:
        case Goto():
            return _Place(op.to, place.since)
        case Wait():
            end = _end_of(op, rules.calendar, place.since)
            if rules.now < end:
                return WaitUntil(end, *place)
            return _Place(place.step + 1, end)
        case Test():
            answer = _answer(op, view, place, rules.now)
            if not isinstance(answer, bool):
                return answer
            following = place.step + 1 if answer else op.on_false
            return _Place(following, _decided_at(op, view, place.since, answer=answer))
        case Act():
            return _due(op, view, place, rules) or _Place(place.step + 1, place.since)
        case _:
            assert_never(op)


def _end_of(op: Wait, calendar: WorkingCalendar, since: datetime) -> datetime:
    if op.days is not None:
        return calendar.add_days(since, op.days)
    assert op.minutes is not None
    return calendar.add_minutes(since, op.minutes)


def _answer(
    op: Test, view: LeadView, place: _Place, now: datetime
) -> bool | WaitUntil | AskProfile:
    """Tell what is so by now; what has come about late counts as well."""
    if op.what == "open_profile" and view.open_profile is None:
        return AskProfile(*place)
    # `replied` is never so: who has answered is at the end and is not asked about any more.
    is_so = {
        "connected": view.state == LeadState.CONNECTED,
        "open_profile": bool(view.open_profile),
        "replied": False,
    }[op.what]
    if is_so or op.within_days is None:
        return is_so
    end = place.since + timedelta(days=op.within_days)
    return WaitUntil(end, *place) if now < end else False


def _decided_at(op: Test, view: LeadView, since: datetime, *, answer: bool) -> datetime:
    """Return when a branch was decided: pauses behind it are counted from then."""
    if answer and op.what == "connected" and view.connected_at is not None:
        return max(since, view.connected_at)
    if not answer and op.within_days is not None:
        return since + timedelta(days=op.within_days)
    return since


def _due(op: Act, view: LeadView, place: _Place, rules: _Rules) -> Due | None:
    """Tell what becomes of an action; None if it is left out, because it is so already."""
    state = LeadState.PENDING_INVITE if view.state == LeadState.COOLDOWN else view.state
    match op.kind:
        case "invite":
            return _invite(view, place, rules) if state == LeadState.PENDING_INVITE else None
        case "withdraw":
            out = state == LeadState.INVITE_SENT
            return rules.action(place, "withdraw", LeadState.PENDING_INVITE) if out else None
        case "view_profile":
            return rules.action(place, "view_profile", state)
        case "message" | "inmail" if state == LeadState.CONNECTED:
            return _message(view, place, rules)
        case "inmail":
            return rules.action(place, "inmail", state)
        case "message":
            return _wait_for_connection(view, place, rules)
        case _:
            assert_never(op.kind)


def _invite(view: LeadView, place: _Place, rules: _Rules) -> Due:
    if view.withdrawn_at is not None and rules.now < view.withdrawn_at + INVITE_AGAIN_AFTER:
        return WaitUntil(view.withdrawn_at + INVITE_AGAIN_AFTER, *place)
    return rules.action(place, "invite", LeadState.INVITE_SENT)


def _message(view: LeadView, place: _Place, rules: _Rules) -> Due:
    """Write to a connection; an InMail is a message there, which costs no credit."""
    if view.connected_at is not None:
        first = view.connected_at + timedelta(hours=rules.first_message_after_h)
        if rules.now < first:
            return WaitUntil(first, *place)
    return rules.action(place, "message", LeadState.CONNECTED)


def _wait_for_connection(view: LeadView, place: _Place, rules: _Rules) -> Due:
    """Wait as long as an invitation may be out."""
    if view.state != LeadState.INVITE_SENT:
        return Review("a message waits for a connection, and no invitation is out", place.step)
    if rules.withdraw_after_days is None:
        return WaitUntil(None, *place)
    # The invitation that is out was sent after the last one was taken back.
    known = [at for at in (view.invited_at, view.withdrawn_at) if at is not None]
    end = max(known, default=place.since) + timedelta(days=rules.withdraw_after_days)
    if rules.now < end:
        return WaitUntil(end, *place)
    return rules.action(place, "withdraw", LeadState.WITHDRAWN)

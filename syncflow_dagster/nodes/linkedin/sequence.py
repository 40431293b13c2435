"""A node of the workflow file as the rules want it: its sequence, its calendars, its limits."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, get_args

from syncflow_dagster.core.outreach.calendar import WorkingCalendar
from syncflow_dagster.core.outreach.ops import Act, Goto, Op, Sequence, Test, Text, Wait
from syncflow_dagster.workflows.models.linkedin import (
    ConditionStep,
    InMailStep,
    InviteStep,
    MessageStep,
    ViewProfileStep,
    WaitStep,
    Weekday,
    WithdrawStep,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncflow_dagster.core.outreach.tiers import Bucket, Window
    from syncflow_dagster.workflows.models.linkedin import LinkedInAccount, LinkedInStepNode, Step

#: Monday is 0, as in a calendar of Python.
_WEEKDAYS: dict[str, int] = {day: number for number, day in enumerate(get_args(Weekday))}


def compile_sequence(node: LinkedInStepNode) -> Sequence:
    """Return the sequence of a node: its steps as a flat list, the branches as jumps."""
    ops: list[Op] = []
    _compile(node.sequence, ops)
    return Sequence(tuple(ops))


def calendar_of(account: LinkedInAccount) -> WorkingCalendar:
    """Return the working time of an account."""
    hours = account.hours
    return WorkingCalendar(
        account.timezone,
        frozenset(_WEEKDAYS[day] for day in hours.days),
        time.fromisoformat(hours.start),
        time.fromisoformat(hours.end),
        frozenset(hours.holidays),
    )


def limits_of(account: LinkedInAccount) -> dict[tuple[Bucket, Window], int]:
    """Return the limits an account has of its own, as `core.outreach.limits.allowed` takes them."""
    limits = account.limits
    given: dict[tuple[Bucket, Window], int | None] = {
        ("invite", "day"): limits.invites_per_day,
        ("invite", "week"): limits.invites_per_week,
        ("message", "day"): limits.messages_per_day,
        ("inmail", "day"): limits.inmails_per_day,
        ("profile", "day"): limits.profiles_per_day,
        ("withdraw", "day"): limits.withdrawals_per_day,
    }
    return {key: most for key, most in given.items() if most is not None}


def _compile(steps: Iterable[Step], ops: list[Op]) -> None:
    for step in steps:
        if isinstance(step, ConditionStep):
            _branch(step, ops)
        else:
            ops.append(_op(step))


def _branch(step: ConditionStep, ops: list[Op]) -> None:
    test = len(ops)
    ops.append(Test(step.test, test + 1, step.within_days))
    _compile(step.then, ops)
    if step.otherwise:
        jump = len(ops)
        ops.append(Goto(jump + 1))
        ops[test] = Test(step.test, len(ops), step.within_days)
        _compile(step.otherwise, ops)
        ops[jump] = Goto(len(ops))
    else:
        ops[test] = Test(step.test, len(ops), step.within_days)


def _op(
    step: InviteStep | MessageStep | InMailStep | ViewProfileStep | WithdrawStep | WaitStep,
) -> Act | Wait:
    match step:
        case InviteStep():
            texts = _texts(step)
            return Act("invite", texts, step.note_exhausted if texts else None)
        case MessageStep():
            return Act("message", _texts(step))
        case InMailStep():
            return Act("inmail", _texts(step))
        case ViewProfileStep():
            return Act("view_profile")
        case WithdrawStep():
            return Act("withdraw")
        case WaitStep(days=int(days)):
            return Wait(days=days)
        case WaitStep():
            minutes = step.minutes or round((step.hours or 0) * 60)
            return Wait(minutes=max(1, minutes))


def _texts(step: InviteStep | MessageStep | InMailStep) -> tuple[Text, ...]:
    subject = step.subject if isinstance(step, InMailStep) else None
    if step.variants:
        return tuple(Text(v.text, v.name, v.weight, v.subject or subject) for v in step.variants)
    text = step.note if isinstance(step, InviteStep) else step.text
    return () if text is None else (Text(text, subject=subject),)

"""Simulated outreach: days that go by, and a judge who sees what must not be."""

from datetime import UTC, datetime, timedelta

import pytest

from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.testing.faults import outreach
from syncflow_dagster.testing.faults.outreach import OutreachCase, outreach_cases
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.outreach import judge
from syncflow_dagster.testing.outreach.driver import Course, Happening
from syncflow_dagster.testing.outreach.judge import Verdict

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
NOBODY = judge._NOBODY


def _row(**values):
    usual = {
        "lead_id": 1,
        "state": "completed",
        "reason": None,
        "enrolled_at": NOON,
        "invited_at": NOON,
        "connected_at": None,
        "known_at": None,
        "account_id": "a",
        "last_confirmed": False,
        "in_question": False,
    }
    return usual | values


def _connection(at):
    return {"account": "a", "detectable_at": at.isoformat()}


def test_half_a_day_goes_by_with_a_kill_and_a_lost_reply(postgres_url):
    lost = {"kind": "lost_reply", "op": "invite", "nth": 2, "times": 1}
    happenings = [
        Happening(timedelta(), faults=[lost]),
        # The first working day begins half an hour later; before it nothing is sent.
        Happening(timedelta(hours=6), crash_at="deliver.sent"),
    ]
    case = OutreachCase("F1", 12, 2, timedelta(days=0.5), {}, happenings)
    result = outreach._run(FaultResult("half a day", "F1"), case, case.people, postgres_url)
    assert result.trouble == ""
    assert result.passed
    assert result.figures["leads"] >= 10


@pytest.mark.parametrize(
    ("known", "fits", "does_not"),
    [
        ({"first_reply_at": "2026-11-03T13:00:00+00:00"}, "replied", "connected"),
        ({"opted_out_at": "2026-11-03T13:00:00+00:00"}, "suppressed", "replied"),
        ({"first_reply_at": "2026-11-03T11:00:00+00:00"}, "invite_sent", "replied"),
        ({"messages": [{"by": "owner", "before": False}]}, "paused", "connected"),
        ({"invitations": [{"by": "person", "outcome": "PENDING"}]}, "needs_review", "connected"),
        ({}, "completed", "replied"),
    ],
)
def test_a_lead_fits_what_happened_to_the_person(known, fits, does_not):
    wanted = judge._fitting(_row(), {**NOBODY, **known})
    assert LeadState(fits) in wanted
    assert LeadState(does_not) not in wanted


def test_connections_count_where_they_could_be_known_and_only_where_they_are():
    told = NOON + timedelta(hours=2)
    cases = [
        (_row(connected_at=NOON, known_at=told), [_connection(NOON)]),
        (_row(connected_at=NOON, known_at=NOON + timedelta(days=2)), [_connection(NOON)]),
        (_row(), [_connection(NOON)]),
        (_row(connected_at=NOON, known_at=told), []),
        (_row(invited_at=None), [_connection(NOON)]),
    ]
    found = Verdict()
    for row, connections in cases:
        known = {**NOBODY, "connections": connections}
        judge._count_detection(found, row, known, NOON + timedelta(days=5))
    assert (found.connected, found.detected, found.in_time, found.false) == (3, 2, 1, 1)
    assert (found.recall, found.precision) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_every_promise_that_is_not_kept_is_told():
    verdict = Verdict(leads=100, right=90, connected=100, detected=95, in_time=95, false=1)
    verdict.wrongs["sends_after_reply"] = 2
    verdict.over_caps.append("anna: 30 invites most_in_24h, 10 allowed")
    verdict.finished, verdict.completed = 5, 4
    result = FaultResult("spoilt", "F29")
    course = Course(recoveries=[timedelta(minutes=6)], errors=["a trace"])
    outreach._hold(result, verdict, course, ["deliver.sent"])
    assert len(result.broken) == 9
    assert not result.passed


def test_accounts_are_held_to_their_tier():
    accounts = {
        "anna": {"tier": "free", "most_in_24h": {"invites": 11}, "most_in_7d": {"invites": 50}},
        "ben": {"tier": "premium", "most_in_24h": {"invites": 15}, "most_in_7d": {"messages": 9}},
    }
    assert judge._over_caps(accounts) == ["anna: 11 invites most_in_24h, 10 allowed"]


def test_the_long_simulations_kill_every_step_and_have_a_kind():
    cases = outreach_cases().values()
    assert [case.number for case in cases] == ["F29", "F3", "F13"]
    assert max(len(case.crash_points) for case in cases) > 15

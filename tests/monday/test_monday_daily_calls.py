"""The daily calls that are left: by monday's word, or else by our own count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncflow_dagster.core.budget import Budget
from syncflow_dagster.ledger.pauses import AccountPaused, Pause
from syncflow_dagster.nodes.monday.client import Answer, NoAnswer
from syncflow_dagster.nodes.monday.costs import DAILY_BUDGET
from syncflow_dagster.nodes.monday.preflight_account import read_daily_calls

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


class Account:
    """Answers as a client, and keeps count as budgets."""

    def __init__(self, answer, counted=None, pause=None):
        self.answer, self.pause = answer, pause
        ends = NOW + timedelta(minutes=1)
        self.budgets = [] if counted is None else [Budget(DAILY_BUDGET, 1_000, 1, counted, 0, ends)]
        self.outages = []

    def execute(self, _document):
        return self.answer

    def reserve(self, _cost):
        if self.pause:
            raise AccountPaused(self.pause)

    def settle(self, *_):
        pass

    def heard(self, outage):
        self.outages.append(outage)

    def read(self):
        return self.budgets


def answered(platform, errors=()):
    return Answer(200, {"platform_api": platform}, list(errors), {})


def told(total, **usage):
    days = [{"day": day.replace("_", "-").strip("d"), "usage": n} for day, n in usage.items()]
    return {"daily_limit": {"total": total}, "daily_analytics": {"by_day": days}}


REFUSED = [{"message": "not allowed", "path": ["platform_api"], "extensions": {"code": "x"}}]


@pytest.mark.parametrize(
    ("account", "left", "unknown"),
    [
        (Account(answered(told(10_000, d2026_11_22=40, d2026_11_21=900)), 7), 9_960, None),
        (Account(answered({"daily_limit": {"total": 5}, "daily_analytics": None}), 7), 5, None),
        (Account(answered(told(100, d2026_11_22=140))), 0, None),
        (Account(answered(None, REFUSED), 7), 993, "not allowed · x"),
        (Account(answered(None), None), None, "monday does not say"),
        (Account(NoAnswer("no answer", sent=True), 7), 993, "no answer"),
        (Account(None, None, Pause("used up", NOW)), None, "used up; next try at"),
    ],
)
def test_monday_s_word_goes_before_our_own_count(account, left, unknown):
    calls = read_daily_calls(account, account, NOW)
    assert calls.left == left
    assert (calls.unknown or "").startswith(unknown or "")
    assert (calls.unknown is None) == (unknown is None)
    # An account that is not there opens the breaker; one that refuses is there.
    assert bool(account.outages and account.outages[0]) == isinstance(account.answer, NoAnswer)

"""What monday says of the account: the daily calls it may still make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import outage_of
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.classify import describe, silence, whole_answer
from syncflow_dagster.nodes.monday.client import NoAnswer
from syncflow_dagster.nodes.monday.headers import readings_of

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.ledger.budgets import Budgets
    from syncflow_dagster.nodes.monday.client import Answer, MondayClient

_CALLS = """query {
  complexity { query after reset_in_x_seconds }
  platform_api { daily_limit { total } daily_analytics { by_day { day usage } } }
}"""


@dataclass(frozen=True, slots=True)
class DailyCalls:
    """The account's calls of one day (UTC).

    Attributes:
        total: Calls the account may make; None where nobody knows.
        used: Calls it has made today.
        unknown: Why monday does not say, if it does not; the figures are then our own count.
    """

    total: int | None = None
    used: int = 0
    unknown: str | None = None

    @property
    def left(self) -> int | None:
        """Calls that are left; None where nobody knows."""
        return None if self.total is None else max(0, self.total - self.used)


def read_daily_calls(client: MondayClient, budgets: Budgets, now: datetime) -> DailyCalls:
    """Ask how many daily calls are left; a token that may not know is no failure.

    Args:
        client: Where to ask.
        budgets: The account's budgets.
        now: The present, in UTC.
    """
    cost = costs.request(costs.READ)
    try:
        budgets.reserve(cost)
    except AccountPaused as paused:
        return _own(budgets, now, str(paused))
    answer = client.execute(_CALLS)
    if isinstance(answer, NoAnswer):
        budgets.settle(cost, {}, [])
        budgets.heard(outage_of(silence(answer)))
        return _own(budgets, now, answer.reason)
    budgets.settle(cost, {}, readings_of(answer))
    whole = whole_answer(answer)
    budgets.heard(None if whole is None else outage_of(whole))
    return _told(answer, now) or _own(budgets, now, describe((answer.errors or [{}])[0]))


def _own(budgets: Budgets, now: datetime, unknown: str) -> DailyCalls:
    """Return what we have counted ourselves, for want of monday's word."""
    for one in budgets.read():
        if one.name == costs.DAILY_BUDGET and one.window_ends_at > now:
            return DailyCalls(one.allowed, one.taken, unknown or "monday does not say")
    return DailyCalls(unknown=unknown or "monday does not say")


def _told(answer: Answer, now: datetime) -> DailyCalls | None:
    said: dict[str, Any] = (answer.data or {}).get("platform_api") or {}
    total = (said.get("daily_limit") or {}).get("total")
    if total is None:
        return None
    days = (said.get("daily_analytics") or {}).get("by_day") or ()
    today = now.strftime("%Y-%m-%d")
    return DailyCalls(total, sum(one["usage"] for one in days if one["day"].startswith(today)))

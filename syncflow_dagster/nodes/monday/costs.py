"""What requests cost and what an account may spend, as tables.

Sources: monday staff in the developer community on field weights (a mutation 30,000, an object 10,
a scalar 1), confirmed by the error sample "query cost 30001" in monday's changelog; limits from
developer.monday.com, pages "rate limits" and "importing items in bulk". The service's own word in
every answer corrects what we reckon here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.budget import Limit

if TYPE_CHECKING:
    from collections.abc import Iterable

MUTATION = 30_000
OBJECT = 10
SCALAR = 1
#: `items_page_by_column_values`, and a page of items with values, dearest case seen.
KEY_SEARCH = 100_000
READ = 15_000

#: Points of one mutation that asks for the id, by kind of effect. No source tells them apart.
WEIGHTS = dict.fromkeys(
    (
        "create_group",
        "create_item",
        "create_subitem",
        "change_item",
        "change_subitem",
        "set_links",
        "set_status",
        "move_item",
        "archive_item",
        "archive_subitem",
    ),
    MUTATION + OBJECT + SCALAR,
)

#: Names of the budgets; the first three as monday's RateLimit headers call them.
COMPLEXITY_BUDGET = "complexityMinute"
REQUEST_BUDGET = "minuteRate"
CONCURRENCY_BUDGET = "concurrency"
DAILY_BUDGET = "dailyCalls"
INGEST_ITEMS_BUDGET = "ingestItemsHour"
INGEST_JOBS_BUDGET = "ingestJobsHour"

#: What a bulk job draws on.
JOB_BUDGETS = (
    COMPLEXITY_BUDGET,
    REQUEST_BUDGET,
    CONCURRENCY_BUDGET,
    DAILY_BUDGET,
    INGEST_ITEMS_BUDGET,
    INGEST_JOBS_BUDGET,
)

WINDOW_S = 60.0
_HOUR_S = 3_600.0
_DAY_S = 86_400.0
#: Points a window holds for the smallest accounts; larger ones are learnt from the first answer.
FIRST_COMPLEXITY = 1_000_000
#: Seconds beyond its time-out for which a request may count as on its way.
_LAST_FLIGHT_S = 60.0

#: Calls a day of a plan, by its requests per minute, which every answer tells. Free, Basic and
#: Standard share a line.
CALLS_PER_DAY = {1_000: 1_000, 2_500: 10_000, 5_000: 25_000}


def limits(timeout_s: float) -> dict[str, Limit]:
    """Return an account's budgets before it has said anything.

    Those that answers tell begin at the smallest plan's; the calls of a day, which none tells, at
    the largest's, so that no account is held up for a guess.

    Args:
        timeout_s: Seconds after which a request is given up.
    """
    return {
        COMPLEXITY_BUDGET: Limit(FIRST_COMPLEXITY, WINDOW_S),
        REQUEST_BUDGET: Limit(min(CALLS_PER_DAY), WINDOW_S),
        CONCURRENCY_BUDGET: Limit(40, timeout_s + _LAST_FLIGHT_S, "flight"),
        DAILY_BUDGET: Limit(max(CALLS_PER_DAY.values()), _DAY_S, "day"),
        INGEST_ITEMS_BUDGET: Limit(19_000, _HOUR_S),
        INGEST_JOBS_BUDGET: Limit(100, _HOUR_S),
    }


def mutations(kinds: Iterable[str]) -> int:
    """Return the points of a document with one mutation of each of these kinds of effect."""
    return sum(WEIGHTS[kind] for kind in kinds) + OBJECT


def request(points: int, requests: int = 1) -> dict[str, int]:
    """Return what requests that follow each other cost, by budget.

    Args:
        points: Complexity points of all of them.
        requests: How many there are.
    """
    return {
        COMPLEXITY_BUDGET: points,
        REQUEST_BUDGET: requests,
        CONCURRENCY_BUDGET: 1,
        DAILY_BUDGET: requests,
    }

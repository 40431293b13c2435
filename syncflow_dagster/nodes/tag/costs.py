"""What requests of a tag node cost, and what an org may spend.

Sources: REST API Developer Guide, page "headers_api_usage"; Salesforce Developer Limits, page
"API Request Limits and Allocations": so many requests in 24 hours, by edition and licences, and 25
at a time that take longer than 20 seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.budget import Limit, Reading
from syncflow_dagster.core.outcomes import Retry, Stop
from syncflow_dagster.nodes.salesforce.quota import DAILY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncflow_dagster.core.outcomes import Outcome
    from syncflow_dagster.nodes.salesforce.quota import Usage

CONCURRENCY = "concurrent_requests"
#: Requests of a day until an answer tells: those of a Developer Edition, the fewest there are.
FIRST_DAILY = 15_000
_AT_A_TIME = 25
_DAY_S = 86_400.0
#: Seconds beyond its time-out for which a request may count as on its way.
_LAST_FLIGHT_S = 60.0
#: Requests the gate may take for 200 records: the Consent API, the records, their Individuals,
#: consents of two kinds and their purposes, each asked for a second time at the worst.
GATE = 14
#: Records one look of the gate, and one request that writes, is for.
BATCH = 200


def limits(timeout_s: float) -> dict[str, Limit]:
    """Return an org's budgets before it has said anything.

    Args:
        timeout_s: Seconds after which a request is given up.
    """
    return {
        DAILY: Limit(FIRST_DAILY, _DAY_S, "day"),
        CONCURRENCY: Limit(_AT_A_TIME, timeout_s + _LAST_FLIGHT_S, "flight"),
    }


def requests(number: int) -> dict[str, int]:
    """Return what so many requests cost that follow each other."""
    return {DAILY: number, CONCURRENCY: 1}


def batches(records: int) -> int:
    """Return how many requests so many records take."""
    return -(-records // BATCH)


def readings(usage: Usage, outcomes: Iterable[Outcome]) -> list[Reading]:
    """Return what the org has said about its budgets, in its headers or by refusing."""
    limited = [one for one in outcomes if isinstance(one, Retry | Stop) and one.limit == DAILY]
    if limited:
        return [Reading(DAILY, remaining=0, resets_in_s=limited[0].after_s)]
    if usage.used is None or not usage.allowed:
        return []
    return [Reading(DAILY, allowed=usage.allowed, remaining=max(0, usage.allowed - usage.used))]

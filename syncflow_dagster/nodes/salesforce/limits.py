"""All limits of an org, as the resource `limits` tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.errors import QuotaReached

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

API_REQUESTS = "DailyApiRequests"
#: What a bulk query needs of 24 hours.
BULK_QUERY = ("DailyBulkV2QueryJobs", "DailyBulkV2QueryFileStorageMB")


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit.

    Attributes:
        most: What is allowed.
        left: What is left of it.
    """

    most: int
    left: int


def read_limits(client: SalesforceClient) -> dict[str, Limit]:
    """Return all limits by name; the client learns from them how many requests are used.

    Raises:
        SourceUnavailableError: They cannot be had now.
        QueryFailedError: Nor later.
    """
    body = ask(client, "limits", "the org's limits").body
    found = {
        str(name): Limit(int(one["Max"]), int(one["Remaining"]))
        for name, one in (body if isinstance(body, dict) else {}).items()
        if isinstance(one, dict) and {"Max", "Remaining"} <= one.keys()
    }
    if requests := found.get(API_REQUESTS):
        client.quota.learn(requests.most - requests.left, requests.most)
    return found


def check_bulk(limits: Mapping[str, Limit], names: tuple[str, ...], share: float) -> None:
    """Refuse a bulk job that would go beyond the org's ceiling.

    Args:
        limits: What `read_limits` gives; limits that are not in it are not looked at.
        names: Those the job needs, such as `BULK_QUERY`.
        share: The connection's `org_share`.

    Raises:
        QuotaReached: It would.
    """
    for name in names:
        limit = limits.get(name)
        if limit is not None and limit.most and limit.most - limit.left >= share * limit.most:
            msg = (
                f"{limit.most - limit.left} of {limit.most} {name} of 24 hours are used, and the "
                f"connection's org_share allows {share:.0%}: wait, or raise org_share"
            )
            raise QuotaReached(msg)

"""Which API reads a query: REST for few records, Bulk API 2.0 for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from syncflow_dagster.core.soql.split import Parts

Api = Literal["rest", "bulk"]
#: Objects Bulk API 2.0 does not read, as far as they are known; what else it refuses is read by
#: REST once it has.
#: Sources: Airbyte's source-salesforce, UNSUPPORTED_BULK_API_SALESFORCE_OBJECTS, and
#: https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm
NOT_IN_BULK = frozenset(
    {
        "acceptedeventrelation",
        "casestatus",
        "contractstatus",
        "declinedeventrelation",
        "fieldsecurityclassification",
        "knowledgearticle",
        "knowledgearticleversion",
        "knowledgearticleversionhistory",
        "knowledgearticleviewstat",
        "knowledgearticlevotestat",
        "orderstatus",
        "partnerrole",
        "recentlyviewed",
        "serviceappointmentstatus",
        "solutionstatus",
        "taskpriority",
        "taskstatus",
        "undecidedeventrelation",
        "workorderlineitemstatus",
        "workorderstatus",
    }
)


@dataclass(frozen=True, slots=True)
class Choice:
    """An API, and why it is taken."""

    api: Api
    why: str


def choose(
    wanted: Literal["auto", "rest", "bulk"],
    owner: str,
    records: int | None,
    bulk_from: int,
    parts: Parts | None,
) -> Choice:
    """Choose the API for a query.

    Args:
        wanted: What the workflow file says.
        owner: The object.
        records: Records the query is to find; None where they could not be counted.
        bulk_from: Records from which Bulk API 2.0 is taken.
        parts: The query in parts for REST; None where it does not fit into an address.
    """
    if wanted != "auto":
        return Choice(wanted, "the workflow file says so")
    if owner.lower() in NOT_IN_BULK:
        return Choice("rest", f"Bulk API 2.0 does not read {owner}")
    if parts is None:
        return Choice("bulk", "the query is too long for an address")
    if records is None:
        return Choice("bulk", "the records could not be counted")
    if records >= bulk_from:
        return Choice("bulk", f"{records:,} records, bulk_from is {bulk_from:,}")
    return Choice("rest", f"{records:,} records, fewer than bulk_from, {bulk_from:,}")

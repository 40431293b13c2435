"""The API that reads a pull node's query, and the parts it is read in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql.choice import choose
from syncflow_dagster.core.soql.split import TooLongError, for_bulk, for_rest
from syncflow_dagster.nodes.pull.ports import SourceError
from syncflow_dagster.nodes.salesforce.errors import QuotaReached
from syncflow_dagster.nodes.salesforce.reading import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.core.soql.choice import Choice
    from syncflow_dagster.core.soql.split import Parts
    from syncflow_dagster.core.soql.write import Query
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.workflows.models import SalesforcePullNode

#: Parts of a query that are counted, each by a request; of more the number is not told.
_MOST_COUNTED = 10


@dataclass(frozen=True, slots=True)
class Chosen:
    """How a query is read.

    Attributes:
        choice: The API, and why.
        parts: The query, or its parts.
        by_rest: The parts for REST; None where some part does not fit into an address.
        records: Records that are found; None where that is not known.
        uncounted: Why it is not known.
    """

    choice: Choice
    parts: Parts
    by_rest: Parts | None
    records: int | None
    uncounted: str


def choose_api(
    client: SalesforceClient,
    node: SalesforcePullNode,
    query: Query,
    also: Sequence[str] = (),
    reserve: str = "",
    *,
    always_count: bool = False,
) -> Chosen:
    """Count the records where that decides, and choose.

    Args:
        client: The org.
        node: What says which API is wished.
        query: Its query.
        also: Further conditions of this read.
        reserve: Text as long as all that is added to a part.
        always_count: Whether the number is wanted where it decides nothing, too.

    Raises:
        TooLongError: The query is too long for the API, and cannot be split.
        QuotaReached: No more requests may be sent.
    """
    try:
        rest = for_rest(query, reserve)
    except TooLongError:
        if node.api == "rest":
            raise
        rest = None
    records, uncounted = None, "the API is given"
    if node.api == "auto" or always_count:
        records, uncounted = _counted(client, rest, also, deleted=node.with_deleted)
    choice = choose(node.api, query.owner, records, node.bulk_from, rest)
    parts = rest if choice.api == "rest" and rest is not None else for_bulk(query, reserve)
    return Chosen(choice, parts, rest, records, uncounted)


def _counted(
    client: SalesforceClient, parts: Parts | None, also: Sequence[str], *, deleted: bool
) -> tuple[int | None, str]:
    """Return the number of records, or why it is not known."""
    if parts is None:
        return None, "the query is too long for an address"
    if len(parts.queries) > _MOST_COUNTED:
        return None, f"that would take {len(parts.queries)} requests"
    try:
        found = (count(client, one.count_text(*also), deleted=deleted) for one in parts.queries)
        return sum(found), ""
    except QuotaReached:
        raise
    except SourceError as error:
        return None, str(error)

"""How far an org can tell what changed of an object.

REST API Developer Guide, page "resources_getupdated": changes that began earlier may be committed
later, so a later question begins at `latestDateCovered`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.client import resource

if TYPE_CHECKING:
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

_SHORTEST = timedelta(minutes=1)


def covered_to(client: SalesforceClient, name: str, since: datetime, until: datetime) -> datetime:
    """Return the instant up to which the org has told every change of a time.

    Args:
        client: Where to ask.
        name: API name of the object.
        since: Where the time begins, at most 30 days ago; aware.
        until: Where it ends, at least a minute later; aware.

    Raises:
        SourceUnavailableError: The org does not answer.
        QueryFailedError: It refuses, as of a time too long ago, or of an object it keeps no log of.
    """
    params = {"start": _iso(since), "end": _iso(max(until, since + _SHORTEST))}
    what = f"the updated records of {name}"
    body = ask(client, resource("sobjects", name, "updated"), what, params=params).body
    if not isinstance(body, dict) or "latestDateCovered" not in body:
        msg = f"{what}: Salesforce answers without latestDateCovered"
        raise QueryFailedError(msg)
    return datetime.fromisoformat(str(body["latestDateCovered"])).astimezone(UTC)


def _iso(instant: datetime) -> str:
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone means another one in each place")
    return instant.astimezone(UTC).isoformat(timespec="seconds")

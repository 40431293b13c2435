"""Which records of an object changed or were deleted in a time, and how far the org can tell.

REST API Developer Guide, pages "resources_getupdated" and "resources_getdeleted": changes that
began earlier may be committed later, so a later question begins at `latestDateCovered`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.client import resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Changed:
    """Records of a time.

    Attributes:
        ids: Their Ids, 18 characters.
        covered_to: Instant up to which the org has told every change.
    """

    ids: Sequence[str]
    covered_to: datetime


def updated(client: SalesforceClient, name: str, since: datetime, until: datetime) -> Changed:
    """Return the records made or changed since an instant and before another.

    Args:
        client: Where to ask.
        name: API name of the object.
        since: At most 30 days ago; aware.
        until: At least a minute later; aware.

    Raises:
        SourceUnavailableError: The org does not answer.
        QueryFailedError: It refuses, as of a time too long ago.
    """
    body = _asked(client, name, "updated", since, until)
    return Changed([str(one) for one in body["ids"]], _instant(body))


def deleted(client: SalesforceClient, name: str, since: datetime, until: datetime) -> Changed:
    """Return the records deleted since an instant and before another.

    Args:
        client: Where to ask.
        name: API name of the object.
        since: At most 15 days ago; aware.
        until: At least a minute later; aware.

    Raises:
        SourceUnavailableError: The org does not answer.
        QueryFailedError: It refuses, as of a time too long ago.
    """
    body = _asked(client, name, "deleted", since, until)
    return Changed([str(one["id"]) for one in body["deletedRecords"]], _instant(body))


def _asked(
    client: SalesforceClient, name: str, which: str, since: datetime, until: datetime
) -> dict[str, Any]:
    params = {"start": _iso(since), "end": _iso(max(until, since + _SHORTEST))}
    what = f"the {which} records of {name}"
    body = ask(client, resource("sobjects", name, which), what, params=params).body
    wanted = {"latestDateCovered", "ids" if which == "updated" else "deletedRecords"}
    if not isinstance(body, dict) or not wanted <= body.keys():
        msg = f"{what}: Salesforce answers without {' or '.join(sorted(wanted))}"
        raise QueryFailedError(msg)
    return body


def _iso(instant: datetime) -> str:
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone means another one in each place")
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def _instant(body: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(str(body["latestDateCovered"])).astimezone(UTC)

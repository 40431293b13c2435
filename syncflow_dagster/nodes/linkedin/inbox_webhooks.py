"""The webhooks of a tenant: which there are, and those the receiver needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.linkedin.errors import refusal
from syncflow_dagster.nodes.linkedin.receiver import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncflow_dagster.nodes.linkedin.client import Answer, NoAnswer, UnipileClient

#: What is asked for of each source. Hooks for states tell of OK, CONNECTING and STOPPED only where
#: they are named.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "messaging": ("message_received",),
    "users": ("new_relation",),
    "account_status": (
        "creation_success",
        "deleted",
        "reconnected",
        "sync_success",
        "stopped",
        "ok",
        "connecting",
        "error",
        "credentials",
        "permissions",
    ),
}
_PAGES, _PAGE = 20, 250


class HooksUnavailable(RuntimeError):
    """Unipile's webhooks could not be read or made; the text says why."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of the tenant.

    Attributes:
        id: Unipile's id of it.
        source: messaging, users or account_status; others there may be, too.
        url: Where it is delivered.
        enabled: Whether it is.
    """

    id: str
    source: str
    url: str
    enabled: bool


def hooks(client: UnipileClient) -> list[Hook]:
    """Return the tenant's webhooks.

    Raises:
        HooksUnavailable: They could not be read.
    """
    found: list[Hook] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        params: dict[str, str | int] = {"limit": _PAGE}
        body = _checked(
            client.get(
                "webhooks", params=params if cursor is None else {**params, "cursor": cursor}
            )
        )
        items = list(_hooks(body.get("items")))
        news = [one for one in items if one not in found]
        found += news
        cursor = body.get("cursor")
        if not isinstance(cursor, str) or not news:
            break
    return found


def register(
    client: UnipileClient, url: str, secret: str, account_ids: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Make the webhooks that are not there yet.

    Args:
        client: The tenant.
        url: Address of the receiver as Unipile reaches it, the tenant's name at its end.
        secret: What each delivery carries in the header `Unipile-Auth`.
        account_ids: Unipile's ids of the accounts; none means all of the tenant, which is needed
            for events that are told on a sibling.

    Returns:
        Sources of webhooks that were made, and of those that were there.

    Raises:
        HooksUnavailable: Unipile refuses one.
    """
    there = {one.source for one in hooks(client) if one.url == url and one.enabled}
    made: list[str] = []
    for source, events in EVENTS.items():
        if source in there:
            continue
        headers = [(HEADER, secret), ("Content-Type", "application/json")]
        body: dict[str, Any] = {
            "request_url": url,
            "source": source,
            "name": f"syncflow {source}",
            "format": "json",
            "enabled": True,
            "events": list(events),
            "headers": [{"key": key, "value": value} for key, value in headers],
        }
        if account_ids:
            body["account_ids"] = list(account_ids)
        _checked(client.post_json("webhooks", body=body))
        made.append(source)
    return made, sorted(there & set(EVENTS))


def _checked(answer: Answer | NoAnswer) -> Mapping[str, Any]:
    refused = refusal(answer)
    if refused is not None:
        raise HooksUnavailable(refused.reason)
    return getattr(answer, "body", None) or {}


def _hooks(items: object) -> Iterator[Hook]:
    for one in items if isinstance(items, list) else ():
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            source, url = str(one.get("source")), str(one.get("request_url"))
            yield Hook(one["id"], source, url, enabled=one.get("enabled") is not False)

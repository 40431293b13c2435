"""The tenant's own things: its accounts, and who is to be told of what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from syncflow_dagster.sandbox.transport import check_loopback
from syncflow_dagster.sandbox.unipile import shapes
from syncflow_dagster.sandbox.unipile.cursors import decode, encode
from syncflow_dagster.sandbox.unipile.errors import ApiError
from syncflow_dagster.sandbox.unipile.model import AccountStatus, Webhook
from syncflow_dagster.sandbox.unipile.routes import ApiRoute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from syncflow_dagster.sandbox.unipile.call import Call

#: What can be told, by source.
EVENTS: dict[str, frozenset[str]] = {
    "messaging": frozenset(
        {"message_received", "message_read", "message_reaction", "message_edited",
         "message_deleted", "message_delivered"},
    ),
    "users": frozenset({"new_relation"}),
    "account_status": frozenset(
        {"creation_success", "creation_fail", "deleted", "reconnected", "sync_success", "stopped",
         "ok", "connecting", "error", "credentials", "permissions"},
    ),
}  # fmt: skip


def accounts(call: Call) -> Response:
    """`GET /accounts`."""
    held = list(call.runtime.store.accounts.values())
    return _page(call, "AccountList", [shapes.account(one, live=call.live) for one in held])


def account(call: Call) -> Response:
    """`GET /accounts/{account_id}`: its state is that of now."""
    return call.answer(shapes.account(call.account(call.path["account_id"]), live=call.live))


def restart(call: Call) -> Response:
    """`POST /accounts/{account_id}/restart`: helps a session that is frozen, not one locked out."""
    found = call.account(call.path["account_id"])
    if found.status in (AccountStatus.CREDENTIALS, AccountStatus.PERMISSIONS):
        return call.answer({"object": "AccountFailedToRestart"})
    call.runtime.store.set_status(found, AccountStatus.OK, restricted=found.restricted)
    return call.answer({"object": "AccountRestarted"})


def webhooks(call: Call) -> Response:
    """`GET /webhooks`."""
    held = call.runtime.store.webhooks.values()
    return _page(call, "WebhookList", [shapes.webhook(one) for one in held])


def create_webhook(call: Call) -> Response:
    """`POST /webhooks`."""
    body = call.json()
    for name in ("request_url", "source"):
        if not isinstance(body.get(name), str):
            raise ApiError("missing_parameters", f"{name} is required.")
    made = Webhook(
        id=call.runtime.store.new_id("webhook"),
        request_url=_address(body["request_url"]),
        source=body["source"],
        name=body.get("name"),
        format=body.get("format", "json"),
        enabled=body.get("enabled", True) is True,
        events=_events(body["source"], body.get("events")),
        account_ids=_account_ids(call, body.get("account_ids")),
        headers=_pairs(body, "headers", ("key", "value")),
        data=_pairs(body, "data", ("name", "key")),
    )
    call.runtime.store.add_webhook(made)
    return call.answer({"object": "WebhookCreated", "webhook_id": made.id}, 201)


def _address(url: str) -> str:
    try:
        check_loopback(urlsplit(url).hostname or "")
    except ValueError:
        text = "request_url: the sandbox calls addresses of this machine only."
        raise ApiError("invalid_parameters", text) from None
    return url


def _events(source: str, given: object) -> tuple[str, ...]:
    if source not in EVENTS:
        known = ", ".join(sorted(EVENTS))
        raise ApiError("invalid_parameters", f"source must be one of {known}.")
    if given is None:
        return ()
    if not isinstance(given, list) or not set(given) <= EVENTS[source]:
        known = ", ".join(sorted(EVENTS[source]))
        raise ApiError("invalid_parameters", f"events must be of {known}.")
    return tuple(given)


def _account_ids(call: Call, given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list):
        raise ApiError("invalid_parameters", "account_ids must be a list.")
    return tuple(call.account(one).id for one in given)


def _pairs(
    body: Mapping[str, Any], name: str, keys: tuple[str, str]
) -> tuple[tuple[str, str], ...]:
    given = body.get(name) or []
    first, second = keys
    try:
        return tuple((str(one[first]), str(one[second])) for one in given)
    except (TypeError, KeyError):
        text = f"{name} must be a list of objects with {first} and {second}."
        raise ApiError("invalid_parameters", text) from None


def delete_webhook(call: Call) -> Response:
    """`DELETE /webhooks/{webhook_id}`."""
    if call.runtime.store.webhooks.pop(call.path["webhook_id"], None) is None:
        raise ApiError("resource_not_found", "Webhook not found.")
    return call.answer({"object": "WebhookDeleted"})


def _page(call: Call, name: str, rows: list[dict[str, Any]]) -> Response:
    """A page of a short list, whose cursor is its last row's id."""
    limit = call.number("limit", 100, 250)
    start = 0
    if (cursor := call.query.get("cursor")) is not None:
        last = decode(cursor).get("cursor", {}).get("last_id")
        ids = [row["id"] for row in rows]
        if last not in ids:
            raise ApiError("invalid_parameters", "The cursor is not valid.")
        start = ids.index(last) + 1
    page = rows[start : start + limit]
    if start + limit >= len(rows):
        return call.listed(name, page, None)
    last_id = {"last_id": page[-1]["id"]}
    return call.listed(name, page, encode({"limit": limit, "cursor": last_id}))


ROUTES = [
    ApiRoute("GET", "/accounts", "accounts", accounts),
    ApiRoute("GET", "/accounts/{account_id}", "accounts", account),
    ApiRoute("POST", "/accounts/{account_id}/restart", "restart", restart),
    ApiRoute("GET", "/webhooks", "webhooks", webhooks),
    ApiRoute("POST", "/webhooks", "webhooks", create_webhook),
    ApiRoute("DELETE", "/webhooks/{webhook_id}", "webhooks", delete_webhook),
]

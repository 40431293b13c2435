"""The receiver of Unipile's webhooks: keeps each event as it came, and answers at once.

Unipile waits 30 s for a 200, tries again five times with growing pauses, and then drops the event
(developer.unipile.com/docs/webhooks-2); it signs nothing, so a header with a secret is the check
there is. What an event means is found out later, by `process.process_inbox`.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from typing import TYPE_CHECKING, Any, Never

import psycopg
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from syncflow_dagster.nodes.linkedin.inbox import Inbox
from syncflow_dagster.nodes.linkedin.inbox_events import NotAnEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.store.database import Database

_LOG = logging.getLogger(__name__)

#: Header that carries the secret of the connection.
HEADER = "Unipile-Auth"
_LONGEST_BODY = 256 * 1024  # bytes; a message has 8,000 characters at most
_STORE_WITHIN_S = 20.0


def app(database: Database, clock: Clock, secrets: Mapping[str, str]) -> Starlette:
    """Return the application: `POST /unipile/{tenant}`.

    It answers 200 once the event is kept, also where it was kept before; 401 without the tenant's
    secret; 400 for what is no event, 413 for what is too long; 503 where the database is not
    there, so that the event is delivered again.

    Args:
        database: Where events are kept.
        clock: Database time.
        secrets: The secret of each tenant that is listened to, by the `account` of its connection.
    """
    receiver = _Receiver(database, clock, secrets)
    return Starlette(routes=[Route("/unipile/{tenant}", receiver.take, methods=["POST"])])


class _Receiver:
    def __init__(self, database: Database, clock: Clock, secrets: Mapping[str, str]) -> None:
        self._clock = clock
        self._secrets = {name: secret.encode() for name, secret in secrets.items()}
        self._inboxes = {name: Inbox(database, name) for name in secrets}

    async def take(self, request: Request) -> Response:
        """Keep one event."""
        tenant = request.path_params["tenant"]
        if not self._is_allowed(tenant, request.headers.get(HEADER, "")):
            return PlainTextResponse(f"the header {HEADER} is not right", 401)
        try:
            body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return PlainTextResponse(f"at most {_LONGEST_BODY} bytes", 413)
        try:
            decoded = _decoded(body)
            is_new = await asyncio.wait_for(
                run_in_threadpool(self._keep, tenant, decoded), _STORE_WITHIN_S
            )
        except NotAnEvent as error:
            _LOG.warning("a webhook of %s is no event: %s", tenant, error)
            return PlainTextResponse(str(error), 400)
        except psycopg.DataError as error:
            # What the database says of it further quotes the event.
            _LOG.warning("a webhook of %s cannot be kept: %s", tenant, error.diag.message_primary)
            return PlainTextResponse("it cannot be kept", 400)
        except (psycopg.OperationalError, TimeoutError):
            _LOG.warning("a webhook of %s could not be kept: the database is not there", tenant)
            return PlainTextResponse("try again", 503)
        return PlainTextResponse("kept" if is_new else "known")

    def _is_allowed(self, tenant: str, given: str) -> bool:
        # Compared also where there is no such tenant: the time taken tells nothing.
        secret = self._secrets.get(tenant, b"")
        return hmac.compare_digest(secret, given.encode()) and bool(secret)

    def _keep(self, tenant: str, body: dict[str, Any]) -> bool:
        return self._inboxes[tenant].keep(body, self._clock.now())


async def _read(request: Request) -> bytes | None:
    """Return the body, or None where it is too long; the rest is not read then."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > _LONGEST_BODY:
            return None
    return bytes(found)


def _decoded(body: bytes) -> dict[str, Any]:
    # Whatever the content type says: hooks made through the API send none.
    try:
        decoded = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotAnEvent("it is not JSON") from None
    if not isinstance(decoded, dict):
        raise NotAnEvent("it is no JSON object")
    return {_storable(name): _storable(value) for name, value in decoded.items()}


def _refuse(name: str) -> Never:
    msg = f"{name} is no number of JSON"
    raise ValueError(msg)


def _storable(value: Any) -> Any:
    """Replace what PostgreSQL's `jsonb` cannot hold: NUL, and halves of surrogate pairs."""
    if isinstance(value, str):
        return (
            value.replace("\0", "\ufffd")
            .encode("utf-16", "surrogatepass")
            .decode("utf-16", "replace")
        )
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value

"""A request's way to its handler: version, who, how often, what, and with what luck."""

from __future__ import annotations

import json
import re
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.responses import Response

from syncflow_dagster.sandbox.salesforce.call import JSON_TYPE, Call
from syncflow_dagster.sandbox.salesforce.drawn import DrawnFaults, page
from syncflow_dagster.sandbox.salesforce.errors import (
    ApiError,
    RowError,
    request_limit,
    session_expired,
)
from syncflow_dagster.sandbox.salesforce.records import SERVICE, WriteOptions
from syncflow_dagster.sandbox.transport import CutConnection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from syncflow_dagster.sandbox.faults import FaultSpec
    from syncflow_dagster.sandbox.salesforce.routes import ApiRoute, Routes
    from syncflow_dagster.sandbox.salesforce.runtime import Runtime

# URI and headers together; what is longer meets the edge's own page.
URI_LIMIT = 16_384
OLDEST, NEWEST = 31, 66
# A fault's `text` is looked for in so many bytes of a body.
_READ_FOR_FAULTS = 1_000_000
_ROOT = re.compile(r"/services/data/v(\d+)\.0(/.*)?")


class Gateway:
    """Answers everything below `/services/data/vXX.0`.

    Each request is checked for its length, its version and its token, counted against the day's
    quota, and then goes to its route's handler unless a fault hits it. Every answer tells the
    quota (`Sforce-Limit-Info`) and the sandbox's time (`Date`).

    Args:
        runtime: The org.
        routes: What there is to call.
    """

    def __init__(self, runtime: Runtime, routes: Routes) -> None:
        self._runtime = runtime
        self._routes = routes

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        runtime = self._runtime
        runtime.counts["requests"] += 1
        if _length(request) > URI_LIMIT:
            return page(431, "Request Header Fields Too Large")
        found = _ROOT.fullmatch(raw_path(request))
        if found is None:
            return _plain(ApiError(404, "NOT_FOUND", "The requested resource does not exist"))
        token = bearer(request)
        user = runtime.sessions.find(token)
        if user is None:
            runtime.counts["unauthorized"] += 1
            return _plain(session_expired())
        number = int(found[1])
        if not OLDEST <= number <= NEWEST:
            return _plain(_bad_version(number))
        if not runtime.use_request():
            runtime.counts["throttled"] += 1
            return self._dated(_plain(request_limit()))
        call = Call(
            runtime,
            request,
            await request.body(),
            runtime.org.viewer(user),
            f"{number}.0",
            {},
            DrawnFaults(()),
        )
        return self._dated(await self._routed(call, token or "", found[2] or "/"))

    def _dated(self, response: Response) -> Response:
        if not isinstance(response, CutConnection):
            response.headers["Sforce-Limit-Info"] = self._runtime.limit_info
        return response

    async def _routed(self, call: Call, token: str, below: str) -> Response:
        try:
            route, call.path = self._routes.find(call.request.method, below)
        except ApiError as error:
            return call.refusal(error)
        self._runtime.operations[route.op] += 1
        call.drawn = self._drawn(route, call, below)
        if call.drawn.first("expired_session") is not None:
            self._runtime.sessions.kill(token)
            return call.refusal(session_expired())
        instead = call.drawn.instead()
        if call.drawn.first("throttle") is not None:
            self._runtime.counts["throttled_injected"] += 1
        if isinstance(instead, ApiError):
            return call.refusal(instead)
        return await self._run(route, call) if instead is None else instead

    def _drawn(self, route: ApiRoute, call: Call, below: str) -> DrawnFaults:
        values = {
            "path": below,
            "query": dict(call.query),
            "body": call.body[:_READ_FOR_FAULTS].decode("utf-8", "replace"),
        }
        dial = self._runtime.world.faults
        kind = "write" if route.writes else "read"
        return DrawnFaults(dial.draw(SERVICE, kind, (route.op,), values))

    async def _run(self, route: ApiRoute, call: Call) -> Response:
        clock = self._runtime.world.clock
        delay_s = self._runtime.settings.latency_s + call.drawn.delay_s()
        if delay_s:
            await clock.sleep(delay_s)
        late = call.drawn.first("late_apply")
        if late is not None:
            return self._later(route, call, late)
        return _spoiled(call, self._handled(route, call))

    def _handled(self, route: ApiRoute, call: Call) -> Response:
        org = call.org
        org.options, org.lag_s = _write_options(call.request), call.drawn.lag_s()
        try:
            return route.handler(call)
        except ApiError as error:
            return call.refusal(error)
        except RowError as error:
            return call.refusal(error.top())
        finally:
            org.options, org.lag_s = WriteOptions(), 0.0

    def _later(self, route: ApiRoute, call: Call, late: FaultSpec) -> Response:
        def apply() -> None:
            self._handled(route, call)

        self._runtime.world.later.after(late.after_s or 0.0, apply)
        if late.reply == "cut":
            return CutConnection()
        return call.refusal(ApiError(503, "SERVER_UNAVAILABLE", "The server is busy"))


def _spoiled(call: Call, response: Response) -> Response:
    """The answer as it reaches the client."""
    if (lost := call.drawn.first("lost_reply")) is not None:
        return CutConnection(response if lost.mid_body and hasattr(response, "body") else None)
    after = call.drawn.first("error_after")
    if after is None:
        return response
    text = "An unexpected error occurred."
    return call.refusal(ApiError(after.status or 500, "UNKNOWN_EXCEPTION", text))


def raw_path(request: Request) -> str:
    """The path as it was sent, with its percent signs."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw.partition(b"?")[0].decode("ascii", "replace")


def bearer(request: Request) -> str | None:
    """The access token: `Authorization: Bearer ...`, or `OAuth ...`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else None


def _length(request: Request) -> int:
    query: bytes = request.scope.get("query_string", b"")
    headers = sum(len(name) + len(value) + 4 for name, value in request.scope["headers"])
    return len(raw_path(request)) + 1 + len(query) + headers


def _plain(error: ApiError) -> Response:
    """A refusal before anything is known about the caller."""
    return Response(json.dumps(error.body()), error.status, media_type=JSON_TYPE)


def _bad_version(number: int) -> ApiError:
    if number > NEWEST:
        return ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    text = f"This API version is no longer supported: v{number}.0"
    return ApiError(410, "UNSUPPORTED_API_VERSION", text)


def _write_options(request: Request) -> WriteOptions:
    header = request.headers.get("sforce-duplicate-rule-header", "")
    pairs = {
        name.strip().lower(): value.strip().lower()
        for name, _, value in (part.partition("=") for part in re.split("[;,]", header))
    }
    return WriteOptions(
        allow_save=pairs.get("allowsave") == "true",
        include_details=pairs.get("includerecorddetails") == "true",
    )


class Dated:
    """Middleware: every answer carries the sandbox's time, and is counted."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def around(
        self, handler: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The handler with `Date` on its answers."""

        async def endpoint(request: Request) -> Response:
            world = self._runtime.world
            world.later.run_due()
            self._runtime.settle()
            response = await handler(request)
            if not isinstance(response, CutConnection):
                response.headers["Date"] = format_datetime(world.clock.wall(), usegmt=True)
                self._runtime.statuses[response.status_code] += 1
            return response

        return endpoint

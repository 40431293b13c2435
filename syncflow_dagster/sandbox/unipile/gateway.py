"""A request's way to its handler: who, what, and with what luck."""

from __future__ import annotations

import asyncio
import json
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response, StreamingResponse

from syncflow_dagster.sandbox.transport import CutConnection
from syncflow_dagster.sandbox.unipile.call import Call
from syncflow_dagster.sandbox.unipile.errors import ApiError, of_status
from syncflow_dagster.sandbox.unipile.runtime import SERVICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from syncflow_dagster.sandbox.faults import FaultSpec
    from syncflow_dagster.sandbox.unipile.routes import ApiRoute
    from syncflow_dagster.sandbox.unipile.runtime import Runtime

KEY = "sandbox-unipile-key"
# What a fault's `op` can name.
OPERATIONS = frozenset(
    {"invite", "withdraw", "sent", "relations", "profile", "me", "chats", "messages",
     "send_message", "inmail", "inmail_balance", "accounts", "restart", "webhooks", "webhook",
     "read", "write"},
)  # fmt: skip
KINDS = frozenset(
    {"lost_reply", "error_before", "error_after", "throttle", "late_apply", "slow", "drip",
     "stale_reads", "html_error", "down", "hang", "repeat_page"},
)  # fmt: skip
_PAGES = frozenset({"same_cursor", "empty"})
_PAGE = "<html><head><title>{0}</title></head><body><h1>{0} Bad Gateway</h1></body></html>"
_SLICES = 20


def check_fault(spec: FaultSpec) -> None:
    """See that Unipile can have this fault.

    Raises:
        ValueError: It cannot.
    """
    if spec.kind not in KINDS:
        msg = f"kind: Unipile has no {spec.kind!r} (there is: {', '.join(sorted(KINDS))})"
        raise ValueError(msg)
    if spec.op is not None and spec.op not in OPERATIONS:
        msg = f"op: Unipile has no {spec.op!r} (there is: {', '.join(sorted(OPERATIONS))})"
        raise ValueError(msg)
    if spec.kind == "repeat_page" and spec.spelling not in {None, *_PAGES}:
        msg = f"spelling: repeat_page has {', '.join(sorted(_PAGES))}, not {spec.spelling!r}"
        raise ValueError(msg)
    if spec.forget_key:
        raise ValueError("forget_key: Unipile has no idempotency keys")


class Gateway:
    """Answers everything below `/api/v1`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def endpoint(self, route: ApiRoute) -> Callable[[Request], Awaitable[Response]]:
        """What answers the requests of a route."""

        async def answer(request: Request) -> Response:
            world = self._runtime.world
            world.later.run_due()
            self._runtime.counts["requests"] += 1
            call = Call(self._runtime, request, await request.body(), request.path_params)
            response = await self._answer(route, call)
            if not isinstance(response, CutConnection):
                response.headers["Date"] = format_datetime(world.clock.wall(), usegmt=True)
                self._runtime.statuses[response.status_code] += 1
            return response

        return answer

    async def _answer(self, route: ApiRoute, call: Call) -> Response:
        if call.request.headers.get("x-api-key") != KEY:
            self._runtime.counts["unauthorized"] += 1
            return call.refusal(ApiError("missing_credentials"))
        call.op = route.word(call)
        self._runtime.operations[call.op] += 1
        call.faults = self._drawn(call)
        instead = await self._instead(call)
        if instead is not None:
            return instead
        slow = call.faults.get("slow")
        delay_s = self._runtime.settings.latency_s
        delay_s += (slow.delay_s or 0.0) if slow is not None else 0.0
        if delay_s:
            await self._runtime.world.clock.sleep(delay_s)
        late = call.faults.get("late_apply")
        if late is not None:
            return self._later(route, call, late)
        return _spoiled(call, self._handled(route, call))

    def _drawn(self, call: Call) -> dict[str, FaultSpec]:
        values = {
            "path": call.request.url.path,
            "query": dict(call.query),
            "body": call.body.decode("utf-8", "replace"),
        }
        kind = "read" if call.request.method == "GET" else "write"
        drawn = self._runtime.world.faults.draw(SERVICE, kind, (call.op,), values)
        return {one.spec.kind: one.spec for one in drawn}

    async def _instead(self, call: Call) -> Response | None:
        """The answer that replaces everything; nothing is then done."""
        if "hang" in call.faults:
            return await _hang(call.request)
        if "throttle" in call.faults:
            self._runtime.counts["throttled_injected"] += 1
            return call.refusal(ApiError("too_many_requests"))
        if (before := call.faults.get("error_before")) is not None:
            return call.refusal(_error(before))
        if (html := call.faults.get("html_error")) is not None:
            status = html.status or 502
            return HTMLResponse(_PAGE.format(status), status)
        return None

    def _handled(self, route: ApiRoute, call: Call) -> Response:
        refusal: ApiError | None = None
        try:
            response = route.handler(call)
        except ApiError as error:
            refusal, response = error, call.refusal(error)
        if call.of is not None:
            for told in self._runtime.on_answer:
                told(call.of, call.op, None if refusal is None else refusal.kind)
        return response

    def _later(self, route: ApiRoute, call: Call, late: FaultSpec) -> Response:
        def apply() -> None:
            self._handled(route, call)

        self._runtime.world.later.after(late.after_s or 0.0, apply)
        if late.reply == "cut":
            return CutConnection()
        return call.refusal(ApiError("request_timeout"))


async def _hang(request: Request) -> Response:
    """No answer, until the client gives up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return CutConnection()


def _error(spec: FaultSpec) -> ApiError:
    if spec.spelling is None:
        return of_status(spec.status or 500)
    return ApiError(spec.spelling, status=spec.status)


def _spoiled(call: Call, response: Response) -> Response:
    """The answer as it reaches the client."""
    if (lost := call.faults.get("lost_reply")) is not None:
        return CutConnection(response if lost.mid_body else None)
    if (after := call.faults.get("error_after")) is not None:
        return call.refusal(of_status(after.status or 500))
    if (drip := call.faults.get("drip")) is not None:
        return _dripping(response, drip.delay_s or 0.0)
    return response


def _dripping(response: Response, seconds: float) -> Response:
    """The answer's body in small pieces, which take `seconds` altogether.

    These are always real seconds: a client whose clock stands still is still kept reading.
    """
    body = bytes(response.body)
    step = max(1, -(-len(body) // _SLICES))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), step):
            yield body[start : start + step]
            await asyncio.sleep(seconds / _SLICES)

    return StreamingResponse(pieces(), response.status_code, media_type=response.media_type)


async def no_route(request: Request) -> Response:
    """A path that there is not: as the framework of the service words it."""
    text = f"Cannot {request.method} {request.url.path}"
    told = {"title": "Resource not found", "type": "errors/resource_not_found", "status": 404}
    content = json.dumps({**told, "detail": text})
    return Response(content, 404, media_type="application/json; charset=utf-8")

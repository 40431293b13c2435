"""The control endpoints: the judge's log, the fault dial, the clock, seeds and counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from syncflow_dagster.sandbox.faults import FaultSpec, parse_fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from syncflow_dagster.sandbox.service import Service, World
    from syncflow_dagster.sandbox.transport import Listener

# How long an advance waits for what it has set off, in real seconds.
_QUIET_S = 5.0


def _json(content: Any, status: int = 200) -> Response:
    # Escaped, so that text which is no valid Unicode can be shown too.
    return Response(json.dumps(content), status, media_type="application/json")


class ControlRequestError(ValueError):
    """A control request that says nothing usable."""


class ControlApp:
    """Everything that is not a service's own behaviour. Its port is for the judge only."""

    def __init__(self, world: World, services: Mapping[str, Service]) -> None:
        self._world = world
        self._services = services
        self._listeners: dict[str, Listener] = {}
        self.app = Starlette(
            routes=[
                Route("/log", self._checked(self._log), methods=["GET"]),
                Route("/faults", self._checked(self._faults), methods=["GET", "POST", "DELETE"]),
                Route("/reset", self._checked(self._reset), methods=["POST"]),
                Route("/clock", self._checked(self._clock), methods=["GET", "POST"]),
                Route("/settings", self._checked(self._settings), methods=["POST"]),
                Route("/seed", self._checked(self._seed), methods=["POST"]),
                Route("/stats", self._checked(self._stats), methods=["GET"]),
                Route("/state", self._checked(self._state), methods=["GET"]),
            ]
        )

    def listen_through(self, listeners: Mapping[str, Listener]) -> None:
        """The services' listeners, which `down` closes."""
        self._listeners = dict(listeners)

    def _checked(
        self, handler: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Turn what a handler refuses into a 400 that says why."""

        async def endpoint(request: Request) -> Response:
            self._world.later.run_due()
            # A listener that was due to come back does so before anything is answered.
            for listener in self._listeners.values():
                await listener.settled()
            try:
                return await handler(request)
            except ValueError as error:
                return _json({"error": str(error)}, 400)

        return endpoint

    def _service(self, name: object) -> Service:
        if not isinstance(name, str) or name not in self._services:
            known = ", ".join(sorted(self._services))
            msg = f"service: {name!r} is not running here (there is: {known})"
            raise ValueError(msg)
        return self._services[name]

    async def _log(self, request: Request) -> Response:
        name = request.query_params.get("service")
        if name is not None:
            self._service(name)
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            msg = f"after: {after!r} is not the number of a log entry"
            raise ValueError(msg)
        lines = self._world.log.json_lines(name, int(after))
        return PlainTextResponse(lines, media_type="application/x-ndjson")

    async def _faults(self, request: Request) -> Response:
        dial = self._world.faults
        if request.method == "GET":
            return _json(dial.describe())
        if request.method == "DELETE":
            dial.clear()
            await self._accept_again()
            return _json({"cleared": True})
        spec = parse_fault(await _body(request), self._services)
        self._service(spec.service).check_fault(spec)
        fault = dial.add(spec)
        if spec.kind == "down":
            self._take_down(fault.id, spec)
        return _json({"id": fault.id}, 201)

    def _take_down(self, fault_id: str, spec: FaultSpec) -> None:
        listener = self._listeners[spec.service]
        listener.refuse()
        if spec.for_s is not None:
            self._world.later.after(spec.for_s, lambda: self._come_back(fault_id, listener))

    def _come_back(self, fault_id: str, listener: Listener) -> None:
        self._world.faults.remove(fault_id)
        others = (f for f in self._world.faults.describe() if f["kind"] == "down")
        if not any(self._listeners[f["service"]] is listener for f in others):
            listener.accept_soon()

    async def _accept_again(self) -> None:
        for listener in self._listeners.values():
            await listener.accept()

    async def _reset(self, _request: Request) -> Response:
        self._world.later.clear()
        self._world.faults.clear()
        await self._accept_again()
        self._world.log.clear()
        for service in self._services.values():
            service.reset()
        return _json({"reset": True})

    async def _clock(self, request: Request) -> Response:
        clock = self._world.clock
        if request.method == "POST":
            name, number = _move(await _body(request))
            if name == "speed":
                clock.set_speed(number)
            else:
                clock.advance(number)
                self._world.later.run_due()
                await self._world.later.quiet(_QUIET_S)
        return _json({"speed": clock.speed, "now": clock.wall().isoformat()})

    async def _settings(self, request: Request) -> Response:
        body = await _body(request)
        service = self._service(body.pop("service", None))
        service.configure(body)
        return _json({"changed": sorted(body)})

    async def _seed(self, request: Request) -> Response:
        body = await _body(request)
        service = self._service(body.pop("service", "monday"))
        service.seed(body, "POST /seed")
        return _json({"seeded": service.name}, 201)

    async def _stats(self, _request: Request) -> Response:
        return _json({name: s.stats() for name, s in self._services.items()})

    async def _state(self, request: Request) -> Response:
        return _json(self._service(request.query_params.get("service")).state())


def _move(body: Mapping[str, Any]) -> tuple[str, float]:
    [(name, number), *more] = [*body.items()] or [("", None)]
    if more or name not in ("speed", "advance_s") or type(number) not in (int, float):
        text = 'send {"speed": n} with a positive number n, or {"advance_s": n} with seconds'
        raise ControlRequestError(text)
    return name, float(number)


async def _body(request: Request) -> dict[str, Any]:
    try:
        decoded = json.loads(await request.body())
    except ValueError as error:
        msg = f"the body is not valid JSON: {error}"
        raise ValueError(msg) from error
    if not isinstance(decoded, dict):
        raise ControlRequestError("the body must be a JSON object")
    return decoded

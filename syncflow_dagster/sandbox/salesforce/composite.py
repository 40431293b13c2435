"""Several requests in one: `/composite` with references between them, and `/composite/batch`.

"Composite" and "Composite Batch" in the REST API guide: at most 25 requests, answered in their
order. References are `@{referenceId.path}` in a URL or body, such as `@{new.id}` or
`@{found.records[0].Id}`.
"""

from __future__ import annotations

import json
import re
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from syncflow_dagster.sandbox.salesforce.call import Call
from syncflow_dagster.sandbox.salesforce.drawn import DrawnFaults
from syncflow_dagster.sandbox.salesforce.errors import ApiError, RowError, not_found
from syncflow_dagster.sandbox.salesforce.routes import ApiRoute, Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MOST = 25
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)\.?([^}]*)\}")
_STEP = re.compile(r"[^.\[\]]+")
_HALTED = "The transaction was rolled back since another operation in the same transaction failed."


class _HaltedError(Exception):
    """A request of an all-or-none composite failed."""


@dataclass(frozen=True)
class _Part:
    """One request: what it asks for."""

    method: str
    url: str
    body: Any
    headers: Mapping[str, str]


class Composite:
    """The two operations.

    Args:
        routes: Gives everything that can be asked for within them.
    """

    def __init__(self, routes: Callable[[], Routes]) -> None:
        self._find = routes

    @property
    def routes(self) -> Sequence[ApiRoute]:
        """Both operations."""
        return [
            ApiRoute("POST", "/composite", "composite", self._composite, writes=True),
            ApiRoute("POST", "/composite/batch", "composite", self._batch, writes=True),
        ]

    def _composite(self, call: Call) -> Response:
        body = call.json_object()
        parts = _listed(body.get("compositeRequest"), "compositeRequest")
        all_or_none = body.get("allOrNone") is True
        answers: list[dict[str, Any]] = []
        with suppress(_HaltedError), call.org.all_or_none() if all_or_none else nullcontext():
            for part in parts:
                answers.append(self._referring(call, part, answers))
                if all_or_none and answers[-1]["httpStatusCode"] >= 400:
                    raise _HaltedError
        if all_or_none and answers[-1]["httpStatusCode"] >= 400:
            answers = [
                answers[-1] if place == len(answers) - 1 else _halted(part)
                for place, part in enumerate(parts)
            ]
        return call.answer({"compositeResponse": answers})

    def _referring(
        self, call: Call, part: dict[str, Any], before: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        known = {one["referenceId"]: one["body"] for one in before}
        name = str(part.get("referenceId"))
        try:
            url = _resolved(str(part.get("url")), known)
            body = _resolved(part.get("body"), known)
        except KeyError as error:
            text = f"Invalid reference specified. No value for {error.args[0]} found"
            refused = call.refusal(ApiError(400, "PROCESSING_HALTED", text))
            return _told(refused, name)
        headers = {str(key): str(value) for key, value in (part.get("httpHeaders") or {}).items()}
        asked = _Part(str(part.get("method", "GET")), url, body, headers)
        return _told(self._answered(call, asked), name)

    def _batch(self, call: Call) -> Response:
        body = call.json_object()
        results = []
        for part in _listed(body.get("batchRequests"), "batchRequests"):
            url = "/services/data/" + str(part.get("url")).lstrip("/")
            asked = _Part(str(part.get("method", "GET")), url, part.get("richInput"), {})
            answer = self._answered(call, asked)
            results.append({"statusCode": answer.status_code, "result": _content(answer)})
            if body.get("haltOnError") is True and answer.status_code >= 400:
                break
        failed = any(one["statusCode"] >= 400 for one in results)
        return call.answer({"hasErrors": failed, "results": results})

    def _answered(self, call: Call, part: _Part) -> Response:
        """Ask for one part as its caller would by itself; it counts as no request."""
        path, _, query = part.url.partition("?")
        root, content = call.root, b"" if part.body is None else json.dumps(part.body).encode()
        headers = [(key.lower().encode(), one.encode()) for key, one in part.headers.items()]
        scope = {
            "type": "http",
            "method": part.method,
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
        }
        inner = Call(
            call.runtime, Request(scope), content, call.viewer, call.version, {}, DrawnFaults(())
        )
        try:
            if not path.startswith(root) or path.startswith(f"{root}/composite/batch"):
                raise not_found()
            route, inner.path = self._find().find(part.method, path.removeprefix(root))
            answer = route.handler(inner)
        except ApiError as error:
            return inner.refusal(error)
        except RowError as error:
            return inner.refusal(error.top())
        assert isinstance(answer, Response), "handlers of parts answer at once"
        return answer


def _listed(parts: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(parts, list) or not all(isinstance(one, dict) for one in parts) or not parts:
        text = f"The {name} must be a list of requests"
        raise ApiError(400, "JSON_PARSER_ERROR", text)
    if len(parts) > MOST:
        text = f"Limit of {MOST} subrequests exceeded: {len(parts)}"
        raise ApiError(400, "LIMIT_EXCEEDED", text)
    return parts


def _resolved(value: Any, known: Mapping[str, Any]) -> Any:
    """A value with its references replaced.

    Raises:
        KeyError: One of them leads nowhere.
    """
    if isinstance(value, dict):
        return {key: _resolved(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [_resolved(one, known) for one in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda found: str(_value(found[1], found[2], known)), value)


def _value(name: str, path: str, known: Mapping[str, Any]) -> Any:
    here: Any = known.get(name)
    for step in _STEP.findall(path):
        if isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            here = here.get(step) if isinstance(here, dict) else None
    if here is None:
        whole = f"{name}.{path}"
        raise KeyError(whole)
    return here


def _content(answer: Response) -> Any:
    return json.loads(bytes(answer.body)) if answer.body else None


def _told(answer: Response, name: str) -> dict[str, Any]:
    return {
        "body": _content(answer),
        "httpHeaders": {},
        "httpStatusCode": answer.status_code,
        "referenceId": name,
    }


def _halted(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "body": [{"errorCode": "PROCESSING_HALTED", "message": _HALTED}],
        "httpHeaders": {},
        "httpStatusCode": 400,
        "referenceId": str(part.get("referenceId")),
    }

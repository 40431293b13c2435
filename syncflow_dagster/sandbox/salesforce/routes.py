"""The table of the REST API's paths, and how a path is found in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.responses import Response

from syncflow_dagster.sandbox.salesforce.call import Call
from syncflow_dagster.sandbox.salesforce.errors import ApiError, not_found

if TYPE_CHECKING:
    from collections.abc import Iterable

Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class ApiRoute:
    """One operation of the REST API.

    A handler gets a `Call`, which is authenticated, counted and spared by the faults that end a
    request, and answers with `call.answer(...)`; it raises `ApiError` to refuse. Row errors of
    the dial are `call.drawn.failing(rows)`. What a module offers is a list of these, which
    `app.py` adds to the others.

    Attributes:
        method: HTTP method.
        path: Below `/services/data/vXX.X`, with variable parts in braces, such as
            `/sobjects/{object}/describe`. Each part is percent-decoded by itself.
        op: The word that a fault's `op` names; one of `drawn.OPERATIONS`.
        handler: What answers, without waiting for anything.
        writes: Whether it changes records (faults named `write` hit it, others `read`).
    """

    method: str
    path: str
    op: str
    handler: Handler
    writes: bool = False
    parts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.path.strip("/").split("/")))

    def match(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """The variable parts of a path, if it has this form."""
        if len(parts) != len(self.parts):
            return None
        found: dict[str, str] = {}
        for wanted, part in zip(self.parts, parts, strict=True):
            if wanted.startswith("{"):
                found[wanted[1:-1]] = part
            elif wanted.lower() != part.lower():
                return None
        return found


class Routes:
    """All operations.

    Args:
        routes: In order; where two have the form of a path, the first is taken.
    """

    def __init__(self, routes: Iterable[ApiRoute]) -> None:
        self._routes = list(routes)

    def find(self, method: str, below: str) -> tuple[ApiRoute, dict[str, str]]:
        """The operation of a raw path below the version, and the path's variable parts.

        Raises:
            ApiError: No operation has this path, or none with this method.
        """
        parts = tuple(unquote(part) for part in below.strip("/").split("/"))
        allowed: list[str] = []
        for route in self._routes:
            found = route.match(parts)
            if found is None:
                continue
            if route.method == method:
                return route, found
            allowed.append(route.method)
        if not allowed:
            raise not_found()
        names = ",".join(dict.fromkeys(allowed))
        text = f"HTTP Method '{method}' not allowed. Allowed are {names}"
        raise ApiError(405, "METHOD_NOT_ALLOWED", text)

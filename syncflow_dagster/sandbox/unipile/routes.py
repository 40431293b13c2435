"""What one operation of the API is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from syncflow_dagster.sandbox.unipile.call import Call

Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class ApiRoute:
    """One operation.

    A handler gets a `Call`, which is authenticated and spared by the faults that end a request;
    it raises `ApiError` to refuse.

    Attributes:
        method: HTTP method.
        path: Below `/api/v1`.
        op: The word for it in faults and counts; or what finds the word.
        handler: What answers it.
    """

    method: str
    path: str
    op: str | Callable[[Call], str]
    handler: Handler

    def word(self, call: Call) -> str:
        """The operation's word for a request."""
        return self.op if isinstance(self.op, str) else self.op(call)

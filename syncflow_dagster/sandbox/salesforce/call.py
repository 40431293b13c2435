"""One authenticated request of the REST API, as a handler gets it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from syncflow_dagster.sandbox.salesforce.errors import ApiError, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from syncflow_dagster.sandbox.salesforce.drawn import DrawnFaults
    from syncflow_dagster.sandbox.salesforce.org import Org
    from syncflow_dagster.sandbox.salesforce.runtime import Runtime
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef
    from syncflow_dagster.sandbox.salesforce.users import Viewer

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass
class Call:
    """What a handler works with; the gateway has authenticated and counted it.

    Attributes:
        runtime: All of the fake org.
        request: The HTTP request; its body is `body`.
        viewer: The token's user with the field-level security of now.
        version: The API version of the path, such as `60.0`.
        path: The variable parts of the path, by name, percent-decoded.
        drawn: The dial's faults that hit the request.
    """

    runtime: Runtime
    request: Request
    body: bytes
    viewer: Viewer
    version: str
    path: Mapping[str, str]
    drawn: DrawnFaults
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def org(self) -> Org:
        """The records."""
        return self.runtime.org

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters; the last of several with one name."""
        return self.request.query_params

    @property
    def root(self) -> str:
        """The path that all addresses of this version begin with: `/services/data/v60.0`."""
        return f"/services/data/v{self.version}"

    def json(self) -> Any:
        """The decoded body.

        Raises:
            ApiError: It is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            text = f"Unexpected character or end of input: {error}"
            raise ApiError(400, "JSON_PARSER_ERROR", text) from None

    def json_object(self) -> dict[str, Any]:
        """The decoded body, which must be an object.

        Raises:
            ApiError: It is not.
        """
        decoded = self.json()
        if not isinstance(decoded, dict):
            text = "The HTTP entity body is required to be a JSON object"
            raise ApiError(400, "JSON_PARSER_ERROR", text)
        return decoded

    def object(self, name: str | None = None) -> ObjectDef:
        """The object that the path (or `name`) tells.

        Raises:
            ApiError: There is none that the user may know of.
        """
        found = self.org.definition(name or self.path["object"], self.viewer)
        if found is None:
            raise not_found()
        return found

    def url(self, object_name: str, record_id: str) -> str:
        """The path of a record, as `attributes.url` has it."""
        return f"{self.root}/sobjects/{object_name}/{record_id}"

    def answer(self, content: Any, status: int = 200) -> Response:
        """JSON, spaced out when `X-PrettyPrint` asks for it."""
        if self.request.headers.get("x-prettyprint") in ("1", "true"):
            text = json.dumps(content, ensure_ascii=False, indent=2, separators=(",", " : "))
        else:
            text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        # A lone surrogate in a stored text must not break the answer.
        encoded = text.encode("utf-8", "replace")
        return Response(encoded, status, headers=self.headers, media_type=JSON_TYPE)

    def refusal(self, error: ApiError) -> Response:
        """The answer to a request that is refused."""
        return self.answer(error.body(), error.status)

    def nothing(self) -> Response:
        """204, as successful updates and deletes answer."""
        return Response(status_code=204, headers=self.headers)

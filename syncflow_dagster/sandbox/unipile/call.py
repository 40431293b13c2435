"""One authenticated request, as a handler gets it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from syncflow_dagster.sandbox.unipile.errors import ApiError
from syncflow_dagster.sandbox.unipile.model import AccountStatus
from syncflow_dagster.sandbox.unipile.sight import Sight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from syncflow_dagster.sandbox.faults import FaultSpec
    from syncflow_dagster.sandbox.unipile.model import Account
    from syncflow_dagster.sandbox.unipile.runtime import Runtime

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass
class Call:
    """What a handler works with.

    Attributes:
        runtime: All of the fake tenant.
        request: The HTTP request; its body is `body`.
        path: The variable parts of the path, percent-decoded.
        faults: The dial's faults that hit it, by kind.
        op: The dial's word for it.
        of: Id of the account that it is for, as soon as that is known.
    """

    runtime: Runtime
    request: Request
    body: bytes
    path: Mapping[str, str]
    faults: Mapping[str, FaultSpec] = field(default_factory=dict)
    op: str = ""
    of: str | None = None

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters."""
        return self.request.query_params

    @property
    def live(self) -> bool:
        """Whether answers have the fields that are not in the vendor's description."""
        return self.runtime.settings.profile == "live_2026"

    def json(self) -> dict[str, Any]:
        """The decoded body.

        Raises:
            ApiError: It is not a JSON object.
        """
        try:
            decoded = json.loads(self.body)
        except ValueError:
            decoded = None
        if not isinstance(decoded, dict):
            raise ApiError("malformed_request", "The body must be a JSON object.")
        return decoded

    def form(self) -> dict[str, list[str]]:
        """The fields of a multipart body; a file's is its name.

        Raises:
            ApiError: It is not multipart.
        """
        kind = self.request.headers.get("content-type", "")
        found = re.match(r'multipart/form-data;.*boundary="?([^";]+)', kind, re.IGNORECASE)
        if found is None:
            raise ApiError("unsupported_media_type", "multipart/form-data is expected.")
        return _fields(self.body, found[1].encode())

    def number(self, name: str, usual: int, most: int) -> int:
        """A whole number of the query, from 1 to `most`.

        Raises:
            ApiError: It is something else.
        """
        given = self.query.get(name)
        if given is None:
            return usual
        if not given.isdecimal() or not 1 <= int(given) <= most:
            raise ApiError("invalid_parameters", f"{name} must be a number from 1 to {most}.")
        return int(given)

    def moment(self, given: str | None, name: str) -> datetime | None:
        """A moment of the query: ISO 8601 with milliseconds and `Z`.

        Raises:
            ApiError: It has another form.
        """
        if given is None:
            return None
        if not _MOMENT.fullmatch(given):
            text = f"{name} must have the form YYYY-MM-DDTHH:MM:SS.sssZ."
            raise ApiError("invalid_parameters", text)
        return datetime.fromisoformat(given)

    # -- accounts --------------------------------------------------------------------------

    def account(self, account_id: object = None) -> Account:
        """The account that the query, or `account_id`, names.

        Raises:
            ApiError: None is named, or there is none.
        """
        named = self.query.get("account_id") if account_id is None else account_id
        if not isinstance(named, str) or not named:
            raise ApiError("missing_parameters", "account_id is required.")
        found = self.runtime.store.accounts.get(named)
        if found is None:
            raise ApiError("resource_not_found", "Account not found.")
        self.of = found.id
        return found

    def acting(self, account_id: object = None) -> Account:
        """The account, which must be able to act.

        Raises:
            ApiError: It cannot.
        """
        found = self.looking(account_id)
        if found.status is not AccountStatus.OK:
            raise ApiError("disconnected_account")
        return found

    def looking(self, account_id: object = None) -> Account:
        """The account, which LinkedIn must let look: one that is down sees what it last saw.

        Raises:
            ApiError: It is restricted.
        """
        found = self.account(account_id)
        if found.restricted:
            raise ApiError("account_restricted")
        return found

    def sight(self, account: Account) -> Sight:
        """What a read of the account shows."""
        stale = self.faults.get("stale_reads")
        lag_s = (stale.lag_s or 0.0) if stale is not None else 0.0
        lag_s = max(lag_s, self.runtime.settings.stale_s)
        return Sight(self.runtime.store, account, lag_s)

    # -- answers ---------------------------------------------------------------------------

    def answer(self, content: Any, status: int = 200) -> Response:
        """JSON."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        # A lone surrogate in a stored text must not break the answer.
        encoded = text.encode("utf-8", "replace")
        return Response(encoded, status, media_type="application/json; charset=utf-8")

    def refusal(self, error: ApiError) -> Response:
        """The answer to a request that is refused."""
        return self.answer({**error.body(), "instance": self.request.url.path}, error.status)

    def listed(self, name: str, items: Sequence[Any], cursor: str | None) -> Response:
        """A page of a list."""
        return self.answer({"object": name, "items": items, "cursor": cursor})

    def log(self, op: str, key: str, remote_id: str, payload: Mapping[str, Any]) -> None:
        """Tell the judge of a committed write."""
        self.runtime.world.log.append(
            service="unipile", op=op, key=key, remote_id=remote_id, payload=payload
        )


def _fields(body: bytes, boundary: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'\bname="([^"]*)"', head)
        if name is None:
            raise ApiError("malformed_request", "A part of the body has no name.")
        file = re.search(rb'\bfilename="([^"]*)"', head)
        value = content if file is None else file[1]
        found.setdefault(name[1].decode("utf-8", "replace"), []).append(
            value.decode("utf-8", "replace")
        )
    return found

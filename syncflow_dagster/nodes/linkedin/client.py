"""Requests to a tenant at Unipile, and their answers as plain data.

No request is ever sent twice here: Unipile knows no idempotency key (none of the operations of its
OpenAPI description of v1 takes one), so that only whoever reads back may send again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
import urllib3.exceptions

from syncflow_dagster.nodes.transport import DeadlineAdapter, failure, never_left

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.workflows.models import UnipileConnection

#: Seconds until a connection has to be there.
_CONNECT_S = 5.0
#: Seconds between two pieces of an answer; the whole has the connection's `timeout_s`.
_READ_S = 30.0
_STEPS_ELSEWHERE = frozenset({"", ".", ".."})
_SUCCESS = range(200, 300)

Params = dict[str, str | int]


class ReadOnly(RuntimeError):
    """A request that changes something was asked of a client that only reads: a dry run."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status; that of the body where an error's body says another one.
        body: The JSON object; None where there was none.
    """

    status: int
    body: Mapping[str, Any] | None

    @property
    def ok(self) -> bool:
        """Whether it says that the request went through."""
        return self.status in _SUCCESS


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing usable came back.

    Attributes:
        reason: What happened.
        sent: False if the request surely never left this machine.
    """

    reason: str
    sent: bool


@dataclass(slots=True)
class UnipileClient:
    """Sends requests to one tenant, one at a time.

    No method raises for what the tenant does: every answer, and none, is a value.

    Args:
        connection: The tenant's address, key and time-out.
        read_only: Refuse whatever is no GET, before anything is sent.
    """

    connection: UnipileConnection
    read_only: bool = False
    _session: requests.Session | None = field(default=None, init=False)

    def get(self, *steps: str, params: Params | None = None) -> Answer | NoAnswer:
        """Read something.

        Args:
            steps: Of the path below `/api/v1`, such as `users`, `ACoAA…`.
            params: For the query string.
        """
        return self._send(requests.Request("GET", self._url(steps), params=params))

    def post_json(self, *steps: str, body: Mapping[str, Any]) -> Answer | NoAnswer:
        """Change something; the body goes as JSON.

        Raises:
            ReadOnly: the client only reads.
        """
        return self._write(requests.Request("POST", self._url(steps), json=dict(body)))

    def post_form(self, *steps: str, fields: Sequence[tuple[str, str]]) -> Answer | NoAnswer:
        """Change something; the fields go as `multipart/form-data`, a name may come again.

        Raises:
            ReadOnly: the client only reads.
        """
        parts = [(name, (None, value)) for name, value in fields]
        return self._write(requests.Request("POST", self._url(steps), files=parts))

    def delete(self, *steps: str, params: Params | None = None) -> Answer | NoAnswer:
        """Take something away.

        Raises:
            ReadOnly: the client only reads.
        """
        return self._write(requests.Request("DELETE", self._url(steps), params=params))

    def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _url(self, steps: Sequence[str]) -> str:
        if not _STEPS_ELSEWHERE.isdisjoint(steps):
            msg = f"an empty step, '.' or '..' leads to another resource: {len(steps)} steps"
            raise ValueError(msg)
        path = "/".join(quote(one, safe="") for one in steps)
        return f"{self.connection.url.rstrip('/')}/api/v1/{path}"

    def _write(self, request: requests.Request) -> Answer | NoAnswer:
        if self.read_only:
            msg = f"{request.method} was asked of a client that only reads (a dry run)"
            raise ReadOnly(msg)
        # On a connection that was kept, the tenant may just be hanging up: that would look like a
        # request that may have been applied.
        self.close()
        return self._send(request)

    def _send(self, request: requests.Request) -> Answer | NoAnswer:
        request.headers["Accept"] = "application/json"
        request.auth = _Key(self.connection.token.get_secret_value())
        session = self._connected()
        prepared = session.prepare_request(request)
        settings = session.merge_environment_settings(prepared.url, {}, None, None, None)
        timeout_s = self.connection.timeout_s
        timeout = (min(_CONNECT_S, timeout_s), min(_READ_S, timeout_s))
        try:
            # A redirect may turn a write into a read, whose 200 would be no answer to it.
            response = session.send(prepared, allow_redirects=False, timeout=timeout, **settings)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            self.close()
            return NoAnswer(failure(error), sent=not never_left(error))
        return _answer(response)

    def _connected(self) -> requests.Session:
        if self._session is None:
            self._session = requests.Session()
            for scheme in ("http://", "https://"):
                self._session.mount(scheme, DeadlineAdapter(self.connection.timeout_s))
        return self._session


class _Key(requests.auth.AuthBase):
    """Gives the tenant's key; as an `auth`, so that no .netrc adds another one."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-API-KEY"] = self._key
        return request


def _answer(response: requests.Response) -> Answer:
    try:
        body = response.json()
    except requests.exceptions.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return Answer(response.status_code, None)
    told = body.get("status")
    is_error = isinstance(body.get("type"), str) and isinstance(body.get("title"), str)
    if is_error and isinstance(told, int) and not isinstance(told, bool) and told not in _SUCCESS:
        return Answer(told, body)
    return Answer(response.status_code, body)

"""Requests to one Salesforce org, and their answers as plain data."""

from __future__ import annotations

import io
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
import urllib3.exceptions

from syncflow_dagster.nodes.salesforce import login
from syncflow_dagster.nodes.salesforce.answers import Answer, NoAnswer, answer_of, is_csv
from syncflow_dagster.nodes.salesforce.login_errors import LoginRefused, LoginUnavailable
from syncflow_dagster.nodes.salesforce.quota import QuotaWatch, Usage
from syncflow_dagster.nodes.salesforce.stopping import Stop
from syncflow_dagster.nodes.salesforce.tokens import Tokens
from syncflow_dagster.nodes.transport import DeadlineAdapter, failure, never_left
from syncflow_dagster.workflows.models.salesforce import SessionAuth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.nodes.salesforce.login import Token
    from syncflow_dagster.workflows.models import SalesforceConnection

_UNAUTHORIZED = 401
_CARRIED_OUT, _BAD_REQUEST = range(200, 300), 400
_EXPIRED = "INVALID_SESSION_ID"
_DATA = "/services/data/"
#: Of one request: a new token may end, too, before the request is sent again.
_MOST_RENEWALS = 3
_NO_STEP = frozenset({"", ".", ".."})


def resource(*steps: str) -> str:
    """Return a path below the API version whose steps stay what they are.

    Args:
        steps: Names and values, such as `sobjects`, `Contact`, `Ext__c`, `a/b`.

    Raises:
        ValueError: A step would lead elsewhere.
    """
    if not _NO_STEP.isdisjoint(steps):
        msg = f"an empty step, '.' or '..' leads to another resource: {steps!r}"
        raise ValueError(msg)
    return "/".join(quote(one, safe="") for one in steps)


class SalesforceClient:
    """Sends requests to one org; safe for threads.

    No method raises for what the org does: every answer, and none, is a value. A session that has
    ended is renewed, once for all threads, and the request sent again with the same headers.

    Args:
        connection: The org's address, login, version, time-out and ceilings.
        wait: Waits so many seconds; without it `wait` ends together with a read.
        monotonic: Seconds that only grow.
    """

    def __init__(
        self,
        connection: SalesforceConnection,
        *,
        wait: Callable[[float], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection = connection
        self._wait = wait
        self._monotonic = monotonic
        self._quota = QuotaWatch(connection.org_share, connection.run_share)
        self._tokens = Tokens(
            lambda: login.log_in(connection),
            renewable=not isinstance(connection.auth, SessionAuth),
            monotonic=monotonic,
        )
        self._secrets = set(filter(None, login.secrets_of(connection)))
        self._lock = threading.Lock()
        self._idle: list[requests.Session] = []
        self._date: tuple[datetime, float] | None = None

    @property
    def usage(self) -> Usage:
        """The org's API requests of 24 hours, and those of this client."""
        return self._quota.usage

    @property
    def quota(self) -> QuotaWatch:
        """What watches them."""
        return self._quota

    def server_now(self) -> datetime | None:
        """Return the org's time, by the last answer's `Date`; None before there was one."""
        if self._date is None:
            return None
        told, heard = self._date
        return told + timedelta(seconds=self._monotonic() - heard)

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer | NoAnswer:
        """Read something.

        Args:
            path: What `resource` gives, or a whole path from an answer (`/services/data/...`).
            params: For the query string.
            headers: Header fields.
        """
        return self.request("GET", path, params=params, headers=headers)

    def post(
        self, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> Answer | NoAnswer:
        """Make something; `body` goes as JSON."""
        return self.request("POST", path, body=body, headers=headers)

    def patch(
        self, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> Answer | NoAnswer:
        """Change something; `body` goes as JSON."""
        return self.request("PATCH", path, body=body, headers=headers)

    def put(self, path: str, content: bytes, content_type: str) -> Answer | NoAnswer:
        """Upload a file."""
        return self.request("PUT", path, body=content, headers={"Content-Type": content_type})

    def delete(self, path: str, params: Mapping[str, str] | None = None) -> Answer | NoAnswer:
        """Delete something."""
        return self.request("DELETE", path, params=params)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        stop: Stop | None = None,
    ) -> Answer | NoAnswer:
        """Send one request.

        Args:
            method: HTTP method.
            path: See `get`.
            params: For the query string.
            body: Bytes go as they are, all else as JSON.
            headers: Header fields.
            stop: Ends the request, which is then not answered; a login goes on.
        """
        fields = {"Accept": "application/json", "Accept-Encoding": "gzip", **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
            fields["Content-Type"] = "application/json"
        request = requests.Request(method, path, fields, data=body, params=dict(params or {}))
        try:
            return self._sent(request, self._full_path(path), stop or Stop())
        except LoginRefused as error:
            return NoAnswer(self._clean(str(error)), sent=False, refused=True)
        except LoginUnavailable as error:
            return NoAnswer(self._clean(str(error)), sent=False)

    def wait(self, seconds: float, stop: Stop | None = None) -> None:
        """Wait so many seconds, at most until a read is over."""
        if self._wait is not None:
            self._wait(seconds)
        else:
            (stop or Stop()).wait(seconds)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _full_path(self, path: str) -> str:
        if path.startswith(_DATA):
            return path
        return f"{_DATA}v{self.connection.api_version}/{path}"

    def _sent(self, request: requests.Request, path: str, stop: Stop) -> Answer | NoAnswer:
        token = self._tokens.get()
        answer = self._once(request, path, token, stop)
        for _ in range(_MOST_RENEWALS):
            if not _has_expired(answer):
                break
            token = self._tokens.rejected(token)
            answer = self._once(request, path, token, stop)
        return answer

    def _once(
        self, request: requests.Request, path: str, token: Token, stop: Stop
    ) -> Answer | NoAnswer:
        if ceiling := self._quota.take():
            return NoAnswer(ceiling, sent=False, ceiling=True)
        request.url = token.instance + path
        request.auth = _Bearer(token.value)
        session = self._session()
        try:
            prepared = session.prepare_request(request)
            settings = session.merge_environment_settings(prepared.url, {}, True, None, None)
            adapter = session.get_adapter(token.instance)
            assert isinstance(adapter, DeadlineAdapter)
            with stop.cutting(adapter.cut):
                # A redirect may turn a write into a read, whose 200 would be no answer to it.
                response = session.send(prepared, allow_redirects=False, **settings)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            session.close()
            return NoAnswer(failure(error), sent=not never_left(error))
        if stop.is_set:  # what was cut can send no more
            session.close()
        else:
            with self._lock:
                self._idle.append(session)
        answer = answer_of(response, lambda text: self._clean(text.replace(token.value, "***")))
        self._heard(answer, token)
        return answer

    def _session(self) -> requests.Session:
        """Return a session nobody uses: each sends one request at a time."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _PackedAdapter(self.connection.timeout_s))
        return session

    def _heard(self, answer: Answer, token: Token) -> None:
        self._quota.heard(answer.headers)
        if _took_token(answer):
            self._tokens.accepted(token)
        try:
            told = parsedate_to_datetime(answer.headers.get("Date", ""))
        except ValueError:
            return
        self._date = (told.astimezone(UTC), self._monotonic())

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


class _PackedAdapter(DeadlineAdapter):
    """Leaves CSV packed: a page of rows is unpacked where it is parsed, a block at a time."""

    def read_body(self, response: requests.Response) -> None:
        """Read the whole body."""
        if is_csv(response):
            response.raw = io.BytesIO(response.raw.read(decode_content=False))
        else:
            super().read_body(response)


class _Bearer(requests.auth.AuthBase):
    """Names the token; as an `auth`, so that no .netrc takes its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _has_expired(answer: Answer | NoAnswer) -> bool:
    return isinstance(answer, Answer) and (
        answer.status == _UNAUTHORIZED or any(one.code == _EXPIRED for one in answer.errors)
    )


def _took_token(answer: Answer) -> bool:
    """Tell whether the org surely looked at the request itself: an outage says nothing of a token.

    That it does not know a field or a cursor any more it says to those alone who are logged in.
    """
    if answer.status == _BAD_REQUEST:
        return bool(answer.error.code) and not _has_expired(answer)
    return answer.status in _CARRIED_OUT

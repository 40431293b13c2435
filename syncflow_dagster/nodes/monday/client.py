"""One request to monday.com, and its answer as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from gql import GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed, TransportError
from gql.transport.requests import RequestsHTTPTransport
from graphql import DocumentNode

from syncflow_dagster.nodes.transport import DeadlineAdapter, failure, never_left

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from syncflow_dagster.workflows.models import MondayConnection


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status.
        data: The `data` of the answer, if it had any.
        errors: The `errors` of the answer; texts of the old style are wrapped as messages.
        headers: Header fields.
        body: Beginning of a body that was not GraphQL.
        old_style: Whether the errors are told the way of API versions up to 2024-10, which leave
            out the data of mutations that went well.
    """

    status: int
    data: Mapping[str, Any] | None
    errors: list[dict[str, Any]]
    headers: Mapping[str, str]
    body: str = ""
    old_style: bool = False


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing usable came back.

    Attributes:
        reason: What happened.
        sent: False if the request surely never left this machine.
    """

    reason: str
    sent: bool


class _Request(GraphQLRequest):
    """A document that goes as it was written: to parse and print it took longer than to send it.

    Args:
        text: GraphQL text.
        variables: Its variables.
    """

    def __init__(self, text: str, variables: dict[str, Any]) -> None:
        super().__init__(DocumentNode(definitions=()), variable_values=variables)
        self._text = text

    @property
    def payload(self) -> dict[str, Any]:
        """What is sent."""
        return {"query": self._text, "variables": self.variable_values}


@dataclass(slots=True)
class MondayClient:
    """Sends GraphQL documents to one account.

    Args:
        connection: The account's address, token, version and time-out.
    """

    connection: MondayConnection
    _transport: RequestsHTTPTransport | None = field(default=None, init=False)
    _last: requests.Response | None = field(default=None, init=False)

    def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        idempotency_key: UUID | None = None,
    ) -> Answer | NoAnswer:
        """Send one document.

        Args:
            document: GraphQL text.
            variables: Its variables.
            idempotency_key: For mutations; monday replays the first answer for 30 minutes
                (developer.monday.com, page "idempotency").
        """
        headers = {"Idempotency-Key": str(idempotency_key)} if idempotency_key else {}
        self._last = None
        transport = self._connected()
        try:
            result = transport.execute(
                _Request(document, dict(variables or {})),
                extra_args={"headers": {**(transport.headers or {}), **headers}},
            )
        except TransportConnectionFailed as error:
            return _no_answer(error)
        except (TransportError, TypeError) as error:
            # The transport looks for members in whatever JSON comes: a bare null has none.
            return self._broken(error)
        if result.data is None and self._is_old_style():
            return self._broken(None)
        status = self._last.status_code if self._last is not None else 200
        return Answer(status, result.data, _errors(result.errors), transport.response_headers or {})

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]
            self._transport = None

    def _connected(self) -> RequestsHTTPTransport:
        if self._transport is None:
            self._transport = RequestsHTTPTransport(
                url=self.connection.url,
                headers={
                    "Authorization": self.connection.token.get_secret_value(),
                    "API-Version": self.connection.api_version,
                },
                timeout=self.connection.timeout_s,  # type: ignore[arg-type]
                retries=0,
            )
            self._transport.connect()  # type: ignore[no-untyped-call]
            session = self._transport.session
            assert session is not None
            for scheme in ("http://", "https://"):
                session.mount(scheme, DeadlineAdapter(self.connection.timeout_s))
            session.hooks["response"].append(self._keep)
        return self._transport

    def _keep(self, response: requests.Response, **_: object) -> None:
        self._last = response

    def _is_old_style(self) -> bool:
        return self._last is not None and bool(_old_style(self._last))

    def _broken(self, error: Exception | None) -> Answer | NoAnswer:
        if self._last is None:
            return NoAnswer(str(error), sent=True)
        response = self._last
        errors = _old_style(response)
        return Answer(
            response.status_code,
            None,
            errors,
            response.headers,
            response.text[:200],
            old_style=bool(errors),
        )


def _no_answer(error: TransportConnectionFailed) -> NoAnswer:
    cause = error.__cause__ or error
    return NoAnswer(failure(cause), sent=not never_left(cause))


def _errors(given: Any) -> list[dict[str, Any]]:
    return [one if isinstance(one, dict) else {"message": str(one)} for one in given or []]


def _old_style(response: requests.Response) -> list[dict[str, Any]]:
    try:
        body = response.json()
    except requests.exceptions.JSONDecodeError:
        return []
    if not isinstance(body, dict) or "error_message" not in body:
        return []
    extensions = {"code": body.get("error_code"), "error_data": body.get("error_data")}
    return [{"message": str(body["error_message"]), "extensions": extensions}]

"""Error answers, in the words and shapes that each API version uses.

Sources: monday's pages `rate-limits` and `error-handling`, its changelog entries on
complexity errors, and answers that public clients recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.model import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLError

LEGACY_UNTIL = "2024-10"
DETAILED_COMPLEXITY_UNTIL = "2025-04"
SINGLE_QUERY_CODE_SINCE = "2025-10"


class MondayError(Exception):
    """A refusal by one root field, or by one field below it.

    Args:
        message: The service's text.
        code: The service's error code; None where the service gives none.
        status: The `status_code` inside the error; not the HTTP status of the answer.
        data: The service's `error_data`.
        extra: Further members of `extensions`.
    """

    def __init__(
        self,
        message: str,
        code: str | None,
        *,
        status: int | None = 200,
        data: Any = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.data = {} if data is None else data
        self.extra = dict(extra or {})

    @property
    def extensions(self) -> dict[str, Any]:
        """What graphql-core copies into the error's `extensions`."""
        known: dict[str, Any] = {} if self.code is None else {"code": self.code}
        if self.status is not None:
            known["status_code"] = self.status
        if self.data:
            known["error_data"] = self.data
        return known | self.extra


def bad_board(board_id: str) -> MondayError:
    """The board is missing, deleted, or not visible."""
    return MondayError(
        "The board does not exist. Please check your board ID and try again",
        "InvalidBoardIdException",
        data={"board_id": int(board_id) if board_id.isdigit() else board_id},
    )


def bad_item(item_id: str | None) -> MondayError:
    """The id is no item's that could be written."""
    return MondayError(
        "This item ID doesn't exist or the item is not active",
        "InvalidItemIdException",
        data={"item_id": item_id},
    )


def not_found(item_id: str) -> MondayError:
    """The item does not exist or was deleted."""
    return MondayError(
        "The requested item was not found or does not exist anymore",
        "ResourceNotFoundException",
        status=404,
        data={"item_id": item_id},
    )


def bad_group(group_id: str) -> MondayError:
    """The group is not on the board."""
    return MondayError(
        "This group ID doesn't exist for the board",
        "InvalidGroupIdException",
        data={"group_id": group_id},
    )


def bad_column(column_id: str) -> MondayError:
    """The column is not on the board."""
    return MondayError(
        "This column ID doesn't exist for the board",
        "InvalidColumnIdException",
        data={"column_id": column_id},
    )


def unauthorized() -> MondayError:
    """The token's user may read, but not write."""
    return MondayError(
        "User unauthorized to perform action", "UserUnauthorizedException", status=403
    )


def bad_argument(message: str) -> MondayError:
    """An argument has a value that the operation cannot use."""
    return MondayError(message, "InvalidArgumentException")


@dataclass(frozen=True)
class Denial:
    """A request refused for a limit. It was not processed.

    Attributes:
        limit: `complexity`, `minute`, `concurrency`, `daily`, `ip` or `single_query`.
        retry_s: Whole real seconds until it can succeed; None when it never can.
        cost: For complexity, what the request was estimated at; `left` and `budget` with it.
    """

    limit: str
    retry_s: int | None
    cost: int = 0
    left: int = 0
    budget: int = 0


_SIMPLE_DENIALS = {
    "minute": ("Minute rate limit exceeded", "MINUTE_RATE_LIMIT_EXCEEDED"),
    "concurrency": ("Too many concurrent requests", "MAX_CONCURRENCY_EXCEEDED"),
    "daily": ("Daily limit exceeded", "DAILY_LIMIT_EXCEEDED"),
    "ip": ("IP rate limit exceeded", "IP_RATE_LIMIT_EXCEEDED"),
}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer before it is written out."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def error_answer(
    status: int, message: str, extensions: Mapping[str, Any], request_id: str
) -> Answer:
    """An answer that consists of one error."""
    error = {"message": message, "extensions": dict(extensions)}
    return Answer(status, {"errors": [error], "extensions": {"request_id": request_id}})


def denial_answer(denial: Denial, version: str, request_id: str) -> Answer:
    """The answer to a request that met a limit, in the style of the API version."""
    if denial.limit == "single_query":
        return _single_query_answer(denial, version, request_id)
    if denial.limit == "complexity":
        answer = _complexity_answer(denial, version, request_id)
    else:
        message, code = _SIMPLE_DENIALS[denial.limit]
        extensions = {"code": code, "retry_in_seconds": denial.retry_s}
        answer = error_answer(429, message, extensions, request_id)
    if answer.status != 429:
        return answer
    return Answer(answer.status, answer.body, {"Retry-After": str(denial.retry_s)})


def _complexity_answer(denial: Denial, version: str, request_id: str) -> Answer:
    if version <= LEGACY_UNTIL:
        text = (
            f"Complexity budget exhausted, query cost {denial.cost} budget remaining "
            f"{denial.left} out of {denial.budget} reset in {denial.retry_s} seconds"
        )
        # Seen with HTTP 200 in the wild: a client that looks at the status alone misses it.
        return Answer(200, _legacy_body("ComplexityException", 429, text, {}, [text]))
    extensions: dict[str, Any] = {"code": "COMPLEXITY_BUDGET_EXHAUSTED"}
    if version <= DETAILED_COMPLEXITY_UNTIL:
        extensions |= {
            "complexity": denial.cost,
            "complexity_budget_left": denial.left,
            "complexity_budget_limit": denial.budget,
            "status_code": 429,
        }
    extensions["retry_in_seconds"] = denial.retry_s
    return error_answer(429, "Complexity budget exhausted", extensions, request_id)


def _single_query_answer(denial: Denial, version: str, request_id: str) -> Answer:
    text = f"Query has complexity of {denial.cost}, which exceeds the maximum of {denial.budget}"
    if version <= LEGACY_UNTIL:
        return Answer(200, _legacy_body("ComplexityException", 200, text, {}, [text]))
    if version < SINGLE_QUERY_CODE_SINCE:
        extensions: dict[str, Any] = {"code": "ComplexityException", "status_code": 200}
    else:
        extensions = {
            "code": "REQUEST_MAX_COMPLEXITY_EXCEEDED",
            "cost": denial.cost,
            "max_complexity_per_request": denial.budget,
        }
    return error_answer(200, text, extensions, request_id)


def field_limit_error(code: str, retry_s: int, **extra: Any) -> MondayError:
    """A limit that concerns one field only: the rest of the document is answered."""
    return MondayError(
        "Concurrency limit exceeded for the field"
        if code == "FIELD_LIMIT_EXCEEDED"
        else "Minute rate limit exceeded for the field",
        code,
        status=429,
        extra={"retry_in_seconds": retry_s, **extra},
    )


def subgraph_error() -> MondayError:
    """A part of the service behind the gateway has too many requests."""
    return MondayError(
        "Too many requests", "tooManyRequests", status=400, extra={"service": "data-structure"}
    )


def _legacy_body(
    code: str | None, status: int, message: str, data: Any, errors: Sequence[str]
) -> dict[str, Any]:
    return {
        "error_code": code,
        "status_code": status,
        "error_message": message,
        "error_data": data,
        "errors": list(errors),
        "account_id": ACCOUNT_ID,
    }


def execution_body(
    data: Mapping[str, Any] | None,
    errors: Sequence[GraphQLError],
    version: str,
    request_id: str,
) -> dict[str, Any]:
    """The body of an executed document. The HTTP status is 200, whatever failed inside."""
    failed = next((e.original_error for e in errors if e.original_error is not None), None)
    if version <= LEGACY_UNTIL and isinstance(failed, MondayError):
        texts = [e.message for e in errors]
        return _legacy_body(failed.code, failed.status or 200, failed.message, failed.data, texts)
    body: dict[str, Any] = {"data": data}
    if errors:
        body["errors"] = [_formatted(error) for error in errors]
    return body | {"extensions": {"request_id": request_id}, "account_id": ACCOUNT_ID}


def _formatted(error: GraphQLError) -> dict[str, Any]:
    formatted: dict[str, Any] = dict(error.formatted)
    if error.original_error is not None and not isinstance(error.original_error, MondayError):
        formatted.setdefault("extensions", {}).setdefault("code", "INTERNAL_SERVER_ERROR")
    return formatted

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


class MondayError(Exception):
    """A refusal by one root field, or by one field below it.

    Args:
        message: The service's text.
        code: The service's error code; None where the service gives none.
        status: The `status_code` inside the error; not the HTTP status of the answer.
        data: The service's `error_data`.
        extra: Further members of `extensions`.
        whole: The answer has no `data` at all, whatever else the document asked for.
    """

    def __init__(
        self,
        message: str,
        code: str | None,
        *,
        status: int | None = 200,
        data: Any = None,
        extra: Mapping[str, Any] | None = None,
        whole: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.data = {} if data is None else data
        self.extra = dict(extra or {})
        self.whole = whole

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
        limit: One of `spellings.LIMITS`.
        retry_s: Whole real seconds until it can succeed; None when it never can.
        cost: For complexity, what the request was estimated at; `left` and `budget` with it.
    """

    limit: str
    retry_s: int | None
    cost: int = 0
    left: int = 0
    budget: int = 0


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


def legacy_body(
    code: str | None, status: int, message: str, data: Any, errors: Sequence[str]
) -> dict[str, Any]:
    """The body of an error as API versions up to 2024-10 write it."""
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
        return legacy_body(failed.code, failed.status or 200, failed.message, failed.data, texts)
    is_whole = isinstance(failed, MondayError) and failed.whole
    body: dict[str, Any] = {} if is_whole else {"data": data}
    if errors:
        body["errors"] = [_formatted(error) for error in errors]
    return body | {"extensions": {"request_id": request_id}, "account_id": ACCOUNT_ID}


def _formatted(error: GraphQLError) -> dict[str, Any]:
    formatted: dict[str, Any] = dict(error.formatted)
    if error.original_error is not None and not isinstance(error.original_error, MondayError):
        formatted.setdefault("extensions", {}).setdefault("code", "INTERNAL_SERVER_ERROR")
    return formatted

"""What the org refuses, in Salesforce's own words.

The words are those of recorded answers and of the REST and SOAP references' lists of status
codes; where neither gives a text, the shape of the nearest one is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class RowError(Exception):
    """One record is refused.

    Attributes:
        status_code: Salesforce's code, such as `REQUIRED_FIELD_MISSING`.
        message: Its text.
        fields: Names of the fields that are to blame.
        status: HTTP status where the record is the whole request.
    """

    def __init__(
        self, status_code: str, message: str, fields: tuple[str, ...] = (), *, status: int = 400
    ) -> None:
        super().__init__(f"{status_code}: {message}")
        self.status_code = status_code
        self.message = message
        self.fields = fields
        self.status = status

    def item(self) -> dict[str, Any]:
        """As an error of one record among several: `statusCode, message, fields`."""
        return {
            "statusCode": self.status_code,
            "message": self.message,
            "fields": list(self.fields),
        }

    def top(self) -> ApiError:
        """As the error of a whole request, whose `errorCode` says the same.

        `fields` stands in it only where the record's content is to blame.
        """
        more: dict[str, Any] = {} if self.status == 404 else {"fields": list(self.fields)}
        return ApiError(self.status, self.status_code, self.message, more)


class SeveralMatchesError(Exception):
    """An external id belongs to several records: HTTP 300, nothing is written.

    Attributes:
        object_name: Whose records they are.
        ids: Their Ids.
    """

    def __init__(self, object_name: str, ids: tuple[str, ...]) -> None:
        super().__init__(f"{len(ids)} {object_name} match")
        self.object_name = object_name
        self.ids = ids


@dataclass
class ApiError(Exception):
    """A whole request is refused: `[{"errorCode": ..., "message": ...}]`.

    Attributes:
        status: HTTP status.
        code: `errorCode`.
        message: The text.
        more: Further keys of the error's object.
    """

    status: int
    code: str
    message: str
    more: dict[str, Any] = field(default_factory=dict)

    def body(self) -> list[dict[str, Any]]:
        """The answer's JSON."""
        return [{"message": self.message, "errorCode": self.code, **self.more}]


NOT_THERE = "The requested resource does not exist"


def not_found(message: str = NOT_THERE) -> ApiError:
    """A path or record that does not exist."""
    return ApiError(404, "NOT_FOUND", message)


def session_expired() -> ApiError:
    """A token that is unknown, too old, or was taken back."""
    return ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def request_limit(which: str = "TotalRequests") -> ApiError:
    """The quota of requests is used up."""
    return ApiError(403, "REQUEST_LIMIT_EXCEEDED", f"{which} Limit exceeded.")

"""How the dial's faults show in Salesforce's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

from syncflow_dagster.sandbox.salesforce.errors import ApiError, RowError, request_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from syncflow_dagster.sandbox.faults import Fault, FaultSpec

# What a fault's `op` can name.
OPERATIONS = frozenset(
    {
        "query",
        "query_more",
        "describe",
        "sobject",
        "updated",
        "limits",
        "token",
        "collections",
        "composite",
        "consent",
        "bulk_query",
        "bulk_results",
        "bulk_ingest",
        "query_job",
        "ingest_job",
        "read",
        "write",
    }
)
KINDS = frozenset(
    {
        "lost_reply",
        "error_before",
        "error_after",
        "throttle",
        "late_apply",
        "slow",
        "partial",
        "stale_reads",
        "html_error",
        "down",
        "expired_session",
    }
)
_TEXTS = {
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record",
    "DUPLICATES_DETECTED": "Use one of these records?",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule does not allow this value.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "insufficient access rights on object id",
    "QUERY_TIMEOUT": "Your query request was running for too long.",
    "SERVER_UNAVAILABLE": "The server is temporarily unavailable, please try again.",
    "UNKNOWN_EXCEPTION": "An unexpected error occurred. Please include this ErrorId if you "
    "contact support: 1234567890-12345 (-1234567890)",
}
_LIMITS = {
    "daily": "TotalRequests",
    "complexity": "TotalRequests",
    "concurrency": "ConcurrentRequests (Concurrent API Requests)",
}
_PAGE = (
    "<html><head><title>{status}</title></head><body><h1>{status}</h1><p>{text}</p></body></html>"
)


def page(status: int, text: str = "The service is not available.") -> Response:
    """An HTML page, as a proxy in front of the service sends."""
    return HTMLResponse(_PAGE.format(status=status, text=text), status)


def check(spec: FaultSpec) -> None:
    """See that Salesforce can have this fault.

    Raises:
        ValueError: It cannot.
    """
    if spec.kind not in KINDS:
        msg = f"kind: Salesforce has no {spec.kind!r} (there is: {', '.join(sorted(KINDS))})"
        raise ValueError(msg)
    if spec.op is not None and spec.op not in OPERATIONS:
        msg = f"op: Salesforce has no {spec.op!r} (there is: {', '.join(sorted(OPERATIONS))})"
        raise ValueError(msg)
    if spec.kind == "throttle" and spec.limit not in _LIMITS:
        msg = f"limit: Salesforce has no {spec.limit!r} (there is: daily, concurrency)"
        raise ValueError(msg)
    if spec.spelling is not None or spec.forget_key:
        raise ValueError("Salesforce has no idempotency keys, and one wording of each refusal")


class DrawnFaults:
    """The faults that hit one request."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults

    def first(self, kind: str) -> FaultSpec | None:
        """The fault of a kind, if one hits."""
        return next((one.spec for one in self._faults if one.spec.kind == kind), None)

    def instead(self) -> ApiError | Response | None:
        """The answer that replaces everything; nothing is then looked at."""
        if (throttle := self.first("throttle")) is not None:
            return request_limit(_LIMITS[throttle.limit])
        if (before := self.first("error_before")) is not None:
            return status_error(before.status or 500)
        if (html := self.first("html_error")) is not None:
            return page(html.status or 502)
        return None

    def delay_s(self) -> float:
        """How long the request is held before it runs."""
        slow = (one.spec.delay_s for one in self._faults if one.spec.kind == "slow")
        return sum(seconds or 0.0 for seconds in slow)

    def lag_s(self) -> float:
        """How far reads lag behind."""
        stale = (one.spec.lag_s for one in self._faults if one.spec.kind == "stale_reads")
        return max((lag for lag in stale if lag is not None), default=0.0)

    def failing(self, rows: int) -> dict[int, RowError]:
        """Which of a request's rows fail although nothing is wrong with them: by place.

        Every `partial` fault takes one row, with its `code` (UNABLE_TO_LOCK_ROW unless given).
        """
        failing: dict[int, RowError] = {}
        for fault in self._faults:
            if fault.spec.kind != "partial" or not rows:
                continue
            given = "code" in fault.spec.model_fields_set
            code = fault.spec.code if given else "UNABLE_TO_LOCK_ROW"
            failing[fault.chance.randrange(rows)] = row_error(code)
        return failing


def row_error(code: str) -> RowError:
    """A row's error with this code, in Salesforce's words where they are known."""
    return RowError(code, _TEXTS.get(code, code.replace("_", " ").lower()))


def status_error(status: int) -> ApiError | Response:
    """An error status as the service or its edge writes it."""
    if status in (502, 504):
        return page(status)
    if status in (406, 420):
        return page(status, "")
    code = {
        400: "QUERY_TIMEOUT",
        401: "INVALID_SESSION_ID",
        403: "REQUEST_LIMIT_EXCEEDED",
        404: "NOT_FOUND",
        503: "SERVER_UNAVAILABLE",
    }.get(status, "UNKNOWN_EXCEPTION")
    texts = _TEXTS | {
        "INVALID_SESSION_ID": "Session expired or invalid",
        "REQUEST_LIMIT_EXCEEDED": "TotalRequests Limit exceeded.",
        "NOT_FOUND": "The requested resource does not exist",
    }
    return ApiError(status, code, texts[code])

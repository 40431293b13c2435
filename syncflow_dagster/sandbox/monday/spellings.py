"""Every wording in which a refusal was documented or recorded, for the dial to choose from.

monday tells the same limit differently by API version, by the service behind its gateway and by
the page of its documentation. Sources: monday's pages `rate-limits`, `error-handling` and
`idempotency`, its changelog entries on complexity errors, and answers that public clients recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.errors import (
    LEGACY_UNTIL,
    Answer,
    Denial,
    legacy_body,
)
from syncflow_dagster.sandbox.monday.field_errors import FIELD_ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.faults import FaultSpec

DETAILED_COMPLEXITY_UNTIL = "2025-04"
SINGLE_QUERY_CODE_SINCE = "2025-10"


@dataclass(frozen=True)
class Wording:
    """One way of refusing a whole request.

    Attributes:
        status: HTTP status.
        message: The text, with the members of a `Denial` in braces; None leaves it out.
        code: The error code; None leaves it out.
        inner: `status_code` inside the error; None leaves it out.
        wait: Where the seconds to wait stand: `retry_in_seconds`, `retryAfterMs` or nowhere.
        figures: Further members of `extensions` by the member of the denial that they show.
        style: `new`, `old` (as up to API 2024-10) or `bare` (the errors are texts).
    """

    status: int
    message: str | None
    code: str | None = None
    inner: int | None = None
    wait: str | None = "retry_in_seconds"
    figures: Mapping[str, str] = field(default_factory=dict)
    style: str = "new"

    def answer(self, denial: Denial, request_id: str) -> Answer:
        """The answer with a denial's figures filled in."""
        text = None if self.message is None else self.message.format(**vars(denial))
        if self.style == "old":
            inner = self.inner or self.status
            return Answer(self.status, legacy_body(self.code, inner, text or "", {}, [text or ""]))
        error: Any = text
        if self.style == "new":
            extensions = self._extensions(denial)
            error = {} if text is None else {"message": text}
            error |= {"extensions": extensions} if extensions else {}
        return Answer(self.status, {"errors": [error], "extensions": {"request_id": request_id}})

    def _extensions(self, denial: Denial) -> dict[str, Any]:
        known: dict[str, Any] = {} if self.code is None else {"code": self.code}
        known |= {name: getattr(denial, member) for name, member in self.figures.items()}
        if self.inner is not None:
            known["status_code"] = self.inner
        if self.wait is not None and denial.retry_s is not None:
            in_ms = self.wait.endswith("Ms")
            known[self.wait] = denial.retry_s * 1_000 if in_ms else denial.retry_s
        return known


_EXHAUSTED = "Complexity budget exhausted"
_EXHAUSTED_OLD = (
    "Complexity budget exhausted, query cost {cost} budget remaining {left} "
    "out of {budget} reset in {retry_s} seconds"
)
_TOO_DEAR = "Query has complexity of {cost}, which exceeds max complexity of {budget}"
_OLD_COMPLEXITY = Wording(200, _EXHAUSTED_OLD, "ComplexityException", 429, style="old")
_DETAILED = Wording(
    429,
    _EXHAUSTED,
    "COMPLEXITY_BUDGET_EXHAUSTED",
    429,
    figures={
        "complexity": "cost",
        "complexity_budget_left": "left",
        "complexity_budget_limit": "budget",
    },
)
_MINUTE = Wording(429, "Minute rate limit exceeded", "MINUTE_RATE_LIMIT_EXCEEDED")
_CONCURRENCY = Wording(429, "Too many concurrent requests", "MAX_CONCURRENCY_EXCEEDED")
_DAILY = Wording(429, "Daily limit exceeded", "DAILY_LIMIT_EXCEEDED")

#: Limits on whole requests. The first wording is that of the current API version.
LIMITS: Mapping[str, Mapping[str, Wording]] = {
    "complexity": {
        "exhausted": Wording(429, _EXHAUSTED, "COMPLEXITY_BUDGET_EXHAUSTED"),
        "exhausted_detailed": _DETAILED,
        "exhausted_detailed_200": replace(_DETAILED, status=200),
        # Seen with HTTP 200 in the wild: a client that looks at the status alone misses it.
        "exception": _OLD_COMPLEXITY,
        "exception_429": replace(_OLD_COMPLEXITY, status=429),
    },
    "single_query": {
        "request_max": Wording(
            200,
            _TOO_DEAR,
            "REQUEST_MAX_COMPLEXITY_EXCEEDED",
            figures={"cost": "cost", "max_complexity_per_request": "budget"},
        ),
        "exception_new_style": Wording(200, _TOO_DEAR, "ComplexityException", 200),
        "exception": Wording(200, _TOO_DEAR, "ComplexityException", 200, style="old"),
    },
    "minute": {
        "minute_rate_limit": _MINUTE,
        "minute_limit_rate": replace(_MINUTE, code="Minute limit rate exceeded"),
        "rate_limit": replace(_MINUTE, code="Rate Limit Exceeded"),
        "rate_limit_ms": replace(_MINUTE, code="RATE_LIMIT_EXCEEDED", wait="retryAfterMs"),
        "text_only": Wording(429, "Minute limit rate exceeded", wait=None),
        "rate_limited_exception": Wording(
            429, "Rate limit exceeded", "RateLimitedException", 429, style="old"
        ),
        "mutation_calls": Wording(
            200, "Mutation calls exceeded", "MutationCallsExceeded", 429, style="old"
        ),
    },
    "concurrency": {
        "max_concurrency": _CONCURRENCY,
        "max_concurrency_documented": replace(_CONCURRENCY, code="maxConcurrencyExceeded"),
        "concurrency_limit": replace(_CONCURRENCY, code="Concurrency limit exceeded"),
        "text_only": Wording(429, "Concurrency limit exceeded", wait=None),
    },
    "daily": {
        "daily_limit": _DAILY,
        "text_only": replace(_DAILY, code=None),
    },
    "ip": {"ip_rate_limit": Wording(429, "IP rate limit exceeded", "IP_RATE_LIMIT_EXCEEDED")},
    "ingest_jobs": {
        "rate_limit_ms": Wording(
            429, "Rate limit exceeded", "RATE_LIMIT_EXCEEDED", wait="retryAfterMs"
        )
    },
    "blocked": {
        "blocked": Wording(
            200, "API usage has temporarily been blocked", "API_TEMPORARILY_BLOCKED", 200
        )
    },
}
_INTERNAL = Wording(500, "Internal server error", "INTERNAL_SERVER_ERROR", 500)
_LOCKED = "Resource is currently locked, please try again later"
_DENIED = "User unauthorized to perform action"
#: HTTP statuses that the service answers in its own words. The first wording is the usual one.
STATUSES: Mapping[int, Mapping[str, Wording]] = {
    401: {
        "not_authenticated": Wording(401, "Not authenticated", "NOT_AUTHENTICATED"),
        "text_only": Wording(401, "Not Authenticated", style="bare"),
        "unauthorized": Wording(401, "Unauthorized", "UnauthorizedException", 401),
        "ip_restricted": Wording(401, "Your ip is restricted"),
    },
    403: {
        "user_unauthorized": Wording(403, _DENIED, "UserUnauthorizedException", 403),
        "user_access_denied": Wording(403, "User access denied", "USER_ACCESS_DENIED", 403),
    },
    409: {
        "idempotency_conflict": Wording(
            409,
            "A request with the same idempotency key is already being processed",
            "IDEMPOTENCY_CONFLICT",
        )
    },
    423: {
        "resource_locked": Wording(423, _LOCKED, "RESOURCE_LOCKED", 423),
        # The documentation names the text alone.
        "text_only": Wording(423, _LOCKED),
    },
    500: {
        "internal": _INTERNAL,
        "exception": Wording(500, "Internal server error", "InternalServerError", 500, style="old"),
    },
    503: {
        # Recorded without a message.
        "timeout": Wording(503, None, "TIMEOUT_EXCEEDED"),
        "timeout_text": Wording(503, "Timeout exceeded", "TIMEOUT_EXCEEDED", 503),
    },
}


def denial_answer(
    denial: Denial, version: str, request_id: str, spelling: str | None = None
) -> Answer:
    """The answer to a request that met a limit, as the API version or the dial words it.

    Args:
        denial: What was met.
        version: The API version that answers.
        request_id: Shown in the answer.
        spelling: A wording of `LIMITS`; None for the API version's own.
    """
    wording = LIMITS[denial.limit][spelling or _usual(denial.limit, version)]
    answer = wording.answer(denial, request_id)
    # What tells its wait in thousandths was recorded without the header.
    if answer.status != 429 or wording.wait == "retryAfterMs":
        return answer
    return replace(answer, headers={"Retry-After": str(denial.retry_s)})


def _usual(limit: str, version: str) -> str:
    if limit == "complexity" and version <= DETAILED_COMPLEXITY_UNTIL:
        return "exception" if version <= LEGACY_UNTIL else "exhausted_detailed"
    if limit == "single_query" and version < SINGLE_QUERY_CODE_SINCE:
        return "exception" if version <= LEGACY_UNTIL else "exception_new_style"
    return next(iter(LIMITS[limit]))


def status_answer(status: int, request_id: str, spelling: str | None = None) -> Answer:
    """An answer with an error status.

    Args:
        status: HTTP status from 400.
        request_id: Shown in the answer.
        spelling: A wording of `STATUSES`; None for the usual one.
    """
    wordings = STATUSES.get(status) or {"internal": replace(_INTERNAL, status=status, inner=status)}
    wording = wordings[spelling or next(iter(wordings))]
    return wording.answer(Denial("", None), request_id)


def check_spelling(spec: FaultSpec) -> None:
    """See that a fault's spelling is one of those that fit it.

    Raises:
        ValueError: It is not; the text names those that are.
    """
    if spec.spelling is None:
        return
    known: Mapping[Any, Any] = {
        "throttle": LIMITS.get(spec.limit, {}),
        "locked": STATUSES[423],
        "error_before": STATUSES.get(spec.status or 500, {}),
        "partial": FIELD_ERRORS,
    }[spec.kind]
    if spec.spelling not in known:
        msg = f"spelling: {spec.spelling!r} is not one of: {', '.join(known) or 'none'}"
        raise ValueError(msg)

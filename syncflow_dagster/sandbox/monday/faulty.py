"""How the dial's faults show in monday's answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from syncflow_dagster.sandbox.monday.errors import (
    Answer,
    Denial,
    MondayError,
    field_limit_error,
    subgraph_error,
)
from syncflow_dagster.sandbox.monday.field_errors import FIELD_ERRORS
from syncflow_dagster.sandbox.monday.limits import (
    CONCURRENCY_RETRY_S,
    DAY_S,
    HOUR_S,
    IP_WINDOW_S,
    MINUTE_S,
    SINGLE_QUERY_LIMIT,
    TokenLimits,
)
from syncflow_dagster.sandbox.monday.spellings import denial_answer, status_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncflow_dagster.sandbox.faults import Fault, FaultSpec
    from syncflow_dagster.sandbox.monday.documents import Prepared

_GATEWAY_PAGE = (
    "<html><head><title>{status} Gateway Error</title></head>"
    "<body><center><h1>{status} Gateway Error</h1></center></body></html>"
)
# Limits that concern a part of a document, not the request.
_PARTIAL_LIMITS = frozenset({"field", "field_minute", "subgraph"})


def page(status: int) -> Response:
    """What a proxy in front of the service sends."""
    return HTMLResponse(_GATEWAY_PAGE.format(status=status), status)


def error(status: int, request_id: str, spelling: str | None = None) -> Answer | Response:
    """An answer with an error status, as the service or its proxy writes it."""
    if status in (502, 504):
        return page(status)
    return status_answer(status, request_id, spelling)


class DrawnFaults:
    """The faults that hit one request."""

    def __init__(self, faults: Sequence[Fault], prepared: Prepared) -> None:
        self._faults = faults
        self._prepared = prepared

    def _first(self, kind: str) -> FaultSpec | None:
        return next((fault.spec for fault in self._faults if fault.spec.kind == kind), None)

    def throttled(self) -> bool:
        """Whether a throttle fault hits."""
        return self._first("throttle") is not None

    def instead(
        self, limits: TokenLimits, version: str, request_id: str
    ) -> Answer | Response | None:
        """The answer that replaces everything; the document is then not looked at."""
        throttle = self._first("throttle")
        if throttle is not None and throttle.limit not in _PARTIAL_LIMITS:
            return _throttled(throttle, limits, version, request_id)
        if (before := self._first("error_before")) is not None:
            return error(before.status or 500, request_id, before.spelling)
        if (html := self._first("html_error")) is not None:
            return page(html.status or 502)
        if (locked := self._first("locked")) is not None:
            return error(423, request_id, locked.spelling)
        return None

    def delay_s(self) -> float:
        """How long the document is held before it runs."""
        slow = (fault.spec.delay_s for fault in self._faults if fault.spec.kind == "slow")
        return sum(seconds or 0.0 for seconds in slow)

    def lag_s(self) -> float | None:
        """How far reads lag behind."""
        if self._prepared.kind != "query":
            return None
        stale = (fault.spec.lag_s for fault in self._faults if fault.spec.kind == "stale_reads")
        return max((lag for lag in stale if lag is not None), default=None)

    def late(self) -> FaultSpec | None:
        """The fault that applies the document later."""
        return self._first("late_apply")

    def after(self) -> FaultSpec | None:
        """The fault that spoils the answer of an executed document."""
        return self._first("lost_reply") or self._first("error_after")

    def failing(self) -> dict[str, MondayError]:
        """Root aliases that fail, with their errors."""
        failing: dict[str, MondayError] = {}
        for fault in self._faults:
            spec = fault.spec
            if spec.kind == "partial" and spec.spelling is not None:
                failure = FIELD_ERRORS[spec.spelling]()
            elif spec.kind == "partial":
                failure = MondayError("Internal server error", spec.code, status=500)
            elif spec.kind == "throttle" and spec.limit == "subgraph":
                failure = subgraph_error()
            else:
                continue
            if (alias := self._victim(fault)) is not None:
                failing[alias] = failure
        return failing

    def _victim(self, fault: Fault) -> str | None:
        wanted = fault.spec.op
        aliases = [
            root.alias
            for root in self._prepared.roots
            if root.name == wanted
            or (wanted in (None, self._prepared.kind) and root.name != "complexity")
        ]
        return fault.chance.choice(aliases) if aliases else None

    def failing_fields(self, limits: TokenLimits) -> dict[str, Callable[[], MondayError]]:
        """Deeper fields that fail: `subitems`, or `formula` for a formula's value."""
        throttle = self._first("throttle")
        if throttle is None or throttle.limit not in ("field", "field_minute"):
            return {}
        a_minute = throttle.limit == "field_minute"
        wait = throttle.retry_in_s or limits.clock.client_seconds(
            MINUTE_S if a_minute else CONCURRENCY_RETRY_S
        )

        def of_a_minute() -> MondayError:
            return field_limit_error("FIELD_MINUTE_RATE_LIMIT_EXCEEDED", wait)

        def at_once() -> MondayError:
            data = {"entity": "subitems"}
            return field_limit_error("FIELD_LIMIT_EXCEEDED", wait, error_data=data)

        return {"formula": of_a_minute} if a_minute else {"subitems": at_once}


def _throttled(spec: FaultSpec, limits: TokenLimits, version: str, request_id: str) -> Answer:
    now = limits.clock.limit_time()
    waits = {
        "complexity": limits.writes.resets_in(now),
        "minute": limits.minute.resets_in(now),
        "concurrency": CONCURRENCY_RETRY_S,
        "daily": DAY_S - now % DAY_S,
        "ip": IP_WINDOW_S,
        "ingest_jobs": HOUR_S,
    }
    usual = waits.get(spec.limit)
    wait = spec.retry_in_s or (None if usual is None else limits.clock.client_seconds(usual))
    denial = Denial(spec.limit, wait, cost=30_001, left=0, budget=limits.kind.complexity)
    if spec.limit == "single_query":
        denial = Denial(spec.limit, None, cost=SINGLE_QUERY_LIMIT + 1, budget=SINGLE_QUERY_LIMIT)
    answer = denial_answer(denial, version, request_id, spec.spelling)
    return answer if spec.retry_after else replace(answer, headers={})

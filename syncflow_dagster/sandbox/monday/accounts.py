"""Who calls: tokens with their limits and idempotency keys, and the counts for `/stats`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.idempotency import IdempotencyKeys
from syncflow_dagster.sandbox.monday.limits import (
    IP_LIMIT,
    IP_WINDOW_S,
    PLANS,
    TOKEN_KINDS,
    TokenLimits,
    Window,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.monday.errors import Denial
    from syncflow_dagster.sandbox.monday.settings import Settings


@dataclass(frozen=True)
class Caller:
    """One token, which counts as an account and app of its own."""

    limits: TokenLimits
    keys: IdempotencyKeys


class Callers:
    """All tokens."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._by_token: dict[str, Caller] = {}
        self._ips: dict[str, Window] = {}
        plans: Mapping[str, str] = {str(k): v for k, v in settings.plans.items()}
        complexity: Mapping[str, int] = {str(k): v for k, v in settings.complexity.items()}
        for usual in TOKEN_KINDS:
            kind = replace(usual, complexity=complexity.get(usual.name, usual.complexity))
            plan = settings.plan(PLANS[plans.get(kind.name, kind.plan)])
            limits = TokenLimits(kind, plan, clock, settings.ingest_limits)
            keys = IdempotencyKeys(clock, memory=settings.idempotency_memory)
            self._by_token[kind.token] = Caller(limits, keys)

    def find(self, authorization: str | None) -> Caller | None:
        """The caller of an `Authorization` header, with or without `Bearer`."""
        token = (authorization or "").strip()
        return self._by_token.get(token.removeprefix("Bearer ").strip())

    def all(self) -> list[TokenLimits]:
        """The limits of every token."""
        return [caller.limits for caller in self._by_token.values()]

    def admit(self, caller: Caller, ip: str) -> Denial | None:
        """Count a request against every limit on requests."""
        denial = caller.limits.admit()
        if denial is not None:
            return denial
        now = self._clock.limit_time()
        window = self._ips.setdefault(ip, Window(IP_LIMIT, IP_WINDOW_S))
        if window.left(now) == 0:
            return caller.limits.deny("ip", window.resets_in(now))
        window.spend(1, now)
        return None


@dataclass
class Counts:
    """What happened since the start or the last reset."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    ops: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    replays: int = 0
    conflicts: int = 0
    throttled_injected: int = 0

    def describe(self, callers: Callers) -> dict[str, Any]:
        """The counts as JSON.

        `throttled` counts limits that were really met, which a perfect client avoids;
        throttling by a fault is counted apart. `ops` counts root fields, `documents` the documents
        that ran by the names of their root fields.
        """
        by_limit: Counter[str] = Counter()
        for limits in callers.all():
            by_limit.update(limits.denied)
        return {
            "requests": self.requests,
            "statuses": {str(status): n for status, n in sorted(self.statuses.items())},
            "throttled": by_limit.total(),
            "throttled_by_limit": dict(by_limit),
            "throttled_injected": self.throttled_injected,
            "replays": self.replays,
            "conflicts": self.conflicts,
            "ops": dict(self.ops),
            "documents": dict(self.documents),
            "budget_used": {
                limits.kind.token: _budget(limits) for limits in callers.all() if limits.requests
            },
        }


def _budget(limits: TokenLimits) -> dict[str, Any]:
    windows = {"writes": limits.writes}
    if not limits.kind.combined:
        windows["reads"] = limits.reads
    return {
        "requests": limits.requests,
        "daily_calls": limits.calls_today(),
        "in_flight": limits.in_flight,
        "peak_in_flight": limits.peak_in_flight,
        "complexity_per_minute": limits.kind.complexity,
        "complexity": {name: window.described() for name, window in windows.items()},
        "ingest_jobs": limits.ingest_jobs.described(),
        "ingest_items": limits.ingest_items.described(),
    }

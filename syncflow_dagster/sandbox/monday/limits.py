"""Rate limits of one token: complexity, requests, concurrency, day (DOC: rate-limits)."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.monday.errors import Denial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.sandbox.clock import Clock

MINUTE_S = 60.0
DAY_S = 86_400.0
SINGLE_QUERY_LIMIT = 5_000_000
IP_LIMIT = 5_000
IP_WINDOW_S = 10.0
CONCURRENCY_RETRY_S = 15.0
BOARDS_PER_MINUTE = 40
FORMULAS_PER_MINUTE = 10_000
HOUR_S = 3_600.0


@dataclass(frozen=True)
class Plan:
    """What an account's plan allows."""

    name: str
    requests_per_minute: int
    concurrency: int
    calls_per_day: int


PLANS = {
    plan.name: plan
    for plan in (
        Plan("free", 1_000, 40, 1_000),
        Plan("standard", 1_000, 40, 1_000),
        Plan("pro", 2_500, 100, 10_000),
        Plan("enterprise", 5_000, 250, 25_000),
    )
}


@dataclass(frozen=True)
class IngestLimits:
    """What bulk jobs may be, and how many of them (DOC: importing-items-in-bulk)."""

    jobs_per_hour: int = 100
    items_per_hour: int = 19_000
    rows: int = 10_000
    backfill_rows: int = 20_000
    file_bytes: int = 150_000_000


@dataclass(frozen=True)
class TokenKind:
    """A kind of token and its complexity per minute.

    Attributes:
        combined: Reads and writes share one budget of `complexity` points.
        admin: The token's user administers the account.
    """

    name: str
    token: str
    complexity: int
    combined: bool
    plan: str
    admin: bool = True


TOKEN_KINDS = (
    TokenKind("personal", "sandbox-personal", 10_000_000, combined=True, plan="pro"),
    TokenKind("app", "sandbox-app", 5_000_000, combined=False, plan="pro", admin=False),
    TokenKind("trial", "sandbox-trial", 1_000_000, combined=True, plan="free"),
)


@dataclass
class Window:
    """A budget that starts with its first call and is whole again `length_s` later."""

    limit: int
    length_s: float = MINUTE_S
    used: int = 0
    started: float | None = None
    total: int = 0
    peak: int = 0
    count: int = 0
    first: float | None = None

    def roll(self, now: float) -> None:
        """Start the window if it has not started, or again if it has run out."""
        if self.started is None or now - self.started >= self.length_s - 1e-6:
            self.started = now
            self.first = now if self.first is None else self.first
            self.used = 0
            self.count += 1

    def spend(self, amount: int, now: float) -> None:
        """Use (or, when negative, give back) part of the budget."""
        self.roll(now)
        self.used = max(0, self.used + amount)
        self.total += amount
        self.peak = max(self.peak, self.used)

    def described(self) -> dict[str, float]:
        """Points in all, in the dearest window and in the last one, and how many windows began.

        `windows_s` are limit seconds from the beginning of the first window to that of the last.
        """
        between = 0.0 if self.started is None or self.first is None else self.started - self.first
        return {
            "total": self.total,
            "windows": self.count,
            "peak": self.peak,
            "used": self.used,
            "windows_s": round(between, 3),
        }

    def left(self, now: float) -> int:
        """What can still be used; never negative."""
        self.roll(now)
        return max(0, self.limit - self.used)

    def resets_in(self, now: float) -> float:
        """Limit seconds until the budget is whole again."""
        self.roll(now)
        assert self.started is not None
        return self.length_s - (now - self.started)


@dataclass(frozen=True)
class Charge:
    """Complexity charged before a document runs."""

    window: Window
    cost: int
    before: int
    after: int
    reset_s: int


@dataclass
class TokenLimits:
    """All limits of one token. Each token counts as an account and app of its own."""

    kind: TokenKind
    plan: Plan
    clock: Clock
    ingest: IngestLimits = field(default_factory=IngestLimits)
    in_flight: int = 0
    peak_in_flight: int = 0
    denied: Counter[str] = field(default_factory=Counter)
    minute: Window = field(init=False)
    reads: Window = field(init=False)
    writes: Window = field(init=False)
    boards: Window = field(init=False)
    formulas: Window = field(init=False)
    ingest_jobs: Window = field(init=False)
    ingest_items: Window = field(init=False)
    day_tenths: int = 0
    day: int = field(init=False)
    requests: int = 0

    def __post_init__(self) -> None:
        self.minute = Window(self.plan.requests_per_minute)
        self.reads = Window(self.kind.complexity)
        self.writes = self.reads if self.kind.combined else Window(self.kind.complexity)
        self.boards = Window(BOARDS_PER_MINUTE)
        self.formulas = Window(FORMULAS_PER_MINUTE)
        self.ingest_jobs = Window(self.ingest.jobs_per_hour, HOUR_S)
        self.ingest_items = Window(self.ingest.items_per_hour, HOUR_S)
        self.day = int(self.clock.limit_time() // DAY_S)

    def budget(self, operation: str) -> Window:
        """The complexity budget that a `query` or a `mutation` draws on."""
        return self.writes if operation == "mutation" else self.reads

    def admit(self) -> Denial | None:
        """Count a request; refuse it when a limit on requests is reached."""
        now = self.clock.limit_time()
        self.requests += 1
        self._count_day(10, now)
        if self.in_flight >= self.plan.concurrency:
            return self.deny("concurrency", CONCURRENCY_RETRY_S)
        if self.minute.left(now) == 0:
            return self.deny("minute", self.minute.resets_in(now))
        self.minute.spend(1, now)
        if self.day_tenths > self.plan.calls_per_day * 10:
            return self.deny("daily", DAY_S - now % DAY_S)
        return None

    def admit_jobs(self, starts: int) -> Denial | None:
        """Refuse a request that would start more bulk jobs than the hour has left."""
        now = self.clock.limit_time()
        if not starts or starts <= self.ingest_jobs.left(now):
            return None
        return self.deny("ingest_jobs", self.ingest_jobs.resets_in(now))

    def reserve_items(self, rows: int) -> float | None:
        """Take a bulk job's rows from the hour's budget of items.

        Returns:
            The hour that they belong to; None when the budget has not so many left.
        """
        now = self.clock.limit_time()
        if rows > self.ingest_items.left(now):
            self.denied["ingest_items"] += 1
            return None
        self.ingest_items.spend(rows, now)
        return self.ingest_items.started

    def release_items(self, rows: int, hour: float | None) -> None:
        """Give back what a bulk job had reserved and did not write."""
        now = self.clock.limit_time()
        self.ingest_items.roll(now)
        # What an earlier hour had reserved is whole again by itself.
        if self.ingest_items.started == hour:
            self.ingest_items.spend(-rows, now)

    def deny(self, limit: str, limit_seconds: float, **figures: int) -> Denial:
        """Refuse a request that `admit` has counted: it costs a tenth of a daily call."""
        self.denied[limit] += 1
        self.discount()
        return Denial(limit, self.clock.client_seconds(limit_seconds), **figures)

    def discount(self) -> None:
        """Count the present request as a tenth of a daily call."""
        self._count_day(-9, self.clock.limit_time())

    def calls_today(self) -> float:
        """Daily calls used."""
        self._count_day(0, self.clock.limit_time())
        return self.day_tenths / 10

    def _count_day(self, tenths: int, now: float) -> None:
        today = int(now // DAY_S)
        if today != self.day:
            self.day, self.day_tenths = today, 0
        self.day_tenths = max(0, self.day_tenths + tenths)

    @contextmanager
    def flight(self) -> Iterator[None]:
        """Count a request as being worked on."""
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    def charge(self, operation: str, cost: int) -> Charge | Denial:
        """Take a document's estimated complexity from its budget, or refuse it."""
        now = self.clock.limit_time()
        if cost > SINGLE_QUERY_LIMIT:
            return Denial("single_query", None, cost=cost, budget=SINGLE_QUERY_LIMIT)
        window = self.budget(operation)
        left = window.left(now)
        if cost > left:
            wait = window.resets_in(now)
            return self.deny("complexity", wait, cost=cost, left=left, budget=window.limit)
        window.spend(cost, now)
        reset_s = self.clock.client_seconds(window.resets_in(now))
        return Charge(window, cost, before=left, after=left - cost, reset_s=reset_s)

    def correct(self, charge: Charge, actual: int) -> None:
        """Settle a charge once the true cost is known."""
        charge.window.spend(actual - charge.cost, self.clock.limit_time())

    def headers(self, operation: str, denied: str | None = None) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit`; all seconds are the client's own."""
        now = self.clock.limit_time()
        budget = self.budget(operation)
        width = self.clock.client_seconds(MINUTE_S)
        free = max(0, self.plan.concurrency - self.in_flight)
        minute_t = concurrency_t = ""
        if denied == "minute":
            minute_t = f";t={self.clock.client_seconds(self.minute.resets_in(now))}"
        if denied == "concurrency":
            concurrency_t = f";t={self.clock.client_seconds(CONCURRENCY_RETRY_S)}"
        policy = (
            f'"minuteRate";q={self.minute.limit};w={width}, '
            f'"concurrency";q={self.plan.concurrency};qu="concurrent-requests", '
            f'"complexityMinute";q={budget.limit};w={width};qu="content-bytes"'
        )
        present = (
            f'"minuteRate";r={self.minute.left(now)}{minute_t}, '
            f'"concurrency";r={free}{concurrency_t}, '
            f'"complexityMinute";r={budget.left(now)}'
            f";t={self.clock.client_seconds(budget.resets_in(now))}"
        )
        return {"RateLimit-Policy": policy, "RateLimit": present}

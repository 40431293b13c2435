"""What can be set on the fake monday while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from syncflow_dagster.sandbox.monday.complexity import CostTable
from syncflow_dagster.sandbox.monday.limits import TOKEN_KINDS, IngestLimits, Plan
from syncflow_dagster.sandbox.settings import Zone, replaced

if TYPE_CHECKING:
    from collections.abc import Mapping

PlanName = Literal["free", "standard", "pro", "enterprise"]
TokenName = Literal["personal", "app", "trial"]
BoardState = Literal["active", "archived", "deleted"]


class Settings(BaseModel):
    """The settings, with their defaults.

    Attributes:
        latency_s: Seconds that every document takes.
        plans: The plan of a token's account, where it differs from the token's usual one.
        limits: Single figures of all plans, for tests: `requests_per_minute`,
            `concurrency`, `calls_per_day`.
        complexity: Points per minute of a token, where they differ from its kind's.
        mutation_cost: Points of one mutation.
        account_timezone: Where dates with a time are read; they are written in UTC.
        week_starts: The account's first day of the week, on which values of week columns begin.
        reroute_deprecated: Answer deprecated API versions as the oldest maintained one, as
            the service does; false shows their own old error style.
        idempotency_memory: Bytes of answers kept per token.
        boards: State of a board by id, as a person archives, deletes or restores it.
        items: State of an item by id, as a person archives, deletes or restores it; done once.
        parents: The item that a person moves a subitem to, by the subitem's id; done once.
        ingest_rows_per_s: Rows of a bulk job that are applied in a limit second; no source tells
            the service's own figure.
        ingest: Single figures of bulk jobs, for tests; see `IngestLimits`.
        view_only: Tokens whose users may read, but not write.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    latency_s: float = Field(default=0.0, ge=0)
    plans: dict[TokenName, PlanName] = {}
    limits: dict[Literal["requests_per_minute", "concurrency", "calls_per_day"], int] = {}
    complexity: dict[TokenName, int] = {}
    mutation_cost: int = Field(default=CostTable().mutation, ge=1)
    account_timezone: Zone = "UTC"
    week_starts: Literal["monday", "sunday"] = "monday"
    reroute_deprecated: bool = True
    idempotency_memory: int = Field(default=64_000_000, ge=0)
    boards: dict[str, BoardState] = {}
    items: dict[str, BoardState] = {}
    parents: dict[str, str] = {}
    ingest_rows_per_s: float = Field(default=100.0, gt=0)
    ingest: dict[
        Literal["jobs_per_hour", "items_per_hour", "rows", "backfill_rows", "file_bytes"], int
    ] = {}
    view_only: list[TokenName] = []

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """The settings with some of them replaced.

        Raises:
            ValueError: A setting is unknown or its value is not possible.
        """
        return replaced(self, changes)

    @property
    def first_weekday(self) -> int:
        """The account's first day of the week: 0 is Monday, 6 is Sunday."""
        return 0 if self.week_starts == "monday" else 6

    @property
    def ingest_limits(self) -> IngestLimits:
        """The limits of bulk jobs with the figures that are set."""
        return IngestLimits(**{str(name): value for name, value in self.ingest.items()})

    def plan(self, usual: Plan) -> Plan:
        """The plan with the figures that are set."""
        figures = {
            "requests_per_minute": usual.requests_per_minute,
            "concurrency": usual.concurrency,
            "calls_per_day": usual.calls_per_day,
        } | {str(name): value for name, value in self.limits.items()}
        return Plan(usual.name, **figures)


TOKENS: Mapping[str, str] = {kind.name: kind.token for kind in TOKEN_KINDS}

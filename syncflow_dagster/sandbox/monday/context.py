"""What one executing document knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.monday.board_writes import BoardWriter
    from syncflow_dagster.sandbox.monday.errors import MondayError
    from syncflow_dagster.sandbox.monday.ingest import Ingest
    from syncflow_dagster.sandbox.monday.limits import Charge, TokenLimits
    from syncflow_dagster.sandbox.monday.reads import Reader
    from syncflow_dagster.sandbox.monday.versions import ApiVersion
    from syncflow_dagster.sandbox.monday.webhooks import Webhooks


@dataclass(frozen=True)
class Context:
    """The context of one execution.

    Attributes:
        ingest: Bulk jobs.
        webhooks: The account's webhooks.
        base_url: Where the client reached the service, without a path.
        zone: The account's time zone, in which dates with a time are read.
        reader: Sees the present, or the past under a `stale_reads` fault.
        access: The caller's level of access to every board: `edit` or `view`.
        greeted: Addresses of receivers that echoed the challenge of this document.
        formula_columns: Those whose values the document has shown so far.
        failing: Root aliases that a fault makes fail, with their errors.
        failing_fields: Names of deeper fields that a fault makes fail.
    """

    clock: Clock
    reader: Reader
    writer: BoardWriter
    limits: TokenLimits
    version: ApiVersion
    charge: Charge
    zone: ZoneInfo
    ingest: Ingest
    base_url: str
    webhooks: Webhooks
    greeted: frozenset[str] = frozenset()
    formula_columns: set[str] = field(default_factory=set)
    access: str = "edit"
    failing: Mapping[str, MondayError] = field(default_factory=dict)
    failing_fields: Mapping[str, Callable[[], MondayError]] = field(default_factory=dict)

    def timestamp(self, real: float) -> str:
        """A stored moment as the service shows it."""
        return self.clock.wall_at(real).strftime("%Y-%m-%dT%H:%M:%SZ")

    def complexity(self) -> dict[str, Any]:
        """The root `complexity` field: the document's charge."""
        charge = self.charge
        return {
            "before": charge.before,
            "query": charge.cost,
            "after": charge.after,
            "reset_in_x_seconds": charge.reset_s,
        }

"""What the planning of a push came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.ledger.ports import PlannedEffect
    from syncflow_dagster.nodes.monday.bulk.choice import DayCalls, LaneChoice
    from syncflow_dagster.nodes.monday.values import Adjustment

#: Planned effects kept for a preview.
PREVIEW = 50
#: Adjusted values kept; a run of a million records may adjust as many.
MOST_ADJUSTMENTS = 1_000


@dataclass(slots=True)
class PlanReport:
    """What planning came to.

    Attributes:
        rows: Delta rows taken up.
        effects: New effects by kind.
        rejected: Records that can never be written as they are, each with its reason.
        adjusted: Number of values that are not written as they are.
        adjustments: The first of them, each with its record.
        settled: Rows with nothing to do.
        skipped: These by customer; the empty name stands for those without one.
        preview: The first planned effects.
        lanes: Which way the planned effects go, and why.
        calls: What they need of the account's calls.
    """

    rows: int = 0
    effects: Counter[str] = field(default_factory=Counter)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    adjusted: int = 0
    adjustments: list[tuple[str, Adjustment]] = field(default_factory=list)
    settled: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    preview: list[PlannedEffect] = field(default_factory=list)
    lanes: list[LaneChoice] = field(default_factory=list)
    calls: DayCalls | None = None

    def adjust(self, adjustments: Sequence[tuple[str, Adjustment]], number: int) -> None:
        """Add values that are not written as they are.

        Args:
            adjustments: Each with its record; of many, the first.
            number: How many there are.
        """
        self.adjusted += number
        self.adjustments += adjustments[: MOST_ADJUSTMENTS - len(self.adjustments)]

    def settle(self, customer: str | None) -> None:
        """Count a row with nothing to do."""
        self.settled += 1
        self.skipped[customer or ""] += 1

    def add(self, part: PlanReport) -> None:
        """Add what one chunk came to, whose rows are counted on from this report's."""
        self.rows = part.rows
        self.effects.update(part.effects)
        self.rejected += part.rejected
        self.adjust(part.adjustments, part.adjusted)
        self.settled += part.settled
        self.skipped.update(part.skipped)
        self.preview = (self.preview + part.preview)[:PREVIEW]

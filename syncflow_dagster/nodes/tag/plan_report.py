"""What the planning of tags came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.tag.plans import SHORT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.nodes.tag.lines import Line
    from syncflow_dagster.nodes.tag.plans import PlanStatus

#: Lines, refusals and differences kept for a preview.
PREVIEW = 50


@dataclass(frozen=True, slots=True)
class Planned:
    """One plan of a run.

    Attributes:
        plan_hash: Its hash, 64 hex.
        status: Where it stands now.
        changes: Its lines.
        reason: Why it is not applied, if it is not.
    """

    plan_hash: str
    status: PlanStatus
    changes: int
    reason: str = ""

    def __str__(self) -> str:
        """Return it in a line."""
        why = f": {self.reason}" if self.reason else ""
        return f"plan {self.plan_hash[:SHORT]} ({self.changes:,} changes) is {self.status}{why}"


@dataclass(slots=True)
class TagPlanReport:
    """What planning came to.

    Attributes:
        rows: Rows of the source it looked at.
        changes: Changes planned, by kind.
        settled: Rows with nothing to do, by why.
        refused: Rows that can never be tagged as they are, each with its reason.
        refusals: How many there are; `refused` holds the first.
        postponed: Rows left for later, as another change of their record is under way.
        plans: The plans that were made, applied or outdated.
        differences: What differs from what was approved.
        preview: The first changes.
    """

    rows: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    refusals: int = 0
    postponed: int = 0
    plans: list[Planned] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    preview: list[Line] = field(default_factory=list)

    def add(self, lines: Sequence[Line]) -> None:
        """Count the changes of a plan."""
        self.changes.update(line.kind for line in lines)
        self.preview += lines[: PREVIEW - len(self.preview)]

    def refuse(self, label: str, reason: str) -> None:
        """Count a row that cannot be tagged."""
        self.refusals += 1
        if len(self.refused) < PREVIEW:
            self.refused.append((label, reason))

    def differ(self, texts: Sequence[str]) -> None:
        """Keep what differs from what was approved."""
        self.differences += texts[: PREVIEW - len(self.differences)]

    def rows_of_preview(self) -> list[dict[str, Any]]:
        """Return the first changes as rows of a table: who, what, why; never the values."""
        return [
            {
                "record": line.place.record_id,
                "before": sizes(line.before),
                "after": sizes(line.after),
                "why": f"{', '.join(line.rules)} ({line.place.purpose})",
                "what": line.kind,
            }
            for line in self.preview
        ]


def shown(cells: Mapping[str, Any]) -> str:
    """Return cells for people: `Champion_Tags__c: A; B`."""
    return ", ".join(f"{cell}: {_text(value)}" for cell, value in cells.items())


def sizes(cells: Mapping[str, Any]) -> str:
    """Return cells for logs and reasons, without what they hold: `Title: 12 characters`."""
    return ", ".join(f"{cell}: {size(value)}" for cell, value in cells.items())


def size(value: Any) -> str:
    """Return how much a cell holds, but not what."""
    if value is None:
        return "empty"
    if isinstance(value, str):
        return f"{len(value)} characters"
    if isinstance(value, list):
        return f"{len(value)} values"
    return f"{len(value)} fields" if isinstance(value, dict) else "a value"


def _text(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_text(one)}" for name, one in value.items()) + "}"
    return str(value)

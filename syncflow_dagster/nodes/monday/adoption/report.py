"""What an adoption found: numbers, the first findings of each kind, and all of them as a file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Findings of each kind that are kept in memory and shown.
MOST_SHOWN = 1_000
#: Kinds of findings, in the order they are told, each with what it means.
KINDS = {
    "matched": "items taken over",
    "adopted_before": "records whose items were taken over before",
    "mismatch": "items whose columns differ from their records",
    "duplicate": "records with several items",
    "ambiguous": "records whose items may stand for another record",
    "held": "subitems that wait until it is known which item is theirs",
    "refused": "records that cannot be written as they are",
    "under_way": "items whose records have a change under way",
    "unmatched_item": "items that stand for no record of the source",
    "unmatched_record": "records without an item, which the next push makes",
}


@dataclass
class MappingReport:
    """What was found among the items, or the subitems, of a push node.

    Attributes:
        entity: The kind of record.
        board_id: The board read.
        items: Active items read.
        requests: Requests that took.
        keys_to_fill: Items whose record id the next push writes.
        values_to_write: Cells, names and groups that the next push brings in line.
        counts: Findings by kind.
        found: The first findings of each kind but `matched` and `adopted_before`.
    """

    entity: str
    board_id: str
    items: int = 0
    requests: int = 0
    keys_to_fill: int = 0
    values_to_write: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    found: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    file: IO[str] | None = None

    def tell(self, kind: str, **finding: Any) -> None:
        """Add a finding.

        Args:
            kind: One of `KINDS`.
            finding: What it is, as JSON.
        """
        self.counts[kind] += 1
        if self.file is not None:
            line = {"kind": kind, "entity": self.entity, **finding}
            self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
        if kind in {"matched", "adopted_before"}:
            return
        first = self.found.setdefault(kind, [])
        if len(first) < MOST_SHOWN:
            first.append(finding)

    def as_json(self) -> dict[str, Any]:
        """Return it as one object."""
        return {
            "board_id": self.board_id,
            "items": self.items,
            "requests": self.requests,
            "keys_to_fill": self.keys_to_fill,
            "values_to_write": self.values_to_write,
            "counts": {kind: self.counts[kind] for kind in KINDS},
            "found": self.found,
        }

    def lines(self, shown: int) -> Iterator[str]:
        """Return it for a person, with so many findings of each kind."""
        yield f"  {self.entity}: {self.items:,} items on board {self.board_id}"
        for kind, words in KINDS.items():
            if self.counts[kind]:
                yield f"  {self.counts[kind]:>8,}  {words}"
            for finding in self.found.get(kind, [])[:shown]:
                yield f"            {_line(finding)}"
            more = self.counts[kind] - shown
            if more > 0 and kind in self.found:
                yield f"            and {more:,} more"
        yield (
            f"  the next push writes {self.keys_to_fill:,} record ids and "
            f"{self.values_to_write:,} differing values"
        )


def _line(finding: dict[str, Any]) -> str:
    return "; ".join(
        f"{name} {_shown(value)}" for name, value in finding.items() if value is not None
    )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        differing = value.items()
        return ", ".join(f"{name} {a['board']!r}, not {a['record']!r}" for name, a in differing)
    return str(value)

"""What a run of an identity node came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.matching.decide import Action

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.core.matching.decide import Decision

#: Questions shown at most.
PREVIEW = 20


@dataclass(frozen=True, slots=True)
class Question:
    """A record that waits for a person.

    Attributes:
        case_id: Number of the case.
        record_id: The record.
        tier: What is asked about.
        reason: The same in words.
        candidates: How many persons it may be.
    """

    case_id: int
    record_id: str
    tier: int
    reason: str
    candidates: int


@dataclass(frozen=True, slots=True)
class IdentityState:
    """What a node knows.

    Attributes:
        persons: Persons.
        records: Their records.
        moves: Moves to other companies, since the beginning.
        open_cases: Questions that nobody has answered.
        oldest_case: Since when the oldest of them waits.
        waiting: Records that are nobody's while they wait for an answer.
        duplicates: Identifiers that two persons have for themselves, and pairs of persons of one
            name and one telephone number or address that nobody told apart; there can be none.
    """

    persons: int
    records: int
    moves: int
    open_cases: int
    oldest_case: datetime | None
    waiting: int
    duplicates: int


@dataclass(slots=True)
class IdentityReport:
    """What a run came to.

    Attributes:
        rows: Changes of records that were looked at.
        decisions: Those by what became of them.
        tiers: Those that point at known persons, by tier.
        united: Persons that turned out to be another.
        moves: Moves that were found.
        refused: Changes of records without an id, and of those the database does not take.
        questions: Some of the questions that came up.
        state: What the node knows at the end.
        waiting: Delta rows that wait, and the tier of what is asked.
        looked_at: Delta rows of a batch.
    """

    rows: int = 0
    decisions: Counter[Action] = field(default_factory=Counter)
    tiers: Counter[int] = field(default_factory=Counter)
    united: int = 0
    moves: int = 0
    refused: int = 0
    questions: list[Question] = field(default_factory=list)
    state: IdentityState | None = None
    waiting: dict[int, int] = field(default_factory=dict)
    looked_at: list[int] = field(default_factory=list)

    @property
    def held(self) -> int:
        """Changes that wait for a person."""
        return self.decisions[Action.HELD]

    def count(self, decision: Decision) -> None:
        """Count a decision."""
        self.decisions[decision.action] += 1
        if decision.tier is not None:
            self.tiers[int(decision.tier)] += 1
        self.united += len(decision.absorbs)

    def add(self, part: IdentityReport) -> None:
        """Add what a batch came to; what waited and was looked at again counts once."""
        again = [self.waiting.pop(one) for one in part.looked_at if one in self.waiting]
        self.decisions -= Counter({Action.HELD: len(again)})
        self.tiers -= Counter(again)
        self.rows += part.rows - len(again)
        self.waiting |= part.waiting
        asked = {one.record_id: one for one in (*self.questions, *part.questions)}
        self.decisions += part.decisions
        self.tiers += part.tiers
        self.united += part.united
        self.moves += part.moves
        self.refused += part.refused
        self.questions = list(asked.values())[:PREVIEW]

    def as_json(self) -> dict[str, Any]:
        """Return the numbers as one object."""
        return {
            "rows": self.rows,
            "decisions": {str(action): self.decisions[action] for action in Action},
            "tiers": {str(tier): self.tiers[tier] for tier in sorted(self.tiers)},
            "united": self.united,
            "moves": self.moves,
            "refused": self.refused,
        }

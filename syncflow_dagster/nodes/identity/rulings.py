"""What people answered about records, as far as it holds for what the records say now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.core.matching.decide import Action, Decision, Rulings, Same
from syncflow_dagster.core.matching.people import person_id
from syncflow_dagster.core.matching.tiers import Tier, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from psycopg.rows import DictRow

    from syncflow_dagster.core.matching.people import Record
    from syncflow_dagster.core.matching.registry import Registry
    from syncflow_dagster.core.matching.tiers import Match


@dataclass(slots=True)
class Answered:
    """What people answered about a record.

    Attributes:
        same: Whose it is, if that was said.
        different: Persons it was told apart from, and the strongest tier that was asked about.
        ignored: Whether it is to be left alone.
    """

    same: Same | None = None
    different: dict[UUID, Tier] = field(default_factory=dict)
    ignored: bool = False

    def stronger(self, record: Record, registry: Registry) -> Iterator[Match]:
        """Return whom a record points at more strongly now than when they were told apart."""
        own, common = registry.owner(record.record_id), registry.common_phones(record)
        for one, asked in self.different.items():
            person = registry.persons.get(registry.changes.absorbed.get(one, one))
            # That a record is not its own person's any more is carried out as it was said.
            known = person is None or person is own
            match = None if known or person is None else compare(record, person, common)
            if match is not None and match.tier < asked:
                yield match

    def rulings(self, again: Iterable[Match], registry: Registry) -> Rulings:
        """Return what holds, without what has to be asked again."""
        absorbed = registry.changes.absorbed
        different = {absorbed.get(one, one) for one in self.different}
        different -= {match.person_id for match in again}
        return Rulings(self.same, frozenset(different), self.ignored)


def answered(
    answers: Iterable[DictRow], differences: Iterable[DictRow], scope: str
) -> dict[str, Answered]:
    """Put together what was answered about each record.

    Args:
        answers: Who is who, in the order of deciding.
        differences: Who is not.
        scope: Names the workflow and the node.
    """
    found: dict[str, Answered] = {}
    said: dict[str, int] = {}
    for row in answers:
        one = found.setdefault(row["record_id"], Answered())
        if row["decision"] == "ignore":
            one.ignored = True
            continue
        day = row["ended_at"].date().isoformat()
        words = f"{row['actor']} decided on {day} that it is the same person: {row['why']}"
        one.same = Same(row["person_id"], words, Tier(row["tier"]), str(row["delta_id"]))
        said[row["record_id"]] = row["case_id"]
    for row in differences:
        one = found.setdefault(row["record_id"], Answered())
        # He is nobody before his record has been decided in accordance with the answer.
        other = row["other"] or person_id(scope, row["founder"])
        if one.same is not None and one.same.person_id == other:
            # The later answer counts.
            if said[row["record_id"]] > row["case_id"]:
                continue
            one.same = None
        tier = Tier(row["tier"])
        one.different[other] = min(tier, one.different.get(other, tier))
    return found


def asked_again(record: Record, again: Iterable[Match], registry: Registry) -> Decision | None:
    """Return the question whether an unknown record is somebody's from whom it was told apart.

    Never does a rule alone decide against an answer.
    """
    matches = tuple(again)
    known = registry.owner(record.record_id) is not None or registry.linked(record)
    if not matches or known or record.gone:
        return None
    tier = matches[0].tier if len(matches) == 1 else Tier.SEVERAL
    return Decision(Action.HELD, tier, None, matches)

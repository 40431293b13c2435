"""Moves to another company, out of what is known of a person's records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.core.matching.companies import is_other_company
from syncflow_dagster.core.matching.tiers import Tier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncflow_dagster.core.matching.people import Person, Record


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody is at another company than before.

    Attributes:
        key: The same for the same move, however often it is found.
        record: The record that shows the new company.
        former: What showed the company before: another record, or this one as it was.
        tier: What says that the two are one person.
        evidence: The same in words.
    """

    key: str
    record: Record
    former: Record
    tier: Tier
    evidence: tuple[str, ...]


def within(before: Record, record: Record, change: str) -> Iterator[Move]:
    """Return the move that a change of one record shows, if it does.

    Args:
        before: The record as it was last known.
        record: As it is now.
        change: Tells this change from all others of the record.
    """
    if _moved(before, record):
        key = f"changed:{record.record_id}:{change}"
        yield Move(key, record, before, Tier.SAME_RECORD, ("the same record, at another company",))


def between(person: Person, record: Record, tier: Tier, evidence: Sequence[str]) -> Iterator[Move]:
    """Return the moves that a record shows which is found to be a known person's.

    They lead from the person's next older record to this one, and from this one to the next newer
    one, where no move leads there yet: each record is moved to once, so that records may come in
    any order. Where the newer one is at the same company, the move to it is known already. Between
    two records of one address there is none: who keeps the address of a company is still there,
    and the records are rather one too many.

    Args:
        person: The person, without the record.
        record: The record.
        tier: What says that it is the person's.
        evidence: The same in words.
    """
    line = person.by_age()
    newer = [one for one in line if _is_newer(one, record)]
    older = [one for one in line if not _is_newer(one, record)]
    steps = [(record, newer[0])] if newer else []
    if older and not (newer and not _moved(record, newer[0])):
        steps.insert(0, (older[-1], record))
    for former, latter in steps:
        if _moved(former, latter) and (former.email is None or former.email != latter.email):
            key = f"joined:{latter.record_id}"
            yield Move(key, latter, former, tier, tuple(evidence))


def _moved(former: Record, latter: Record) -> bool:
    return is_other_company(former.account, former.company, latter.account, latter.company)


def _is_newer(one: Record, other: Record) -> bool:
    if one.created is None or other.created is None:
        return False
    return (one.created, one.record_id) > (other.created, other.record_id)

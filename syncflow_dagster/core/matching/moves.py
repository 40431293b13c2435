"""Moves to another company, out of what is known of a person's records."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from syncflow_dagster.core.matching.companies import is_other_company
from syncflow_dagster.core.matching.contacts import is_free_mail
from syncflow_dagster.core.matching.people import age
from syncflow_dagster.core.matching.tiers import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syncflow_dagster.core.matching.people import Person, Record

_LATE = ("the same person's record, which shows now that it is at another company",)


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


def within(person: Person, before: Record, record: Record, change: str) -> Iterator[Move]:
    """Return the move that a change of one record shows, if it does.

    Where another record or the last move shows the person at that company already, it is none:
    this record comes after.

    Args:
        person: Whose record it is, as all was known before the change.
        before: The record as it was last known.
        record: As it is now.
        change: Tells this change from all others of the record.
    """
    others = [one for one in person.records.values() if one.record_id != record.record_id]
    if _moved(before, record) and not _is_there(person, others, record):
        key = f"changed:{record.record_id}:{change}"
        yield Move(key, record, before, Tier.SAME_RECORD, ("the same record, at another company",))


def late(person: Person, before: Record, record: Record) -> Iterator[Move]:
    """Return moves that a record did not show when it came, for what it lacked then.

    It had no company, or the address of an older record, as copies have it.

    Args:
        person: Whose record it is, as all was known before the change.
        before: The record as it was last known.
        record: As it is now.
    """
    others = {key: one for key, one in person.records.items() if key != record.record_id}
    copied = _keeps_address(before, record) is False and any(
        _keeps_address(one, before) for one in others.values()
    )
    if not _has_company(before) or copied:
        found = between(person, others, {record.record_id: record}, Tier.SAME_RECORD, _LATE)
        yield from (one for one in found if one.record.record_id == record.record_id)


def between(
    person: Person,
    known: Mapping[str, Record],
    new: Mapping[str, Record],
    tier: Tier,
    evidence: Sequence[str],
) -> Iterator[Move]:
    """Return the moves that records show which are found to be a known person's.

    All of them make one line, the oldest first, without those that show no company. A move leads
    from one record to the next where one of the two is new, so that records may come in any order,
    and where nothing shows the person at that company already. Between two records of one address
    of a company there is none: who keeps it is still there, and the records are rather one too
    many.

    Args:
        person: The person.
        known: Records that are the person's already, by id.
        new: Those that are found to be, by id.
        tier: What says so.
        evidence: The same in words.
    """
    line = sorted(filter(_has_company, {**known, **new}.values()), key=age)
    for place, (former, latter) in enumerate(pairwise(line)):
        if (former.record_id in new) == (latter.record_id in new):
            continue
        side = new if former.record_id in new else known
        before = [*line[:place], *side.values()]
        if not _moved(former, latter) or _keeps_address(former, latter):
            continue
        if not _is_there(person, before, latter):
            yield Move(f"joined:{latter.record_id}", latter, former, tier, tuple(evidence))


def _is_there(person: Person, others: Iterable[Record], record: Record) -> bool:
    """Tell whether other records, or the last move, show a person where a record does."""
    places = [(one.account, one.company) for one in others if _has_company(one)]
    if person.last_move is not None:
        places.append(person.last_move)
    return any(not is_other_company(*one, record.account, record.company) for one in places)


def _keeps_address(former: Record, latter: Record) -> bool:
    """Tell whether two records have the address of a company in common."""
    address = former.email
    return address is not None and address == latter.email and not is_free_mail(address)


def _has_company(record: Record) -> bool:
    return record.account is not None or record.company is not None


def _moved(former: Record, latter: Record) -> bool:
    return is_other_company(former.account, former.company, latter.account, latter.company)

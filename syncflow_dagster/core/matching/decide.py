"""What becomes of a record: whose it is, or what has to be asked; and the moves that follow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from syncflow_dagster.core.matching import moves
from syncflow_dagster.core.matching.people import Kind, Person, person_id
from syncflow_dagster.core.matching.tiers import CERTAIN, Match, Tier, compare

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from syncflow_dagster.core.matching.moves import Move
    from syncflow_dagster.core.matching.people import Record
    from syncflow_dagster.core.matching.registry import Registry


class Action(StrEnum):
    """What becomes of a record."""

    #: It was a person's already.
    KNOWN = "known"
    #: It is a known person's.
    JOINED = "joined"
    #: It is somebody nobody knew.
    NEW = "new"
    #: A person has to say; nothing is written of it until then.
    HELD = "held"
    #: A person said that it is to be left alone.
    IGNORED = "ignored"
    #: It was deleted before it was looked at.
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Same:
    """Somebody decided whose a record is.

    Attributes:
        person_id: The person it is.
        words: Who said so and why, in words.
        tier: What it was asked for.
    """

    person_id: UUID
    words: str
    tier: Tier


@dataclass(frozen=True, slots=True)
class Rulings:
    """What people decided about a record.

    Attributes:
        same: Whose it is, if that was said.
        different: Persons it is not.
        ignored: Whether it is to be left alone.
    """

    same: Same | None = None
    different: frozenset[UUID] = frozenset()
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a record.

    Attributes:
        action: What is done.
        tier: What it rests on; None where nothing was found.
        person_id: Whose the record is.
        matches: Persons it points at: those it was found by, or those that are asked about.
        absorbs: Persons that turn out to be the same.
        moves: Moves to another company.
    """

    action: Action
    tier: Tier | None = None
    person_id: UUID | None = None
    matches: tuple[Match, ...] = ()
    absorbs: tuple[UUID, ...] = ()
    moves: tuple[Move, ...] = ()


_NOTHING = Rulings()


@dataclass
class Decider:
    """Decides records one after another; each sees what became of those before it.

    Attributes:
        registry: Known persons; it is changed.
        scope: Names the workflow and the node.
        rulings: What people decided, by record.
    """

    registry: Registry
    scope: str
    rulings: Mapping[str, Rulings] = field(default_factory=dict)

    def take(self, record: Record, change: str, *, first_load: bool = False) -> Decision:
        """Decide a record, and let the registry know.

        Args:
            record: The record.
            change: Tells this state of the record from all others it had.
            first_load: Whether it was there before any record was looked at, so that names alone
                are not asked about.
        """
        ruled = self.rulings.get(record.record_id, _NOTHING)
        if ruled.ignored:
            return Decision(Action.IGNORED)
        own = self.registry.owner(record.record_id)
        if record.gone and own is not None:
            # A deletion tells nothing but itself.
            last = own.records[record.record_id]
            record = replace(last, gone=True, merged_into=record.merged_into or last.merged_into)
        whose = self._whose(record, own, ruled)
        if record.gone and not whose:
            return Decision(Action.GONE)
        if not whose:
            matches = self._matches(record, ruled.different)
            return self._unknown(record, matches, first_load=first_load)
        said = ruled.same
        if said is not None and (own is whose[0] or said.person_id != whose[0].person_id):
            said = None  # it is carried out already, or cannot be any more
        asked = () if said else self._asked_of_known(record, whose, ruled.different)
        return _question(asked) if asked else self._known(record, change, own, whose, said)

    def _matches(self, record: Record, but: Collection[UUID]) -> list[Match]:
        found = (
            compare(record, one)
            for one in self.registry.candidates(record)
            if one.person_id not in but
        )
        return [one for one in found if one is not None]

    def _whose(self, record: Record, own: Person | None, ruled: Rulings) -> list[Person]:
        """Return the persons a record is without any doubt; the first one stays."""
        found = self.registry.linked(record)
        if own is not None:
            found.insert(len(found) if record.merged_into else 0, own)
        if ruled.same is not None and ruled.same.person_id in self.registry.persons:
            found.insert(0, self.registry.persons[ruled.same.person_id])
        return list({one.person_id: one for one in found}.values())

    def _asked_of_known(
        self, record: Record, whose: Sequence[Person], different: frozenset[UUID]
    ) -> tuple[Match, ...]:
        """Return persons that a known record points at by something that is new of it."""
        news = _news(record, whose)
        if news is None:
            return ()
        matches = self._matches(news, different | {one.person_id for one in whose})
        return tuple(one for one in matches if one.tier in CERTAIN or self._is_anothers(news, one))

    def _is_anothers(self, record: Record, match: Match) -> bool:
        """Tell whether a record's address is one that somebody of another name has alone."""
        address = (Kind.EMAIL, record.email or "")
        return match.tier is Tier.SHARED and self.registry.persons[match.person_id].has(address)

    def _unknown(self, record: Record, others: Sequence[Match], *, first_load: bool) -> Decision:
        matches = [one for one in others if not (first_load and one.weak)]
        if not matches:
            person = self.registry.found(person_id(self.scope, record.record_id), record)
            return Decision(Action.NEW, None, person.person_id)
        under_other_name = [one for one in matches if self._is_anothers(record, one)]
        best = min(one.tier for one in matches)
        fitting = [one for one in matches if one.tier is best]
        if best not in CERTAIN or len(fitting) > 1 or under_other_name:
            asked = {one.person_id: one for one in (*fitting, *under_other_name)}
            return _question(tuple(asked.values()))
        person = self.registry.persons[fitting[0].person_id]
        found = tuple(moves.between(person, record, best, fitting[0].evidence))
        self.registry.keep(person, record)
        return Decision(Action.JOINED, best, person.person_id, (fitting[0],), moves=found)

    def _known(
        self,
        record: Record,
        change: str,
        own: Person | None,
        whose: Sequence[Person],
        said: Same | None,
    ) -> Decision:
        person = whose[0]
        before = None if own is None else own.records[record.record_id]
        found: list[Move] = []
        if before is not None:
            record = _with_last_company(record, before)
            found += moves.within(before, record, change)
        tier, evidence = Tier.SAME_RECORD, "the same record, or one merged with it"
        if said is not None:
            tier, evidence = said.tier, said.words
            for one in [record] if own is None else own.by_age():
                found += moves.between(person, one, tier, (evidence,))
        for other in whose[1:]:
            self.registry.absorb(person, other)
        self.registry.keep(person, record)
        return Decision(
            Action.JOINED if before is None else Action.KNOWN,
            tier,
            person.person_id,
            (Match(person.person_id, tier, (evidence,)),),
            tuple(one.person_id for one in whose[1:]),
            tuple(found),
        )


def _question(matches: tuple[Match, ...]) -> Decision:
    tier = matches[0].tier if len(matches) == 1 else Tier.SEVERAL
    return Decision(Action.HELD, tier, None, matches)


def _news(record: Record, whose: Iterable[Person]) -> Record | None:
    """Return a record with only what is new of it; None if nothing is.

    A new name makes news of everything, as names are what the rest is held against.
    """
    known = {key for person in whose for key in person.traits}
    fresh = [key for key in record.keys() if key not in known]  # noqa: SIM118 - no mapping
    kinds = {kind for kind, _ in fresh}
    if not kinds:
        return None
    if Kind.NAME in kinds:
        return record
    return replace(
        record,
        email=record.email if Kind.EMAIL in kinds else None,
        external_id=record.external_id if Kind.EXTERNAL_ID in kinds else None,
        linkedin=record.linkedin if Kind.LINKEDIN in kinds else None,
        phones=tuple(value for kind, value in fresh if kind is Kind.PHONE),
        account=record.account if Kind.ACCOUNT in kinds else None,
        prior_account=record.prior_account if Kind.PRIOR_ACCOUNT in kinds else None,
    )


def _with_last_company(record: Record, before: Record) -> Record:
    """Keep the company that was known last where a record shows none any more."""
    if record.account is not None or record.company is not None:
        return record
    return replace(record, account=before.account, company=before.company)

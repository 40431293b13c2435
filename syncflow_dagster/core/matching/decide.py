"""What becomes of a record: whose it is, or what has to be asked; and the moves that follow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from syncflow_dagster.core.matching import moves
from syncflow_dagster.core.matching.names import Agreement, agreement
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
        change: The state of the record that was asked about.
    """

    person_id: UUID
    words: str
    tier: Tier
    change: str | None = None


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
        owner = own = self.registry.owner(record.record_id)
        if record.gone and own is not None:
            # A deletion tells nothing but itself.
            last = own.records[record.record_id]
            record = replace(last, gone=True, merged_into=record.merged_into or last.merged_into)
        if own is not None and _is_taken_over(record, own):
            answer = _answered(ruled, own, change)
            if answer is None:
                return _question((_taken_over(record, own),))
            own = own if answer else None
        whose = self._whose(record, own, ruled)
        if record.gone and not whose and record.merged_into is None:
            return Decision(Action.GONE)
        if not whose:
            founded = record.record_id if owner is None else f"{record.record_id}/{change}"
            matches = self._matches(record, ruled.different)
            return self._unknown(record, founded, matches, first_load=first_load)
        said = ruled.same
        if said is not None and (own is whose[0] or said.person_id != whose[0].person_id):
            said = None  # it is carried out already, or cannot be any more
        asked = () if said else self._asked_of_known(record, whose, ruled.different)
        return _question(asked) if asked else self._known(record, change, own, whose, said)

    def _matches(self, record: Record, but: Collection[UUID]) -> list[Match]:
        common = self.registry.common_phones(record)
        found = (
            compare(record, one, common)
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
        return tuple(one for one in matches if _is_strong(one))

    def _unknown(
        self, record: Record, founded: str, others: Sequence[Match], *, first_load: bool
    ) -> Decision:
        matches = [one for one in others if not (first_load and one.weak)]
        strong = tuple(one for one in matches if _is_strong(one))
        if record.gone:
            # It was merged: the record that is left is asked about, if anything is.
            matches = list(strong)
        if not matches:
            person = self.registry.found(person_id(self.scope, founded), record)
            return Decision(Action.NEW, None, person.person_id)
        if not strong:
            best = min(one.tier for one in matches)
            return _question(tuple(one for one in matches if one.tier is best))
        if len(strong) > 1 or strong[0].contested:
            return _question(strong)
        (match,) = strong
        person = self.registry.persons[match.person_id]
        new = {record.record_id: record}
        found = tuple(moves.between(person, person.records, new, match.tier, match.evidence))
        self.registry.keep(person, record)
        _remember(person, found)
        return Decision(Action.JOINED, match.tier, person.person_id, (match,), moves=found)

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
            assert own is not None
            found += moves.within(own, before, record, change)
            found += () if found else moves.late(own, before, record)
        tier, evidence = Tier.SAME_RECORD, "the same record, or one merged with it"
        if said is not None:
            tier, evidence = said.tier, said.words
            new = {**({} if own is None else own.records), record.record_id: record}
            found += moves.between(person, person.records, new, tier, (evidence,))
        for other in whose[1:]:
            self.registry.absorb(person, other)
        self.registry.keep(person, record)
        _remember(person, found)
        return Decision(
            Action.JOINED if before is None else Action.KNOWN,
            tier,
            person.person_id,
            (Match(person.person_id, tier, (evidence,)),),
            tuple(one.person_id for one in whose[1:]),
            tuple(found),
        )


def _is_strong(match: Match) -> bool:
    """Tell whether a match decides, or contradicts whatever else would."""
    return match.tier in CERTAIN or match.contested


def _is_taken_over(record: Record, own: Person) -> bool:
    """Tell whether a known record became somebody else's: another name, and nothing of the old."""
    if record.gone or record.merged_into is not None:
        return False
    names = [agreement(record.name, one.name) for one in own.records.values()]
    new_address = record.email is not None and (Kind.EMAIL, record.email) not in own.traits
    return new_address and max(names) is Agreement.DIFFERENT


def _taken_over(record: Record, own: Person) -> Match:
    last = own.records[record.record_id].name.shown
    words = f"the same record, which was {last} and has another name and address now"
    return Match(own.person_id, Tier.SHARED, (words,), contested=True)


def _answered(ruled: Rulings, own: Person, change: str) -> bool | None:
    """Return whether people said that a record is its person's still; None if nobody did."""
    if ruled.same is not None and ruled.same.change == change:
        return ruled.same.person_id == own.person_id
    return False if own.person_id in ruled.different else None


def _remember(person: Person, found: Sequence[Move]) -> None:
    if found:
        last = found[-1].record
        person.last_move = (last.account, last.company)


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

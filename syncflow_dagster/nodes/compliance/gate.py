"""The consent gate: nothing about a person is written unless every question is answered with yes.

It is asked at the instant of sending. The lists of ours come first; only about who is in none of
them the service is asked, and its answer is looked up in the lists again, by the addresses read
just now. Every decision is kept with its evidence before anything is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.consent.identifiers import Kind, all_of
from syncflow_dagster.core.consent.questions import (
    ERASURE,
    SUPPRESSION,
    answers,
    listed,
    questions,
)
from syncflow_dagster.core.consent.verdict import Says, judge, refused
from syncflow_dagster.nodes.compliance.lists import Identifier, Lists
from syncflow_dagster.nodes.compliance.log import Decided, DecisionLog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.consent.evidence import RecordEvidence, SubjectRules
    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.core.consent.verdict import Answer, Verdict
    from syncflow_dagster.nodes.compliance.ports import EvidenceSource, GateRequest
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.policy import Policy

#: Records one look at the service is for.
BATCH = 200


class Gate:
    """Decides about writes to the records of one object, under one policy.

    Args:
        database: A migrated database: lists, erasures, the log.
        clock: Its time; consents hold or do not hold at it.
        source: What the service says.
        policy: The policy.
        object_name: API name of the object whose records are written about.
        key: Makes hashes of persons.
        run_id: The run, for the log.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        source: EvidenceSource,
        policy: Policy,
        object_name: str,
        *,
        key: PrivacyKey,
        run_id: str | None = None,
    ) -> None:
        self._clock = clock
        self._source = source
        self._policy = policy
        self._subject = policy.subject_rules(object_name)
        self._key = key
        self._lists = Lists(database, key)
        self._log = DecisionLog(database, policy, object_name, key, run_id)

    def decide(self, requests: Sequence[GateRequest]) -> Mapping[str, Verdict]:
        """Decide about some writes now and keep each decision.

        Args:
            requests: Writes about to be sent; the effect keys differ.

        Returns:
            The verdict of every request, by its effect key.

        Raises:
            AskAgain: The service did not answer: no verdict, nothing may be sent.
        """
        verdicts: dict[str, Verdict] = {}
        for start in range(0, len(requests), BATCH):
            part = requests[start : start + BATCH]
            decided = self._decide(part)
            self._keep(part, decided)
            verdicts |= decided
        return verdicts

    def _decide(self, requests: Sequence[GateRequest]) -> dict[str, Verdict]:
        subject = self._subject
        if subject is None:
            return {one.effect_key: refused("object_not_in_policy") for one in requests}
        rules = {one.purpose: self._policy.purpose_rules(one.purpose) for one in requests}
        known = {name: purpose for name, purpose in rules.items() if purpose is not None}
        ids = dict.fromkeys(one.record_id for one in requests if one.purpose in known)
        given = self._listed(self._lists.known_by(ids))
        unlisted = [one for one in ids if _permits(given[one])]
        found = self._source.gather(subject, list(known.values()), unlisted) if unlisted else {}
        shown = self._shown(subject, unlisted, found)
        given |= {one: each for one, each in self._listed(shown).items() if not _permits(each)}
        now = self._clock.now()
        verdicts = {}
        for one in requests:
            purpose = known.get(one.purpose)
            if purpose is None:
                verdicts[one.effect_key] = refused("purpose_not_in_policy", one.purpose)
                continue
            answered, asked = given[one.record_id], tuple(given[one.record_id])
            if one.record_id in unlisted:
                asked = questions(subject, purpose)
            if one.record_id in found:
                answered = {**answers(subject, purpose, found[one.record_id], now), **answered}
            verdicts[one.effect_key] = judge(asked, answered, self._policy.unknown)
        return verdicts

    def _shown(
        self, subject: SubjectRules, ids: Sequence[str], found: Mapping[str, RecordEvidence]
    ) -> dict[str, list[Identifier]]:
        """Return all that persons are known by once the service has answered.

        The records themselves are among it: an entry may have been made while it was asked.
        """
        former = {one: (found[one].records or ()) if one in found else () for one in ids}
        known = self._lists.known_by(
            dict.fromkeys([*ids, *(r for of in former.values() for r in of)])
        )
        return {
            one: [
                *(each for record in (one, *former[one]) for each in known[record]),
                *(_identifiers(subject, found[one]) if one in found else ()),
            ]
            for one in ids
        }

    def _listed(self, people: Mapping[str, list[Identifier]]) -> dict[str, Mapping[str, Answer]]:
        """Return what our lists say of some persons, by record id."""
        now = self._clock.now()
        standing = self._lists.standing(self._policy.suppression_lists, list(people.values()))
        return {
            record_id: {
                SUPPRESSION: listed(SUPPRESSION, now, "suppressed", ",".join(one.lists) or None),
                ERASURE: listed(ERASURE, now, "erased", "" if one.erased else None),
            }
            for record_id, one in zip(people, standing, strict=True)
        }

    def _keep(self, requests: Sequence[GateRequest], verdicts: Mapping[str, Verdict]) -> None:
        decided = [
            Decided(
                self._key.hash(Kind.RECORD, one.record_id) or b"",
                one.purpose,
                self._key.seal("effect", one.effect_key),
                verdicts[one.effect_key],
            )
            for one in requests
        ]
        self._log.add(decided, self._clock.now())


def _permits(given: Mapping[str, Answer]) -> bool:
    return all(one.says is Says.PERMITS for one in given.values())


def _identifiers(subject: SubjectRules, found: RecordEvidence) -> list[Identifier]:
    """Return what a person is known by as the service says just now."""
    fields = found.fields or {}
    emails = [*found.emails, *(fields.get(name) for name in subject.emails)]
    phones = [*found.phones, *(fields.get(name) for name in subject.phones)]
    individual = fields.get(subject.individual_field)
    of_kind = {Kind.EMAIL: emails, Kind.PHONE: phones, Kind.RECORD: [individual]}
    return [
        Identifier(kind, text)
        for kind, values in of_kind.items()
        for value in values
        for text in all_of(kind, value) or ()
    ]

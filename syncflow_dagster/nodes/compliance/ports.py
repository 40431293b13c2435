"""What the gate is asked, and what it asks of a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.core.consent.evidence import PurposeRules, RecordEvidence, SubjectRules
    from syncflow_dagster.core.consent.verdict import Verdict
    from syncflow_dagster.core.outcomes import Retry, Stop


@dataclass(frozen=True, slots=True)
class GateRequest:
    """One write that is about to be sent.

    Attributes:
        record_id: The service's id of the record it is about.
        effect_key: The effect that would write it.
        purpose: Purpose in the policy it serves.
    """

    record_id: str
    effect_key: str
    purpose: str


class AskAgain(Exception):
    """Evidence could not be had now, for a reason that has nothing to do with the records.

    No verdict: the effects stay unsent and keep their place.

    Attributes:
        outcome: What to answer the ledger for each of the effects.
    """

    def __init__(self, outcome: Retry | Stop) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class EvidenceSource(Protocol):
    """The service's side of the gate."""

    def gather(
        self,
        subject: SubjectRules,
        purposes: Sequence[PurposeRules],
        record_ids: Sequence[str],
    ) -> Mapping[str, RecordEvidence]:
        """Read what the service says about some records now, in as few requests as it takes.

        Args:
            subject: What is read of the records' object.
            purposes: What it is wanted for.
            record_ids: 200 ids at most.

        Returns:
            Evidence for every id, by the id as it was given.

        Raises:
            AskAgain: The service did not answer.
        """
        ...


class GatePort(Protocol):
    """The gate as a destination sees it."""

    def decide(self, requests: Sequence[GateRequest]) -> Mapping[str, Verdict]:
        """Decide about some writes now and record each decision.

        Args:
            requests: Writes about to be sent; the effect keys differ.

        Returns:
            The verdict of every request, by its effect key.

        Raises:
            AskAgain: Evidence could not be had; nothing may be sent, nothing is decided.
        """
        ...

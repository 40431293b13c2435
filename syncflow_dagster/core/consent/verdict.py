"""What the answers about a record come to: the least permissive of them wins.

A question of the policy that has no answer counts as one whose answer could not be read, and such
an answer never allows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

#: What a policy makes of an answer that could not be read.
Unknown = Literal["block", "review"]


class Says(StrEnum):
    """What one answer says."""

    PERMITS = "permits"
    REFUSES = "refuses"
    UNKNOWN = "unknown"


class Decision(StrEnum):
    """What is to be done about a record."""

    ALLOW = "allow"
    BLOCK = "block"
    REVIEW = "review"


#: Why a record is not written, in words; a reason is a code, or `code:detail`.
REASONS: Mapping[str, str] = {
    "suppressed": "is on a suppression list",
    "erased": "asked to be erased",
    "object_not_in_policy": "the policy does not allow this object",
    "purpose_not_in_policy": "the policy has no such purpose",
    "record_not_found": "the record is not there, or may not be seen",
    "consent_api_refused": "the Consent API refuses this action",
    "consent_api_unreadable": "the Consent API gave no answer for this action",
    "field_refuses": "a field of the record refuses",
    "field_unreadable": "a field of the record is missing, hidden or cannot be compared",
    "no_individual": "no Individual is linked to the record",
    "individual_unreadable": "a field of the Individual is missing or hidden",
    "individual_refuses": "a field of the Individual refuses",
    "opted_out": "opted out for a channel",
    "no_consent": "has given no consent for this purpose",
    "consent_expired": "a consent or refusal has ended, and no consent follows it",
    "consent_not_yet": "a consent does not hold yet",
    "consent_unreadable": "consents could not be read",
    "not_answered": "a question of the policy was not answered",
    "not_asked": "the policy asks nothing about this record",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one question.

    Attributes:
        says: What it says.
        source: Who gave it, such as `Contact.DoNotCall`.
        read_at: When it was read; None where nobody was asked.
        code: Why not, a key of `REASONS`; empty where it permits.
        detail: What of it, such as the field; no personal value.
    """

    says: Says
    source: str
    read_at: datetime | None = None
    code: str = ""
    detail: str = ""

    @property
    def reason(self) -> str:
        """The code with its detail."""
        return f"{self.code}:{self.detail}" if self.detail else self.code


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a record may be written, and why not.

    Attributes:
        decision: ALLOW, BLOCK, or REVIEW: a person has to look.
        reasons: Codes of `REASONS`, some with `:detail`; empty where it is allowed.
        evidence: By question what was answered, by whom, when; JSON values, nothing personal.
    """

    decision: Decision
    reasons: tuple[str, ...] = ()
    evidence: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def allow(self) -> bool:
        """Whether the record may be written now."""
        return self.decision is Decision.ALLOW

    def __str__(self) -> str:
        """Return the verdict in words."""
        return "; ".join(map(in_words, self.reasons)) or "allowed"


def judge(questions: Iterable[str], answers: Mapping[str, Answer], unknown: Unknown) -> Verdict:
    """Weigh the answers about one record.

    Args:
        questions: What must be answered, in the order in which reasons are told.
        answers: By question; one that was not asked for counts too.
        unknown: What becomes of a record about which something could not be read.

    Returns:
        ALLOW only if every question is answered and no answer does anything but permit.
    """
    asked = dict.fromkeys(questions)
    given = {
        name: answers.get(name) or Answer(Says.UNKNOWN, name, code="not_answered", detail=name)
        for name in [*asked, *(name for name in answers if name not in asked)]
    }
    if not asked:
        given["policy"] = Answer(Says.REFUSES, "policy", code="not_asked")
    against = [one for one in given.values() if one.says is not Says.PERMITS]
    evidence = {name: _plain(one) for name, one in given.items()}
    reasons = tuple(dict.fromkeys(one.reason for one in against))
    if any(one.says is Says.REFUSES for one in against):
        return Verdict(Decision.BLOCK, reasons, evidence)
    return Verdict(Decision(unknown) if against else Decision.ALLOW, reasons, evidence)


def refused(code: str, detail: str = "") -> Verdict:
    """Return the verdict that needs no evidence but the policy."""
    return judge(
        ["policy"], {"policy": Answer(Says.REFUSES, "policy", None, code, detail)}, "block"
    )


def in_words(reason: str) -> str:
    """Return a reason for people, such as `a field of the record refuses (Contact.DoNotCall)`."""
    code, _, detail = reason.partition(":")
    words = REASONS.get(code, code)
    return f"{words} ({detail})" if detail else words


def _plain(answer: Answer) -> Mapping[str, str]:
    at = "" if answer.read_at is None else answer.read_at.isoformat()
    told = {"says": str(answer.says), "source": answer.source, "read_at": at}
    return {name: text for name, text in {**told, "reason": answer.reason}.items() if text}

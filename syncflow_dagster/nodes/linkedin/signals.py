"""What an account's requests tell beside their own outcome: of its limits, its state, its leads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.core.outreach.tiers import Bucket

#: What a signal is about: one lead; one kind of action of the account; the account; all accounts of
#: the tenant; or the texts of the sequence.
Scope = Literal["lead", "bucket", "account", "tenant", "sequence"]


class SignalKind(StrEnum):
    """What happened."""

    #: The request went through.
    OK = "ok"
    #: No answer, or none that says whether it was applied; or surely not applied, for no limit.
    FAILURE = "failure"
    #: The account has done enough of this for now. Costs no lead an attempt.
    LIMIT = "limit"
    #: The account's session is down; nothing goes until its state is OK again.
    DOWN = "down"
    #: LinkedIn has restricted the account; nothing goes until a person lets it, whatever its state.
    RESTRICTED = "restricted"
    #: Our own key, or what we send, is wrong: nothing is sent until somebody has put it right.
    CONFIG = "config"
    #: An answer nobody knows: the account is stopped until somebody has looked.
    UNRECOGNISED = "unrecognised"
    #: Something about the lead, see `LeadFact`.
    LEAD = "lead"


class LeadFact(StrEnum):
    """What was learnt of a lead where an action turned out not to be needed, or not possible."""

    #: Connected already.
    CONNECTED = "connected"
    #: An invitation of this account is out that we do not know of.
    INVITED = "invited"
    #: The person has invited the account.
    RECEIVED = "received"
    #: An invitation was taken back; LinkedIn lets nobody be invited again for up to three weeks.
    COOLDOWN = "cooldown"
    #: Not connected, though we thought so.
    NOT_CONNECTED = "not_connected"
    #: The profile that answers is another one.
    WRONG_PROFILE = "wrong_profile"


@dataclass(frozen=True, slots=True)
class Signal:
    """What one request told.

    Attributes:
        kind: What happened.
        scope: What it is about.
        bucket: The kind of action the request was.
        reason: What the service said, without personal data: its type word for word (`UNI: …`), or
            what happened on the way (`APP: …`).
        after_s: Seconds the service asks to wait, if it does.
        usage: Percent of the provider's limit that is used up, where the service says so.
        fact: What was learnt of the lead, if the scope is `lead`.
        lead_id: The lead whose request it was, if it was one's.
        chat_id: The chat a message went into, where that was told.
    """

    kind: SignalKind
    scope: Scope
    bucket: Bucket
    reason: str
    after_s: float | None = None
    usage: float | None = None
    fact: LeadFact | None = None
    lead_id: int | None = None
    chat_id: str | None = None


class SignalSink(Protocol):
    """Who keeps what requests tell.

    Called outside of any transaction, before the ledger records the action's own outcome. A signal
    that is lost with its process comes again with the next request, or with the action's look-up.
    """

    def heard(self, account: str, signal: Signal, now: datetime) -> None:
        """Take in a signal.

        Of scope `lead`, the action is dropped (CANCELLED) right after: the lead then goes to its
        `resume_state`, which this call may set to fit the fact.

        Args:
            account: The account, as the ledger knows it.
            signal: What was told.
            now: Database time.
        """
        ...


class ReadMeter(Protocol):
    """Who writes down reads that cost the account something, before each is made."""

    def before_read(self, bucket: Bucket, lead_id: int | None) -> float | None:
        """Write a read down, or return the seconds until it may be made.

        Args:
            bucket: `profile` or `read`.
            lead_id: The lead whose profile it is, if it is one's.
        """
        ...

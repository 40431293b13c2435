"""What enrolling, a turn and a sweep did, and what the numbers of a node are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

#: Changes, or troubles, that a report names.
NAMED = 20


@dataclass(slots=True)
class EnrolReport:
    """What became of changes of the source.

    Attributes:
        rows: Changes looked at.
        enrolled: Leads that are new.
        refreshed: Leads whose fields were taken up anew, before any approval.
        cancelled: Leads that are gone from the source.
        unchanged: Changes that are no news for a lead.
        merged: Persons that turned out to be one.
        held: Changes that wait, by reason.
        dead: Changes that will never be leads, by reason.
        by_account: New leads by account.
        why: Some changes that are no leads: number of the delta and reason; and accounts that
            could not be asked whom they belong to.
    """

    rows: int = 0
    enrolled: int = 0
    refreshed: int = 0
    cancelled: int = 0
    unchanged: int = 0
    merged: int = 0
    held: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    by_account: Counter[str] = field(default_factory=Counter)
    why: list[tuple[str, str]] = field(default_factory=list)

    def add(self, part: EnrolReport) -> None:
        """Count another part of the same run in."""
        for one in fields(self):
            mine, more = getattr(self, one.name), getattr(part, one.name)
            if one.name == "why":
                self.why = (self.why + part.why)[:NAMED]
            elif isinstance(mine, Counter):
                mine.update(more)
            else:
                setattr(self, one.name, mine + more)


@dataclass(frozen=True, slots=True)
class Intended:
    """An action a dry run would send now.

    Attributes:
        lead_id: The lead.
        step: Index of the step.
        kind: invite, message, inmail, view_profile or withdraw.
        text: What it would say.
    """

    lead_id: int
    step: int
    kind: str
    text: str | None


@dataclass(slots=True)
class TurnReport:
    """What one turn of an account did.

    Attributes:
        account: The account, as the ledger knows it.
        looked_at: Leads whose step was looked at.
        sent: Actions confirmed, by kind.
        outcomes: What became of actions otherwise, by outcome of the ledger.
        found: What looking at leads brought to light, such as `connected`, by word.
        waiting: Leads whose step waits, as nothing is to be done yet.
        completed: Leads that came to their end.
        held: Why actions were not admitted, by reason.
        would: What a dry run would send now.
        stopped: Why the account may do nothing at all for now, if so.
        left: Why it had to stop between two actions, if so.
        next_at: When something can go next; None where only an event can bring that about.
        requests: Requests that carried actions.
        reads: Requests that only asked.
    """

    account: str
    looked_at: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    completed: int = 0
    held: Counter[str] = field(default_factory=Counter)
    would: list[Intended] = field(default_factory=list)
    stopped: str | None = None
    left: str | None = None
    next_at: datetime | None = None
    requests: int = 0
    reads: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a sweep found.

    Attributes:
        what: What sort it is.
        lead_id: The lead, if it is about one.
        account: The account, if it is about one.
        detail: What was found, for people.
        repaired: Whether it is mended; else a person has to look.
    """

    what: str
    lead_id: int | None
    account: str | None
    detail: str
    repaired: bool


@dataclass(slots=True)
class SweepReport:
    """What a sweep found.

    Attributes:
        repaired: What it mended, by sort.
        open: What a person has to look at, by sort.
        troubles: Each of them, as far as they fit.
    """

    repaired: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit is used.

    Attributes:
        bucket: invite, message, inmail, profile or withdraw.
        window: `day` (24 hours) or `week` (7 days), rolling.
        used: Actions that may have reached the service.
        allowed: Actions that may.
        next_free_at: When the next may go; None: now.
        open_until: Until when its breaker is open, if it is.
        reason: Why it is.
    """

    account: str
    bucket: str
    window: str
    used: int
    allowed: int
    next_free_at: datetime | None
    open_until: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The numbers of one node.

    Attributes:
        funnel: Rows (account, variant, enrolled, invited, connected, messaged, replied, completed,
            opted_out, failed).
        states: Leads by state.
        usage: Limits of its accounts.
        stuck: Leads that should go on and do not: lead_id, state, account, since, reason.
        unknown: Actions of which nobody knows whether they arrived.
        unknown_since: Since when the oldest of them is open.
        accounts: Accounts: status, since when, acknowledged, next_action_at, reduced_until.
    """

    funnel: list[dict[str, Any]]
    states: Counter[str]
    usage: list[Usage]
    stuck: list[dict[str, Any]]
    unknown: int
    unknown_since: datetime | None
    accounts: list[dict[str, Any]]

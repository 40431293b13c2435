"""What a simulation came to, by the sandbox's own truth about people and accounts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.testing.outreach.world import OutreachWorld

#: A connection is told by a webhook up to eight hours late, and polled for a few times a day.
POLL_WITHIN = timedelta(hours=14)
#: How a reason begins that is the provider's own word: this person takes no invitation.
_PROVIDERS_WORD = "UNI: "
#: What the sandbox holds against a client.
WRONGS = (
    "double_invites",
    "double_messages",
    "sends_after_reply",
    "sends_after_opt_out",
    "sends_after_owner",
)
#: Most of each kind in 24 hours and in 7 days, by tier; held apart from the node's own table.
_CAPS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "free": {"invites": (10, 50), "messages": (30, 210)},
    "premium": {"invites": (15, 80), "messages": (50, 350)},
    "sales_navigator": {"invites": (20, 100), "messages": (50, 350)},
    "recruiter": {"invites": (25, 100), "messages": (50, 350)},
}
_OPEN = frozenset(
    {
        LeadState.DRAFT,
        LeadState.AWAITING_APPROVAL,
        LeadState.PENDING_INVITE,
        LeadState.INVITE_SENT,
        LeadState.CONNECTED,
        LeadState.IN_FLIGHT,
        LeadState.OUTCOME_UNKNOWN,
        LeadState.COOLDOWN,
    }
)


@dataclass(slots=True)
class Verdict:
    """What a simulation came to.

    Attributes:
        leads: Leads that were enrolled.
        right: Those in a state that fits what happened to the person.
        wrong: Some of the others: provider id, state, and what would be right.
        connected: Connections of leads that could be known for long enough.
        detected: Those of them that are known.
        in_time: Those that were known within a poll of their possibility.
        false: Leads said to be connected who are not.
        stuck: Leads that should go on and do not.
        finished: Leads whose last step is confirmed.
        completed: Those of them that are completed.
        over_caps: Windows in which an account did more than its tier may.
        wrongs: What must never happen, by sort.
        states: Leads by state.
    """

    leads: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    connected: int = 0
    detected: int = 0
    in_time: int = 0
    false: int = 0
    stuck: int = 0
    finished: int = 0
    completed: int = 0
    over_caps: list[str] = field(default_factory=list)
    wrongs: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    @property
    def success(self) -> float:
        """Share of leads in a state that fits."""
        return self.right / self.leads if self.leads else 0.0

    @property
    def recall(self) -> float:
        """Share of connections that were known within a poll of their possibility."""
        return self.in_time / self.connected if self.connected else 1.0

    @property
    def precision(self) -> float:
        """Share of leads said to be connected who are."""
        said = self.detected + self.false
        return self.detected / said if said else 1.0

    @property
    def forbidden(self) -> int:
        """Everything that must never happen, counted."""
        return self.wrongs.total() + len(self.over_caps) + self.false

    def states_of(self, *states: str) -> int:
        """Return how many leads are in these states."""
        return sum(self.states[LeadState(one)] for one in states)


def judge(world: OutreachWorld, stuck: int) -> Verdict:
    """Hold every lead against what happened to the person.

    Args:
        world: Where it happened.
        stuck: Leads that the node itself says are stuck.
    """
    truth, now = world.truth(), world.clock.now()
    rows = world.database.fetch_all(sql.load("faults")["outreach_leads"])
    found = Verdict(leads=len(rows), stuck=stuck)
    by_id = truth["people"]
    for row in rows:
        state = LeadState(row["state"])
        found.states[state] += 1
        _count_ends(found, row, state)
        known = by_id.get(row["provider_id"])
        if known is None:
            # Whom no request has met yet is on his way, or cannot be met.
            known = _NOBODY
        _count_detection(found, row, known, now)
        wanted = _fitting(row, known)
        if state in wanted:
            found.right += 1
        else:
            found.wrong.append(
                f"lead {row['lead_id']} ({row['provider_id']}) is {state}, not "
                f"{' or '.join(sorted(wanted))}: {row['reason'] or 'no reason'}"
            )
    found.wrongs.update({name: len(truth["verdict"][name]) for name in WRONGS})
    found.over_caps = list(_over_caps(truth["accounts"]))
    return found


_NOBODY: Mapping[str, Any] = {
    "first_reply_at": None,
    "opted_out_at": None,
    "accepted_at": None,
    "connections": [],
    "invitations": [],
    "messages": [],
    "cases": [],
}


def _count_ends(found: Verdict, row: Mapping[str, Any], state: LeadState) -> None:
    if row["last_confirmed"]:
        found.finished += 1
        found.completed += state in {LeadState.COMPLETED, LeadState.SUPPRESSED}


def _count_detection(
    found: Verdict, row: Mapping[str, Any], known: Mapping[str, Any], now: datetime
) -> None:
    ours = [one for one in known["connections"] if one["account"] == row["account_id"]]
    if row["connected_at"] is not None and not ours:
        found.false += 1
    # Only where we asked: who was connected before is met when the step comes up.
    if not ours or not row["invited_at"] or ours[0]["detectable_at"] is None:
        return
    possible = datetime.fromisoformat(ours[0]["detectable_at"])
    if now - possible < POLL_WITHIN:
        return
    found.connected += 1
    # Whoever has answered is at the end, and needs no connection to be known.
    if row["connected_at"] is not None or row["known_at"] is not None:
        found.detected += 1
        found.in_time += row["known_at"] is not None and row["known_at"] - possible <= POLL_WITHIN


def _fitting(row: Mapping[str, Any], known: Mapping[str, Any]) -> frozenset[LeadState]:
    """Return the states that fit what happened to a person."""
    since = row["enrolled_at"].isoformat()
    objected = known["opted_out_at"]
    if objected is not None and objected >= since:
        return frozenset({LeadState.SUPPRESSED})
    replied = known["first_reply_at"]
    if replied is not None and replied >= since:
        return frozenset({LeadState.REPLIED, LeadState.COMPLETED, LeadState.SUPPRESSED})
    by_owner = any(one["by"] == "owner" and not one["before"] for one in known["messages"])
    if by_owner:
        return frozenset({LeadState.PAUSED, LeadState.COMPLETED})
    if row["in_question"] or _asks_a_person(known):
        return frozenset({LeadState.NEEDS_REVIEW})
    if (row["reason"] or "").startswith(_PROVIDERS_WORD):
        return frozenset({LeadState.FAILED})
    outcomes = {one["outcome"] for one in known["invitations"] if one["by"] == "api"}
    if known["accepted_at"] is None and outcomes & {"IGNORED", "EXPIRED"}:
        ends = {LeadState.DECLINED_OR_EXPIRED, LeadState.INVITE_SENT, LeadState.WITHDRAWN}
        return frozenset(ends | {LeadState.COMPLETED})
    return _OPEN | {LeadState.COMPLETED, LeadState.WITHDRAWN}


def _asks_a_person(known: Mapping[str, Any]) -> bool:
    """Tell whether only a person can say how to go on: somebody has invited us."""
    received = [one for one in known["invitations"] if one["by"] == "person"]
    return any(one["outcome"] == "PENDING" for one in received)


def _over_caps(accounts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    told = []
    for name, one in accounts.items():
        for what, most in _CAPS[one["tier"]].items():
            for window, allowed in zip(("most_in_24h", "most_in_7d"), most, strict=True):
                did = one[window].get(what, 0)
                if did > allowed:
                    told.append(f"{name}: {did} {what} {window}, {allowed} allowed")
    return told

"""The state machine of a lead: a person on the way through a sequence.

The table here is the only one: the database refuses every other transition (see
`syncflow_dagster.core.states.transition_rows`), and the docs draw it.
"""

from __future__ import annotations

from enum import StrEnum


class LeadState(StrEnum):
    """State of a lead."""

    #: Enrolled; its texts are not rendered and checked yet.
    DRAFT = "draft"
    #: Its texts are rendered and wait for a person.
    AWAITING_APPROVAL = "awaiting_approval"
    #: On its way, not connected, and no invitation of ours is out.
    PENDING_INVITE = "pending_invite"
    #: An invitation is out.
    INVITE_SENT = "invite_sent"
    #: Connected; steps and waits go on.
    CONNECTED = "connected"
    #: An action is queued or on its way; the ledger's effect says how far it is.
    IN_FLIGHT = "in_flight"
    #: An action was sent and nobody knows whether it arrived.
    OUTCOME_UNKNOWN = "outcome_unknown"
    #: Held by a person, or because the owner of the account wrote by hand.
    PAUSED = "paused"
    #: A person has to decide.
    NEEDS_REVIEW = "needs_review"
    #: May not be invited again before a date.
    COOLDOWN = "cooldown"
    #: The last step is confirmed.
    COMPLETED = "completed"
    #: The person has answered.
    REPLIED = "replied"
    #: The invitation is gone and there is no connection.
    DECLINED_OR_EXPIRED = "declined_or_expired"
    #: The invitation was taken back and nothing was to follow.
    WITHDRAWN = "withdrawn"
    #: Opted out, on a suppression list, or erased.
    SUPPRESSED = "suppressed"
    #: The service will never take it; the reason says why.
    FAILED = "failed"
    #: Taken out by a person or by its source.
    CANCELLED = "cancelled"


_L = LeadState

#: States in which a lead's next step is looked at when it is due.
DUE_STATES = frozenset({_L.PENDING_INVITE, _L.INVITE_SENT, _L.CONNECTED, _L.COOLDOWN})
#: States in which an action of the lead is with the ledger.
ACTING_STATES = frozenset({_L.IN_FLIGHT, _L.OUTCOME_UNKNOWN})
#: States in which nothing more is sent.
TERMINAL_STATES = frozenset(
    {
        _L.COMPLETED,
        _L.REPLIED,
        _L.DECLINED_OR_EXPIRED,
        _L.WITHDRAWN,
        _L.SUPPRESSED,
        _L.FAILED,
        _L.CANCELLED,
    }
)

_STOPS = frozenset({_L.REPLIED, _L.SUPPRESSED, _L.FAILED, _L.CANCELLED})
_HOLDS = frozenset({_L.PAUSED, _L.NEEDS_REVIEW})

LEAD_TRANSITIONS: dict[LeadState, frozenset[LeadState]] = {
    _L.DRAFT: _STOPS | {_L.AWAITING_APPROVAL, _L.PENDING_INVITE, _L.NEEDS_REVIEW},
    _L.AWAITING_APPROVAL: _STOPS | {_L.DRAFT, _L.PENDING_INVITE, _L.NEEDS_REVIEW},
    _L.PENDING_INVITE: _STOPS
    | _HOLDS
    | {_L.IN_FLIGHT, _L.INVITE_SENT, _L.CONNECTED, _L.COOLDOWN, _L.COMPLETED},
    _L.INVITE_SENT: _STOPS
    | _HOLDS
    | {
        _L.IN_FLIGHT,
        _L.CONNECTED,
        _L.PENDING_INVITE,
        _L.DECLINED_OR_EXPIRED,
        _L.WITHDRAWN,
        _L.COOLDOWN,
        _L.COMPLETED,
    },
    _L.CONNECTED: _STOPS | _HOLDS | {_L.IN_FLIGHT, _L.COMPLETED},
    _L.IN_FLIGHT: _STOPS
    | _HOLDS
    | {
        _L.OUTCOME_UNKNOWN,
        _L.PENDING_INVITE,
        _L.INVITE_SENT,
        _L.CONNECTED,
        _L.COOLDOWN,
        _L.WITHDRAWN,
        _L.DECLINED_OR_EXPIRED,
        _L.COMPLETED,
    },
    _L.OUTCOME_UNKNOWN: _STOPS
    | _HOLDS
    | {
        _L.IN_FLIGHT,
        _L.PENDING_INVITE,
        _L.INVITE_SENT,
        _L.CONNECTED,
        _L.COOLDOWN,
        _L.WITHDRAWN,
        _L.COMPLETED,
    },
    _L.PAUSED: _STOPS
    | {
        _L.NEEDS_REVIEW,
        _L.PENDING_INVITE,
        _L.INVITE_SENT,
        _L.CONNECTED,
        _L.COOLDOWN,
        _L.WITHDRAWN,
        _L.COMPLETED,
    },
    _L.NEEDS_REVIEW: _STOPS
    | {
        _L.PAUSED,
        _L.DRAFT,
        _L.PENDING_INVITE,
        _L.INVITE_SENT,
        _L.CONNECTED,
        _L.COOLDOWN,
        _L.IN_FLIGHT,
        _L.WITHDRAWN,
        _L.COMPLETED,
    },
    _L.COOLDOWN: _STOPS | _HOLDS | {_L.PENDING_INVITE, _L.INVITE_SENT, _L.CONNECTED},
    # Who has answered all there was to say may still opt out.
    _L.COMPLETED: frozenset({_L.SUPPRESSED}),
    _L.REPLIED: frozenset({_L.SUPPRESSED}),
    # A late acceptance.
    _L.DECLINED_OR_EXPIRED: frozenset({_L.CONNECTED, _L.REPLIED, _L.SUPPRESSED}),
    _L.WITHDRAWN: frozenset({_L.CONNECTED, _L.REPLIED, _L.SUPPRESSED}),
    _L.SUPPRESSED: frozenset(),
    # A person may let it try again.
    _L.FAILED: frozenset({_L.PENDING_INVITE, _L.CONNECTED, _L.SUPPRESSED}),
    _L.CANCELLED: frozenset({_L.SUPPRESSED}),
}


def lead_may_become(old: LeadState, new: LeadState) -> bool:
    """Tell whether a lead in `old` may be put into `new`; staying put is allowed."""
    return old == new or new in LEAD_TRANSITIONS[old]

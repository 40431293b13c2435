"""The state machines of a delta row and of an effect; that of a lead is `core.outreach.states`.

The tables here are the only ones: the database refuses every other transition (a trigger reads
them from `syncflow.state_transition`, written by the migrator), and the docs draw them.
"""

from __future__ import annotations

from enum import StrEnum

from syncflow_dagster.core.outreach.states import LEAD_TRANSITIONS


class DeltaState(StrEnum):
    """State of a delta row: a change that has not yet fully reached its destination."""

    PENDING = "PENDING"
    PUSHING = "PUSHING"
    SYNCED = "SYNCED"
    WAITING = "WAITING"
    FAILED = "FAILED"
    DEAD = "DEAD"
    HELD = "HELD"
    SUPERSEDED = "SUPERSEDED"
    ARCHIVED = "ARCHIVED"


class EffectState(StrEnum):
    """State of an effect: one intended change at a service."""

    PLANNED = "PLANNED"
    CLAIMED = "CLAIMED"
    SENT = "SENT"
    DONE = "DONE"
    WAITING = "WAITING"
    RETRY = "RETRY"
    UNKNOWN = "UNKNOWN"
    NEEDS_PERSON = "NEEDS_PERSON"
    DEAD = "DEAD"
    HELD = "HELD"
    CANCELLED = "CANCELLED"


_D = DeltaState
_E = EffectState

DELTA_TRANSITIONS: dict[DeltaState, frozenset[DeltaState]] = {
    _D.PENDING: frozenset({_D.PUSHING, _D.WAITING, _D.HELD, _D.DEAD, _D.SYNCED, _D.SUPERSEDED}),
    # Back to PENDING: the create its effects counted on was refused.
    _D.PUSHING: frozenset(
        {_D.PENDING, _D.SYNCED, _D.WAITING, _D.FAILED, _D.DEAD, _D.HELD, _D.SUPERSEDED}
    ),
    _D.WAITING: frozenset({_D.PENDING, _D.PUSHING, _D.SYNCED, _D.FAILED, _D.DEAD, _D.SUPERSEDED}),
    _D.FAILED: frozenset({_D.PENDING, _D.PUSHING, _D.SYNCED, _D.WAITING, _D.DEAD, _D.SUPERSEDED}),
    _D.HELD: frozenset({_D.PENDING, _D.PUSHING, _D.DEAD, _D.SUPERSEDED}),
    _D.DEAD: frozenset({_D.PENDING, _D.SUPERSEDED, _D.ARCHIVED}),
    _D.SYNCED: frozenset({_D.ARCHIVED}),
    _D.SUPERSEDED: frozenset({_D.ARCHIVED}),
    _D.ARCHIVED: frozenset(),
}

EFFECT_TRANSITIONS: dict[EffectState, frozenset[EffectState]] = {
    _E.PLANNED: frozenset({_E.CLAIMED, _E.WAITING, _E.HELD, _E.CANCELLED, _E.DEAD}),
    # A claim that ends without its intent being committed has sent nothing.
    _E.CLAIMED: frozenset({_E.SENT, _E.PLANNED, _E.WAITING, _E.RETRY, _E.CANCELLED, _E.DEAD}),
    # A lease that runs out on SENT becomes UNKNOWN, never PLANNED. The service may say that it is
    # not needed.
    _E.SENT: frozenset({_E.DONE, _E.RETRY, _E.UNKNOWN, _E.WAITING, _E.DEAD, _E.CANCELLED}),
    _E.UNKNOWN: frozenset({_E.DONE, _E.RETRY, _E.NEEDS_PERSON}),
    _E.NEEDS_PERSON: frozenset({_E.DONE, _E.RETRY, _E.CANCELLED}),
    _E.WAITING: frozenset({_E.PLANNED, _E.CLAIMED, _E.HELD, _E.CANCELLED, _E.DEAD}),
    _E.RETRY: frozenset({_E.CLAIMED, _E.WAITING, _E.CANCELLED, _E.DEAD}),
    _E.HELD: frozenset({_E.PLANNED, _E.CANCELLED, _E.DEAD}),
    _E.DEAD: frozenset({_E.PLANNED, _E.CANCELLED}),
    _E.DONE: frozenset(),
    _E.CANCELLED: frozenset(),
}

#: States in which nothing of the effect is left to do.
SETTLED_EFFECTS = frozenset({_E.DONE, _E.DEAD, _E.CANCELLED})
#: States in which the service has surely not seen the effect, so that it may be withdrawn.
UNSENT_EFFECTS = frozenset({_E.PLANNED, _E.WAITING, _E.RETRY, _E.HELD})


def delta_may_become(old: DeltaState, new: DeltaState) -> bool:
    """Tell whether a delta row in `old` may be put into `new`; staying put is allowed."""
    return old == new or new in DELTA_TRANSITIONS[old]


def effect_may_become(old: EffectState, new: EffectState) -> bool:
    """Tell whether an effect in `old` may be put into `new`; staying put is allowed."""
    return old == new or new in EFFECT_TRANSITIONS[old]


def transition_rows() -> list[tuple[str, str, str]]:
    """Return all tables as rows (machine, old state, new state) for the database."""
    delta = [(old, new) for old, news in DELTA_TRANSITIONS.items() for new in sorted(news)]
    effect = [(old, new) for old, news in EFFECT_TRANSITIONS.items() for new in sorted(news)]
    lead = [(old, new) for old, news in LEAD_TRANSITIONS.items() for new in sorted(news)]
    return [
        *(("delta", str(old), str(new)) for old, new in delta),
        *(("effect", str(old), str(new)) for old, new in effect),
        *(("lead", str(old), str(new)) for old, new in lead),
    ]

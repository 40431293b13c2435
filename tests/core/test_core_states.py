"""The tables of transitions: what can be reached, and what is an end."""

from __future__ import annotations

import pytest

from syncflow_dagster.core.outreach.states import (
    ACTING_STATES,
    DUE_STATES,
    LEAD_TRANSITIONS,
    TERMINAL_STATES,
    LeadState,
    lead_may_become,
)
from syncflow_dagster.core.states import (
    DELTA_TRANSITIONS,
    EFFECT_TRANSITIONS,
    SETTLED_EFFECTS,
    UNSENT_EFFECTS,
    DeltaState,
    EffectState,
    delta_may_become,
    effect_may_become,
    transition_rows,
)

TABLES = {"delta": DELTA_TRANSITIONS, "effect": EFFECT_TRANSITIONS, "lead": LEAD_TRANSITIONS}
BEGIN = {"delta": DeltaState.PENDING, "effect": EffectState.PLANNED, "lead": LeadState.DRAFT}


def reachable(table, start):
    found, next_ones = {start}, [start]
    while next_ones:
        new = table[next_ones.pop()] - found
        found |= new
        next_ones += new
    return found


@pytest.mark.parametrize("machine", TABLES)
def test_every_state_has_a_row_and_can_be_reached(machine):
    table = TABLES[machine]
    assert set(table) == set(type(BEGIN[machine]))
    assert reachable(table, BEGIN[machine]) == set(table)


@pytest.mark.parametrize("machine", TABLES)
def test_no_state_lists_itself(machine):
    assert all(state not in news for state, news in TABLES[machine].items())


def test_an_end_has_no_way_out_but_the_documented_ones():
    assert EFFECT_TRANSITIONS[EffectState.DONE] == frozenset()
    assert EFFECT_TRANSITIONS[EffectState.CANCELLED] == frozenset()
    # A person may plan a dead effect again, or let it go.
    assert EFFECT_TRANSITIONS[EffectState.DEAD] == {EffectState.PLANNED, EffectState.CANCELLED}
    assert DELTA_TRANSITIONS[DeltaState.SYNCED] == {DeltaState.ARCHIVED}
    assert DELTA_TRANSITIONS[DeltaState.SUPERSEDED] == {DeltaState.ARCHIVED}
    assert DELTA_TRANSITIONS[DeltaState.ARCHIVED] == frozenset()


@pytest.mark.parametrize("state", sorted(set(EffectState) - SETTLED_EFFECTS))
def test_every_moving_effect_can_still_be_done(state):
    assert EffectState.DONE in reachable(EFFECT_TRANSITIONS, state)


@pytest.mark.parametrize(
    "state",
    sorted(set(DeltaState) - {DeltaState.SYNCED, DeltaState.SUPERSEDED, DeltaState.ARCHIVED}),
)
def test_every_unfinished_row_can_still_be_synced(state):
    assert DeltaState.SYNCED in reachable(DELTA_TRANSITIONS, state)


def test_what_may_have_been_sent_is_never_sent_again_without_a_look():
    to_be_sent = {EffectState.PLANNED, EffectState.CLAIMED, EffectState.SENT}
    assert not EFFECT_TRANSITIONS[EffectState.UNKNOWN] & to_be_sent
    assert EffectState.PLANNED not in EFFECT_TRANSITIONS[EffectState.SENT]
    # What the service may have seen is withdrawn on its own word, or by a person.
    assert EffectState.CANCELLED not in EFFECT_TRANSITIONS[EffectState.UNKNOWN]


def test_an_intent_is_only_ever_committed_on_a_claim():
    before = {old for old, news in EFFECT_TRANSITIONS.items() if EffectState.SENT in news}
    assert before == {EffectState.CLAIMED}


@pytest.mark.parametrize("state", sorted(UNSENT_EFFECTS))
def test_what_was_not_sent_can_be_withdrawn(state):
    assert effect_may_become(state, EffectState.CANCELLED)


@pytest.mark.parametrize(
    "state", sorted(set(DeltaState) - {DeltaState.ARCHIVED, DeltaState.SUPERSEDED})
)
def test_whatever_has_not_arrived_can_be_superseded(state):
    assert delta_may_become(state, DeltaState.SUPERSEDED) == (state != DeltaState.SYNCED)


def test_staying_put_is_allowed_and_jumping_is_not():
    assert all(effect_may_become(state, state) for state in EffectState)
    assert all(delta_may_become(state, state) for state in DeltaState)
    assert not effect_may_become(EffectState.DONE, EffectState.PLANNED)
    assert not delta_may_become(DeltaState.SYNCED, DeltaState.PENDING)


def test_the_rows_for_the_database_are_the_tables():
    rows = transition_rows()
    assert len(rows) == len(set(rows))
    for machine, table in TABLES.items():
        told = {(old, new) for one, old, new in rows if one == machine}
        assert told == {(str(old), str(new)) for old, news in table.items() for new in news}


def test_no_lead_is_stuck_and_every_one_can_be_stopped():
    for state in set(LeadState) - TERMINAL_STATES:
        assert LeadState.COMPLETED in reachable(LEAD_TRANSITIONS, state)
        assert {LeadState.REPLIED, LeadState.SUPPRESSED} <= LEAD_TRANSITIONS[state]


def test_what_has_ended_acts_again_only_if_it_was_late_or_a_person_says_so():
    again = {
        state
        for state in TERMINAL_STATES
        if LEAD_TRANSITIONS[state] & (DUE_STATES | ACTING_STATES | {LeadState.PAUSED})
    }
    assert again == {LeadState.DECLINED_OR_EXPIRED, LeadState.WITHDRAWN, LeadState.FAILED}
    assert not lead_may_become(LeadState.REPLIED, LeadState.CONNECTED)
    assert lead_may_become(LeadState.REPLIED, LeadState.REPLIED)

"""Pages about outreach: the states of a lead, and the example of a sequence."""

from __future__ import annotations

import re

import docs_pages
import yaml
from pydantic import TypeAdapter

from syncflow_dagster.core.outreach.ops import Act, Goto, Test, Wait
from syncflow_dagster.core.outreach.states import LEAD_TRANSITIONS, TERMINAL_STATES, LeadState
from syncflow_dagster.core.outreach.tiers import CAPS
from syncflow_dagster.nodes.linkedin.sequence import compile_sequence
from syncflow_dagster.workflows.models.linkedin import KIND_OF_TYPE, LinkedInStepNode, Step

LEAD = docs_pages.sections(docs_pages.REFERENCE / "states.md")["Lead"]
WORKFLOW_FILE = docs_pages.sections(docs_pages.REFERENCE / "workflow-file.md")
EDGES = {(str(old), str(new)) for old, news in LEAD_TRANSITIONS.items() for new in news}
#: Where a lead gets to from everywhere, and from where it gets back: said in words, not drawn.
NOT_DRAWN = {"replied", "suppressed", "failed", "cancelled", "paused", "needs_review"}


def test_a_lead_s_states_are_drawn_as_the_code_has_them():
    diagram = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", LEAD, re.DOTALL)[1]
    drawn = re.findall(r"^\s+(\w+) --> (\w+)$", diagram, flags=re.MULTILINE)
    assert len(drawn) == len(set(drawn))
    held = {"paused", "needs_review"}
    assert set(drawn) == {
        (old, new) for old, new in EDGES if new not in NOT_DRAWN and old not in held
    }
    ends = set(re.findall(r"(\w+) --> \[\*\]", diagram))
    assert ends == {str(state) for state, news in LEAD_TRANSITIONS.items() if not news}


def test_every_state_and_edge_of_a_lead_is_explained():
    rows = docs_pages.rows(LEAD)
    states = [row[0] for row in rows if len(row) == 2 and row[1]]
    assert sorted(states) == sorted(str(state) for state in LeadState)
    assert set(states[-7:]) == {str(state) for state in TERMINAL_STATES}
    explained = [
        (old, new)
        for row in rows
        if len(row) == 3 and row[2]
        for old in row[0].split(", ")
        for new in row[1].split(", ")
    ]
    assert len(explained) == len(set(explained))
    assert set(explained) == EDGES


def _shown(op):
    match op:
        case Act(kind=kind):
            return f"act: {kind}"
        case Wait(days=days):
            return f"wait: {days} day"
        case Test():
            return f"test: {op.what} within {op.within_days} days, else {op.on_false}"
        case Goto(to=to):
            return f"goto: {to}"


def test_the_example_of_a_sequence_becomes_the_list_shown():
    [fence] = docs_pages.fences(docs_pages.REFERENCE / "workflow-file.md", "yml")
    steps = TypeAdapter(list[Step]).validate_python(yaml.safe_load(fence.text)["sequence"])
    sequence = compile_sequence(LinkedInStepNode.model_construct(sequence=steps))
    rows = docs_pages.rows(WORKFLOW_FILE["How steps become operations"])
    shown = [cells for cells in rows if cells[0].isdigit()]
    assert shown == [[str(place), _shown(op)] for place, op in enumerate(sequence.ops)]


def test_names_of_steps_are_listed():
    rows = docs_pages.rows(WORKFLOW_FILE["How steps become operations"])
    listed = {
        name: docs_pages.codes(cells[1])[0]
        for cells in rows
        if len(cells) == 3
        for name in docs_pages.codes(cells[1])
    }
    assert listed == KIND_OF_TYPE


def test_limits_of_tiers_are_listed():
    shown = {
        tier: [int(cell) for cell in cells]
        for tier, *cells in docs_pages.rows(WORKFLOW_FILE["Limits by tier"])
    }
    assert shown == {
        tier: [
            *(caps["invite"][window] for window in ("day", "week")),
            *(caps[bucket]["day"] for bucket in ("message", "inmail", "profile", "withdraw")),
        ]
        for tier, caps in CAPS.items()
    }

"""The ways a lead can take through a sequence: steps that nobody reaches, or nobody leaves.

The steps are walked once with all states a lead may be in there. What comes about by itself, a
connection above all, may have come about before any step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.render import same_text
from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.linkedin_texts import kind_of, steps_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View


class _Lead(Enum):
    """What a lead may be at a step."""

    #: Not connected, and no invitation is out.
    STRANGER = auto()
    INVITED = auto()
    CONNECTED = auto()


_S = _Lead
_States = frozenset[_Lead]


@dataclass
class _Walk:
    """A walk through the steps of one node.

    Attributes:
        said: Texts that may have been sent on the way here, and the place of each.
        found: Mistakes.
    """

    said: dict[str, View] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)

    def report(self, view: View, message: str, hint: str) -> None:
        self.found.append(Finding(view.loc, message, hint))


def ways(graph: Graph) -> Iterator[Finding]:
    """Report steps that are never reached or never over, and texts that somebody gets twice."""
    for node in graph.of_type("linkedin_step"):
        kinds = [kind_of(step) for step in steps_of(node)]
        if None in kinds:
            continue  # what a step of an unknown type does cannot be told
        if kinds and not set(kinds) - {"wait", "condition"}:
            message = "this sequence sends nothing"
            yield Finding(node["sequence"].loc, message, "add an invite or a message")
        walk = _Walk()
        _steps(walk, node["sequence"].items(), frozenset({_S.STRANGER, _S.CONNECTED}))
        yield from walk.found


def waits(graph: Graph) -> Iterator[Finding]:
    """Report pauses that have no length, or several."""
    for node in graph.of_type("linkedin_step"):
        for step in steps_of(node):
            given = [key for key in ("minutes", "hours", "days") if step[key].exists]
            if kind_of(step) == "wait" and len(given) != 1:
                message = f"has {' and '.join(given)}" if given else "has no length"
                yield Finding(step["type"].loc, message, "give it one of: minutes, hours, days")


def _steps(walk: _Walk, steps: list[View], states: _States) -> _States:
    """Walk through steps; return what a lead may be behind them."""
    for step in steps:
        if not states:
            walk.report(step["type"], "no lead ever gets here", "remove it, or the branch above")
            return states
        match kind_of(step):
            case "condition":
                states = _condition(walk, step, states)
            case "invite":
                states = _invite(walk, step, states)
            case "withdraw":
                states = _withdraw(walk, step, states)
            case "message":
                states = _message(walk, step, states)
        _say(walk, step)
    return states


def _condition(walk: _Walk, step: View, states: _States) -> _States:
    test = step["test"].text
    yes = no = _in_time(states)
    if test == "connected":
        yes, no = yes & {_S.CONNECTED}, no - {_S.CONNECTED}
    if test == "replied":
        yes = frozenset()
        if step["then"].items():
            message = "who has replied is sent nothing more, so nothing happens in here"
            walk.report(step["then"], message, "remove 'then'; what goes on is under 'otherwise'")
        if not step["within_days"].exists:
            message = "is asked at once, and who has replied never gets here"
            walk.report(step["test"], message, "say how long to wait for it: within_days: 5")
    said = dict(walk.said)
    if test != "replied":
        yes = _steps(walk, step["then"].items(), yes)
    behind, walk.said = walk.said, said
    no = _steps(walk, step["otherwise"].items(), no)
    walk.said = behind | walk.said
    return yes | no


def _in_time(states: _States) -> _States:
    """Return the states with what may have come about meanwhile."""
    return states | {_S.CONNECTED} if _S.INVITED in states else states


def _invite(walk: _Walk, step: View, states: _States) -> _States:
    if _S.STRANGER not in states:
        message = "everybody here is connected or invited already: it would never be sent"
        walk.report(step["type"], message, "remove it")
    skips = step["note_exhausted"].text == "skip" and bool(texts_of(step))
    invited = (states - {_S.STRANGER}) | {_S.INVITED}
    return invited | {_S.STRANGER} if skips else invited


def _withdraw(walk: _Walk, step: View, states: _States) -> _States:
    if _S.INVITED not in states:
        message = "no invitation can be out here"
        walk.report(step["type"], message, "put an invite before it, or remove it")
        return states
    return (_in_time(states) - {_S.INVITED}) | {_S.STRANGER}


def _message(walk: _Walk, step: View, states: _States) -> _States:
    if _S.STRANGER in states:
        message = "who is not connected here has no invitation either, and would wait for ever"
        hint = "put an invite before it, or it into the 'then' of a condition 'connected'"
        walk.report(step["type"], message, hint)
        return _in_time(states)  # as if it were not there
    return frozenset({_S.CONNECTED})


def _say(walk: _Walk, step: View) -> None:
    texts = {same_text(str(view.text)): view for view in texts_of(step)}
    for text, view in texts.items():
        if text in walk.said:
            first = ".".join(str(part) for part in walk.said[text].loc)
            message = f"the same text was sent before, at {first}"
            walk.report(view, message, "nobody is told the same twice: write another one")
    walk.said |= texts


RULES = (ways, waits)

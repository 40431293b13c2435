"""Workflows that run after others: the others must be there, and not run after these in turn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import (
    BrokenFile,
    Problem,
    suggestion,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from syncflow_dagster.workflows.loader import LoadedWorkflow

_WHERE = "triggers"


def check(
    workflows: list[LoadedWorkflow], broken: Collection[str], *, complete: bool
) -> tuple[list[LoadedWorkflow], list[BrokenFile]]:
    """Sort out workflows that run after one that is not there, or in a circle.

    Of a circle only the file that closes it is broken, so that the others go on.

    Args:
        workflows: Workflows that have no other mistakes.
        broken: Names of workflows whose files have some.
        complete: Whether there are no others; else one that is not there is only warned of.

    Returns:
        Those that are right, and the files that are not; both in the same order.
    """
    known = {*broken, *(one.workflow.workflow for one in workflows)}
    after: dict[str, Collection[str]] = {}
    right: list[LoadedWorkflow] = []
    lost: list[BrokenFile] = []
    for one in workflows:
        name = one.workflow.workflow
        missing = [_missing(one, other, known) for other in one.after_places if other not in known]
        circles = [
            _circle(one, way)
            for other in one.after_places
            if (way := _way(other, name, after)) is not None
        ]
        if circles or (missing and complete):
            lost.append(BrokenFile(one.path, (*missing, *circles), name))
            continue
        after[name] = one.after_places.keys()
        right.append(replace(one, warnings=(*one.warnings, *missing)))
    return right, lost


def _way(begin: str, end: str, after: Mapping[str, Collection[str]]) -> list[str] | None:
    """Return the workflows by which one runs after another; None: it does not."""
    ways = [[begin]]
    seen = {begin}
    while ways:
        way = ways.pop()
        if way[-1] == end:
            return way
        further = [name for name in after.get(way[-1], ()) if name not in seen]
        seen |= set(further)
        ways += [[*way, name] for name in further]
    return None


def _missing(one: LoadedWorkflow, other: str, known: Collection[str]) -> Problem:
    message = f"there is no workflow {other!r} to run after"
    hint = suggestion(other, sorted(known), "there are")
    return _problem(one, other, message, hint)


def _circle(one: LoadedWorkflow, way: list[str]) -> Problem:
    names = " after ".join([one.workflow.workflow, *way])
    message = f"workflows would run after each other for ever: {names}"
    return _problem(one, way[0], message, "take one of these triggers out")


def _problem(one: LoadedWorkflow, other: str, message: str, hint: str) -> Problem:
    place = one.after_places[other]
    return Problem(one.path, place.line, place.column, _WHERE, message, hint)

"""Rules across the parts of a workflow file, each a function from the graph to findings.

They read raw data, not models: a file with a wrong part still has its other parts checked, so
that a person sees all mistakes at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.rules import (
    adoption,
    board,
    board_columns,
    connections,
    due,
    fields,
    graph,
    identity,
    linkedin,
    linkedin_flow,
    linkedin_texts,
    names,
    partitions,
    reading,
    references,
    salesforce,
    tag,
    triggers,
    unpivot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncflow_dagster.workflows.problems import Finding
    from syncflow_dagster.workflows.view import View

_RULES: tuple[Callable[[graph.Graph], Iterator[Finding]], ...] = (
    *names.RULES,
    *references.RULES,
    *fields.RULES,
    *reading.RULES,
    *due.RULES,
    *unpivot.RULES,
    *salesforce.RULES,
    *identity.RULES,
    *tag.RULES,
    *linkedin.RULES,
    *linkedin_texts.RULES,
    *linkedin_flow.RULES,
    *board.RULES,
    *board_columns.RULES,
    *adoption.RULES,
    *triggers.RULES,
    *partitions.RULES,
    *connections.RULES,
)


def check(root: View) -> list[Finding]:
    """Run every rule over a file's data."""
    seen = graph.Graph.of(root)
    return [finding for rule in _RULES for finding in rule(seen)]

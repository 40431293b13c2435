"""Where parts of a workflow file stand, for what a command finds wrong with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from syncflow_dagster.workflows import document
from syncflow_dagster.workflows.environment import Environment
from syncflow_dagster.workflows.problems import Finding, Problem, dotted
from syncflow_dagster.workflows.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from syncflow_dagster.core.soql.tree import Mistake


def placed(path: Path, findings: Iterable[Finding]) -> list[Problem]:
    """Return findings with the lines of the workflow file they speak of."""
    parsed = document.parse(read_text(path), Environment(os.environ))
    problems = []
    for one in findings:
        place = parsed.place(one.loc)
        where = dotted(one.loc)
        problems.append(Problem(path, place.line, place.column, where, one.message, one.hint))
    return problems


def as_findings(mistakes: Iterable[Mistake]) -> list[Finding]:
    """Return mistakes as findings of a workflow file."""
    return [Finding(one.loc, one.message, one.hint) for one in mistakes]

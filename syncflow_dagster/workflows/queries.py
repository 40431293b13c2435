"""The query templates of a workflow file: they must be there, read well, and get what they use.

A pull node of a `files` connection names files by a pattern instead, and has no template.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.pull.template import (
    CHANGED_SINCE,
    GIVEN,
    INTERVAL_START,
    RESUME_AFTER,
    QueryTemplateError,
    Variable,
    variables,
)
from syncflow_dagster.workflows.patterns import reads_files, wrong_pattern
from syncflow_dagster.workflows.problems import Finding, Problem, display_path, nearest
from syncflow_dagster.workflows.rules.graph import Graph
from syncflow_dagster.workflows.rules.reading import intervals, unused_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncflow_dagster.workflows.view import View

_SUFFIX = ".sql.j2"


def check(root: View, file: Path) -> tuple[list[Finding], list[Problem]]:
    """Check the templates of all pull nodes.

    Args:
        root: The workflow file's data.
        file: The workflow file; templates are named relative to it.

    Returns:
        Mistakes in the workflow file, and mistakes in the templates with their own file and line.
    """
    findings: list[Finding] = []
    problems: list[Problem] = []
    used: dict[str, set[str]] = {}
    for node in root["nodes"].items():
        query = node["query"]
        if node["type"].text != "pull" or query.text is None:
            continue
        if reads_files(root, node):
            findings += wrong_pattern(node)
            continue
        wrong = _wrong_path(query, file)
        if wrong is not None:
            findings.append(wrong)
            continue
        path = template_path(file, query.text)
        try:
            found = variables(path, _database(root, node))
        except QueryTemplateError as error:
            problems.append(Problem(path, error.line, 1, "query", error.message))
            continue
        used[str(node["name"].text)] = {variable.name for variable in found}
        problems += _wrong_variables(node, path, found)
    graph = Graph.of(root)
    findings += [*unused_places(graph, used), *intervals(graph, used)]
    return findings, problems


def template_path(file: Path, query: str) -> Path:
    """Return where a pull node's template lies."""
    return file.parent / query


def _database(root: View, node: View) -> str | None:
    from syncflow_dagster.nodes.pull.registry import database_of

    url = root["connections"][node["connection"].text or ""]["url"].text
    return None if url is None else database_of(url)


def _wrong_path(query: View, file: Path) -> Finding | None:
    text = str(query.text)
    if "\0" in text or Path(text).is_absolute() or ".." in Path(text).parts:
        message = f"{text!r} does not lie under the workflow file's folder"
        return Finding(query.loc, message, "name a path below it, for example orders/orders.sql.j2")
    path = template_path(file, text)
    try:
        exists = path.is_file()
    except OSError:
        exists = False
    if exists:
        if not text.endswith(_SUFFIX):
            message = f"{text!r} is no query template"
            return Finding(query.loc, message, f"a template's name ends with {_SUFFIX}")
        return None
    message = f"there is no file {display_path(path)}"
    others = sorted(
        entry.relative_to(file.parent).as_posix() for entry in file.parent.glob(f"*/*{_SUFFIX}")
    )
    close = nearest(text, others)
    hint = f"did you mean {close!r}?" if close else "the path is relative to the workflow file"
    return Finding(query.loc, message, hint)


def _wrong_variables(node: View, path: Path, used: Iterable[Variable]) -> Iterator[Problem]:
    given = node["parameters"]
    if given.exists and not given.is_mapping:
        return
    for one in used:
        wrong = _wrong_variable(node, one)
        if wrong is not None:
            line, column, message, hint = wrong
            yield Problem(path, line, column, "query", message, hint)


def _wrong_variable(node: View, used: Variable) -> tuple[int, int, str, str] | None:
    """Return line, column, message and hint for a variable that is not used as it can be."""
    line, column, name = used.line, used.column, used.name
    pull, known = node["name"].text, list(node["parameters"].entries())
    if name == RESUME_AFTER and not node["resume"].exists:
        message = f"uses {name!r}, but {pull!r} names no column to read on by"
        return line, column, message, "add 'resume', the column the rows are ordered by"
    if name in GIVEN:
        if used.unasked is None or name not in {RESUME_AFTER, CHANGED_SINCE, INTERVAL_START}:
            return None
        message = f"writes {name!r} unasked: it is null at first, and nothing is greater than null"
        hint = f"put the condition into {{% if {name} is not none %}} … {{% endif %}}"
        return used.unasked, 1, message, hint
    if name in known or not used.needed:
        return None
    close = nearest(name, known)
    hint = f"did you mean {close!r}? " if close else ""
    hint += f"add it under 'parameters' of {pull!r}"
    return line, column, f"uses {name!r}, which is no parameter of the node", hint

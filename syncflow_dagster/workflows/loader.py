"""Workflow files into validated workflows, or into every mistake they hold.

A broken file is a value, not an exception: nothing one file holds can keep another from loading.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from syncflow_dagster.workflows import (
    after,
    functions,
    messages,
    queries,
    rules,
    secrets,
    timing_check,
)
from syncflow_dagster.workflows.environment import Environment
from syncflow_dagster.workflows.models import Workflow
from syncflow_dagster.workflows.problems import (
    BrokenFile,
    Finding,
    Problem,
    display_path,
    dotted,
)
from syncflow_dagster.workflows.reading import read_document
from syncflow_dagster.workflows.view import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncflow_dagster.workflows.document import Document, Place

SUFFIXES = (".yaml", ".yml")
#: Files of these names, or that end so behind a point, are policies of workflows beside them.
POLICIES = ("policy.yaml", "policy.yml")
#: What stands behind a workflow's name in the names of its further jobs.
_JOBS = ("_push", "_parts", "_retry_rejected", "_retention")


@dataclass(frozen=True, slots=True)
class LoadedWorkflow:
    """A workflow ready to use.

    Attributes:
        workflow: What the file says.
        path: The file.
        queries: Absolute path of the template of each pull node that has one, by its name.
        places: Where names stand that must differ between files: line and column by what they
            name, `workflow` or `table <name>`.
        after_places: Where the triggers name workflows to run after: line and column by name.
        warnings: What is no mistake, but somebody should know.
    """

    workflow: Workflow
    path: Path
    queries: Mapping[str, Path] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    after_places: Mapping[str, Place] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a folder holds.

    Attributes:
        workflows: The workflows that can be used, by path.
        broken: The files that cannot, by path.
    """

    workflows: list[LoadedWorkflow]
    broken: list[BrokenFile]

    def workflow(self, name: str) -> LoadedWorkflow:
        """Return the workflow of a name.

        Raises:
            KeyError: There is none; the text says which there are.
        """
        for loaded in self.workflows:
            if loaded.workflow.workflow == name:
                return loaded
        known = ", ".join(one.workflow.workflow for one in self.workflows) or "none"
        msg = f"there is no workflow {name!r}; there are: {known}"
        raise KeyError(msg)


def load_file(path: Path, environ: Mapping[str, str] | None = None) -> LoadedWorkflow | BrokenFile:
    """Read one workflow file.

    Args:
        path: The YAML file.
        environ: Variables for `${NAME}`; the process's own if left out.

    Returns:
        The workflow, or every mistake of the file. Nothing a file holds raises.
    """
    path = Path(path)
    environment = Environment(os.environ if environ is None else environ)
    parsed = read_document(path, environment, "workflow")
    if isinstance(parsed, BrokenFile):
        return parsed
    return _validate(parsed, path, environment)


def load_folder(folder: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read all workflow files of a folder and the folders in it.

    Args:
        folder: Where to look for `*.yaml` and `*.yml`; hidden files and folders are left out.
        environ: As for `load_file`.

    Returns:
        The workflows and the broken files. A folder that is not there is one broken file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = Problem(folder, 1, 1, "file", "there is no such folder", "check the path")
        return Loaded([], [BrokenFile(folder, (problem,), folder.name)])
    return load_files(find_files(folder), environ)


def load_files(
    paths: Iterable[Path], environ: Mapping[str, str] | None = None, *, complete: bool = True
) -> Loaded:
    """Read workflow files that run beside each other: names and tables must differ.

    Args:
        paths: The files.
        environ: As for `load_file`.
        complete: Whether there are no others: then workflows that triggers name must be among them.
    """
    workflows: list[LoadedWorkflow] = []
    broken: list[BrokenFile] = []
    order: dict[Path, int] = {}
    for path in paths:
        result = load_file(path, environ)
        order[result.path] = len(order)
        if isinstance(result, LoadedWorkflow):
            clashes = _clashes(result, workflows)
            if not clashes:
                workflows.append(result)
                continue
            result = BrokenFile(result.path, tuple(clashes), result.workflow.workflow)
        broken.append(result)
    workflows, lost = after.check(workflows, {one.name for one in broken}, complete=complete)
    return Loaded(workflows, sorted(broken + lost, key=lambda one: order[one.path]))


def find_files(folder: Path) -> list[Path]:
    """Return the workflow files of a folder and the folders in it, in a fixed order."""
    return [path for path in _yaml_files(folder) if not _is_policy(path)]


def find_policies(folder: Path) -> list[Path]:
    """Return the policy files of a folder and the folders in it, in a fixed order."""
    return [path for path in _yaml_files(folder) if _is_policy(path)]


def _yaml_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _is_policy(path: Path) -> bool:
    return path.name in POLICIES or path.name.endswith(tuple(f".{name}" for name in POLICIES))


def _validate(
    parsed: Document, path: Path, environment: Environment
) -> LoadedWorkflow | BrokenFile:
    root = View(parsed.data)
    findings = list(parsed.findings)
    workflow: Workflow | None = None
    try:
        workflow = Workflow.model_validate(parsed.data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        findings += _resolved(messages.findings(details, parsed), parsed)
    findings += _resolved(rules.check(root), parsed)
    in_file, in_templates = queries.check(root, path)
    findings += _resolved(in_file, parsed)
    findings += _resolved(functions.check(root, path), parsed)
    findings += secrets.check(root, parsed)
    mistakes = [finding for finding in findings if not finding.is_warning]
    if workflow is not None and not mistakes:
        odd = list(timing_check.findings(workflow, datetime.now(UTC)))
        findings += odd
        mistakes += [finding for finding in odd if not finding.is_warning]
    problems = _problems(mistakes, parsed, path) + in_templates
    if workflow is None or problems:
        name = root["workflow"].text
        usable = name if name and ("workflow",) not in parsed.unresolved else path.stem
        shown = tuple(_redacted(problem, environment) for problem in problems)
        return BrokenFile(path, shown, environment.redact(usable))
    templates = {
        pull.name: queries.template_path(path, pull.query).resolve()
        for pull in workflow.pulls
        if workflow.connections[pull.connection].type != "files"
    }
    warnings = tuple(_problems([one for one in findings if one.is_warning], parsed, path))
    return LoadedWorkflow(
        workflow, path, templates, _places(parsed, workflow), _after(parsed, workflow), warnings
    )


def _resolved(findings: Iterable[Finding], parsed: Document) -> list[Finding]:
    """Leave out what only follows from a value that could not be read."""
    return [finding for finding in findings if finding.loc not in parsed.unresolved]


def _problems(findings: Iterable[Finding], parsed: Document, path: Path) -> list[Problem]:
    found: dict[Problem, None] = {}
    for one in findings:
        place = parsed.place(one.loc, at_key=one.at_key)
        where = dotted(one.loc)
        found.setdefault(Problem(path, place.line, place.column, where, one.message, one.hint))
    return sorted(found, key=lambda problem: (problem.line, problem.column, problem.message))


def _redacted(problem: Problem, environment: Environment) -> Problem:
    return replace(
        problem,
        message=environment.redact(problem.message),
        hint=environment.redact(problem.hint),
    )


def _places(parsed: Document, workflow: Workflow) -> dict[str, Place]:
    places = {"workflow": parsed.place(("workflow",))}
    for index, node in enumerate(workflow.nodes):
        if node.type == "delta":
            places[f"table {node.table}"] = parsed.place(("nodes", index, "table"))
    return places


def _after(parsed: Document, workflow: Workflow) -> dict[str, Place]:
    return {
        trigger.workflow: parsed.place(("triggers", index, "workflow"))
        for index, trigger in enumerate(workflow.triggers)
        if trigger.type == "after"
    }


def _clashes(new: LoadedWorkflow, others: Iterable[LoadedWorkflow]) -> list[Problem]:
    """Report names and tables of a file that an earlier file has."""
    problems = []
    for other in others:
        problems += _job_clash(new, other)
        for what, place in new.places.items():
            there = other.places.get(what)
            if what == "workflow" and new.workflow.workflow != other.workflow.workflow:
                continue
            if there is None:
                continue
            name = new.workflow.workflow if what == "workflow" else what.partition(" ")[2]
            kind = "workflow name" if what == "workflow" else "delta table"
            message = f"the {kind} {name!r} is taken by {display_path(other.path)}:{there.line}"
            hint = "choose another"
            where = "workflow" if what == "workflow" else "nodes"
            problems.append(Problem(new.path, place.line, place.column, where, message, hint))
    return problems


def _job_clash(new: LoadedWorkflow, other: LoadedWorkflow) -> list[Problem]:
    """Report a workflow that is called like a job of another one: Dagster would load neither."""
    place, there = new.places["workflow"], other.places["workflow"]
    ours, theirs = new.workflow.workflow, other.workflow.workflow
    for suffix in _JOBS:
        if ours == theirs + suffix:
            message = f"{ours!r} is the name of a job of {theirs!r}"
        elif theirs == ours + suffix:
            message = f"{theirs!r}, which is a workflow, would be the name of a job of {ours!r}"
        else:
            continue
        hint = f"choose another; see {display_path(other.path)}:{there.line}"
        return [Problem(new.path, place.line, place.column, "workflow", message, hint)]
    return []

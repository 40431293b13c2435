"""What `syncflow check` says: every file with its mistakes, for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncflow_dagster.workflows.loader import Loaded, find_files, load_files
from syncflow_dagster.workflows.problems import BrokenFile, Problem, display_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncflow_dagster.workflows.loader import LoadedWorkflow


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The outcome of a check.

    Attributes:
        loaded: The files that are right and those that are not.
    """

    loaded: Loaded

    @property
    def ok(self) -> bool:
        """Whether there are workflows and no mistake."""
        return bool(self.loaded.workflows) and not self.loaded.broken

    @property
    def problems(self) -> list[Problem]:
        """Every mistake, file by file."""
        return [problem for broken in self.loaded.broken for problem in broken.problems]

    def lines(self) -> list[str]:
        """Return a line for each good file and warning, and for each mistake of a broken one."""
        good = []
        for one in self.loaded.workflows:
            good.append(
                f"{display_path(one.path)}: ok, workflow {one.workflow.workflow} of "
                f"{one.workflow.owner} with {len(one.workflow.nodes)} nodes"
            )
            good += [f"warning: {problem}" for problem in one.warnings]
        return good + [str(problem) for problem in self.problems]

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        good = [_good(one) for one in self.loaded.workflows]
        bad = [_bad(one) for one in self.loaded.broken]
        return {"ok": self.ok, "files": sorted(good + bad, key=lambda entry: str(entry["path"]))}


def check(paths: Iterable[Path | str], environ: Mapping[str, str] | None = None) -> CheckReport:
    """Check workflow files.

    Args:
        paths: Files, and folders whose files are checked.
        environ: Variables for `${NAME}`; the process's own if left out.

    Returns:
        The report. A folder without any workflow file is a mistake as well.
    """
    files: dict[Path, None] = {}
    empty: list[BrokenFile] = []
    named = [Path(path) for path in paths]
    for path in named:
        found = find_files(path) if path.is_dir() else [path]
        files |= dict.fromkeys(found)
        if not found:
            message, hint = "the folder holds no workflow file", "a workflow file ends with .yaml"
            problem = Problem(path, 1, 1, "file", message, hint)
            empty.append(BrokenFile(path, (problem,), path.name))
    # Beside files named one by one there may be others.
    loaded = load_files(files, environ, complete=all(path.is_dir() for path in named))
    return CheckReport(Loaded(loaded.workflows, loaded.broken + empty))


def _good(one: LoadedWorkflow) -> dict[str, Any]:
    return {
        "path": display_path(one.path),
        "ok": True,
        "workflow": one.workflow.workflow,
        "owner": one.workflow.owner,
        "nodes": [node.name for node in one.workflow.nodes],
        "problems": [],
        "warnings": [_problem(warning) for warning in one.warnings],
    }


def _bad(one: BrokenFile) -> dict[str, Any]:
    return {
        "path": display_path(one.path),
        "ok": False,
        "workflow": one.name,
        "problems": [_problem(problem) for problem in one.problems],
        "warnings": [],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "path": display_path(problem.path),
        "line": problem.line,
        "column": problem.column,
        "where": problem.where,
        "message": problem.message,
        "hint": problem.hint,
        "text": str(problem),
    }

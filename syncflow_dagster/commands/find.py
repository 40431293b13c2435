"""Finding the workflow a command names."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow_dagster.workflows.loader import load_folder

if TYPE_CHECKING:
    from syncflow_dagster.workflows.loader import LoadedWorkflow


class NoSuchWorkflow(LookupError):
    """No workflow file gives that workflow, or its file is broken; the text says which."""


def workflows_folder() -> Path:
    """Return the folder of workflow files: the environment's, else the examples'."""
    from syncflow_dagster.demo.world import WORKFLOWS

    return Path(os.environ.get("SYNCFLOW_WORKFLOWS") or WORKFLOWS)


def find_workflow(folder: Path, name: str) -> LoadedWorkflow:
    """Load the workflow called `name` from a folder of workflow files.

    Raises:
        NoSuchWorkflow: there is none, or its file has mistakes (all are listed).
    """
    found = load_folder(folder, os.environ)
    for loaded in found.workflows:
        if loaded.workflow.workflow == name:
            return loaded
    broken = [one for one in found.broken if name in {one.name, one.path.stem}]
    if broken:
        lines = "\n".join(str(problem) for problem in broken[0].problems)
        msg = f"workflow {name!r} has mistakes:\n{lines}"
        raise NoSuchWorkflow(msg)
    names = sorted(one.workflow.workflow for one in found.workflows)
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}"
    msg = f"no file in {folder} declares a workflow {name!r}; {hint}"
    raise NoSuchWorkflow(msg)

"""The workflow files themselves as an asset, with a check that is red while one is broken."""

import os
from collections.abc import Iterable
from pathlib import Path

import dagster as dg

import syncflow_dagster
from syncflow_dagster.assets import tables
from syncflow_dagster.workflows.loader import Loaded, load_folder
from syncflow_dagster.workflows.problems import BrokenFile, display_path

FOLDER_VARIABLE = "SYNCFLOW_WORKFLOWS"
KEY = dg.AssetKey(["syncflow", "workflow_files"])
CHECK = "every_file_is_right"


def workflows_folder() -> Path:
    """Return the folder of workflow files: `SYNCFLOW_WORKFLOWS`, else the project's `workflows`."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    here = Path("workflows")
    return here if here.is_dir() else Path(syncflow_dagster.__file__).parents[1] / "workflows"


def files_asset(loaded: Loaded) -> dg.AssetSpec:
    """Return the asset that stands for the files; its description names every mistake."""
    listed = "".join(f"\n- `{one.workflow.workflow}`" for one in loaded.workflows)
    description = f"Workflow files of this code location.\n\nIn use:{listed or ' none'}"
    if loaded.broken:
        problems = "".join(
            f"\n- {tables.markdown(problem)}" for one in loaded.broken for problem in one.problems
        )
        description += f"\n\n**Left out until mended:**\n{problems}"
    return dg.AssetSpec(
        KEY,
        description=description,
        group_name="syncflow",
        kinds={"yaml"},
        tags={"node": "workflow_files"},
    )


def files_check(folder: Path) -> dg.AssetChecksDefinition:
    """Return the check that reads the files again, as they are now."""

    @dg.asset_check(
        asset=KEY,
        name=CHECK,
        description="Every workflow file can be used. A broken one is left out and stops no other; "
        "`syncflow check` says the same in a shell.",
    )
    def check() -> dg.AssetCheckResult:
        broken = load_folder(folder).broken
        return dg.AssetCheckResult(
            passed=not broken,
            description=_words(broken),
            metadata=_problems(broken),
        )

    return check


def files_events(
    loaded: Loaded,
) -> tuple[dg.AssetMaterialization, dg.AssetCheckEvaluation]:
    """Return what is reported of files just read, without a run: that they are there, and right."""
    metadata = {"in_use": len(loaded.workflows), "broken": len(loaded.broken)}
    return (
        dg.AssetMaterialization(KEY, description=_words(loaded.broken), metadata=metadata),
        dg.AssetCheckEvaluation(
            asset_key=KEY,
            check_name=CHECK,
            passed=not loaded.broken,
            description=_words(loaded.broken),
            metadata=_problems(loaded.broken),
        ),
    )


def _words(broken: Iterable[BrokenFile]) -> str:
    names = [display_path(one.path) for one in broken]
    return f"Left out until mended: {', '.join(names)}" if names else "Every file can be used."


def _problems(broken: Iterable[BrokenFile]) -> dict[str, dg.TableMetadataValue | int]:
    rows = [
        {
            "place": f"{display_path(problem.path)}:{problem.line}:{problem.column}",
            "where": problem.where,
            "what_is_wrong": problem.message,
            "what_would_be_right": problem.hint,
        }
        for one in broken
        for problem in one.problems
    ]
    metadata: dict[str, dg.TableMetadataValue | int] = {"mistakes": len(rows)}
    if rows:
        columns = ["place", "where", "what_is_wrong", "what_would_be_right"]
        metadata["what_to_mend"] = tables.table(rows, columns)
    return metadata

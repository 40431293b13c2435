"""The step that finds the due records of a delta node, between the node and its consumers."""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, partitions, tables
from syncflow_dagster.assets.delta import parent_of
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.progress import Progress
from syncflow_dagster.assets.steps import StepResources
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.triggers.due_records import DueReport, take_due
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import DeltaNode, Workflow


def due_asset(loaded: LoadedWorkflow, node: DeltaNode) -> dg.AssetsDefinition:
    """Return the asset that finds the due records of a delta node which has some."""
    workflow = loaded.workflow
    key = due_key(workflow, node)
    step = StepResources(loaded, [])

    @dg.multi_asset(
        name=names.step_name(workflow, f"{node.name}_due"),
        description=_description(node),
        specs=[_spec(workflow, node)],
        required_resource_keys=step.keys,
    )
    def take(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        with readable_failures(), step.open(context) as opened:
            # A run before the first delta finds empty tables, not missing ones.
            prepare(opened.database, workflow.workflow, workflow.deltas)
            progress = Progress(context.log.info, "due records")
            report = take_due(
                opened.database,
                opened.clock,
                workflow.workflow,
                node,
                parent_of(workflow, node),
                progress=progress.tell,
            )
        context.log.info("%s: %s", node.name, told(report))
        yield dg.MaterializeResult(asset_key=key, metadata=metadata(node, report))

    return take


def due_key(workflow: Workflow, node: DeltaNode) -> dg.AssetKey:
    """Return the key of the step that finds a delta node's due records."""
    return names.asset_key(workflow, f"{node.name}_due")


def due_keys(workflow: Workflow) -> list[dg.AssetKey]:
    """Return the keys of all such steps of a workflow."""
    return [due_key(workflow, node) for node in workflow.deltas if node.due is not None]


def with_due(workflow: Workflow, sources: Iterable[str]) -> list[dg.AssetKey]:
    """Return what a consumer of some nodes comes after: the nodes, and their due records."""
    keys = []
    for name in dict.fromkeys(sources):
        keys.append(names.asset_key(workflow, name))
        node = workflow.node(name)
        if isinstance(node, DeltaNode) and node.due is not None:
            keys.append(due_key(workflow, node))
    return keys


def told(report: DueReport) -> str:
    """Return what a search came to, in a line."""
    following = f"the next {report.next_due_at:%Y-%m-%d %H:%M} UTC" if report.next_due_at else ""
    words = [
        f"{report.due:,} records were due",
        "due times of all records found anew" if report.renewed else "",
        f"{report.unreadable:,} say what cannot be read" if report.unreadable else "",
        following or "no other is",
    ]
    return "; ".join(word for word in words if word)


def metadata(node: DeltaNode, report: DueReport) -> dict[str, Any]:
    """Return a search's counts, when the next record is due, and what cannot be read."""
    found: dict[str, Any] = {
        "due": report.due,
        "superseded": report.superseded,
        "unreadable": report.unreadable,
    }
    if report.next_due_at is not None:
        found["next_due_at"] = dg.MetadataValue.timestamp(report.next_due_at)
    if report.problems:
        is_personal = not node.personal_columns.isdisjoint(node.key)
        rows = [
            {"record": "(personal)" if is_personal else record, "problem": problem}
            for record, problem in report.problems
        ]
        found["problems"] = tables.table(rows, ["record", "problem"])
    return found


def _spec(workflow: Workflow, node: DeltaNode) -> dg.AssetSpec:
    return dg.AssetSpec(
        due_key(workflow, node),
        deps=[partitions.dependency(workflow, node)],
        description=_description(node),
        group_name=names.group_name(workflow),
        code_version=names.code_version(node),
        owners=names.owners(workflow),
        tags=names.asset_tags(workflow, "due"),
        kinds={"postgres"},
    )


def _description(node: DeltaNode) -> str:
    assert node.due is not None
    when = f"at its `{node.due.at}`" if node.due.at else f"as its `{node.due.every}` says"
    held = " New and changed ones are held until then." if node.due.release == "when_due" else ""
    return (
        f"Finds the records of `{node.name}` that are due, each {when}. One that is due goes to "
        f"its consumers once more, as if all of it had changed.{held}"
    )

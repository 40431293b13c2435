"""A delta node and the pull that feeds it as one step that makes two assets.

The rows stream from the source into the delta and are stored nowhere in between. Where an identity
node feeds it, that is an asset of its own.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from syncflow_dagster.assets import columns, names, partitions
from syncflow_dagster.assets.delta_metadata import delta_metadata, pull_metadata, summary
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.leaving import leaving, say_left
from syncflow_dagster.assets.progress import stage_teller
from syncflow_dagster.assets.steps import OpenStep, StepResources
from syncflow_dagster.assets.waiting import waiting_metadata
from syncflow_dagster.core.leaving import Left, check
from syncflow_dagster.nodes.delta.build import DeltaOptions, DeltaResult, build_delta
from syncflow_dagster.nodes.delta.errors import ReadingLeft
from syncflow_dagster.nodes.delta.waiting import waiting
from syncflow_dagster.nodes.pull.read import PullRows
from syncflow_dagster.nodes.rows import RowSource
from syncflow_dagster.nodes.sources import open_source
from syncflow_dagster.nodes.triggers import slots
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.store.builds import builds_folder
from syncflow_dagster.store.location import default_home
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import (
    DeltaNode,
    PullNode,
    SalesforcePullNode,
    Workflow,
)

Pull = PullNode | SalesforcePullNode


def delta_assets(loaded: LoadedWorkflow, node: DeltaNode) -> dg.AssetsDefinition:
    """Return the assets of a delta node and its pull."""
    workflow = loaded.workflow
    pull = pull_of(workflow, node)
    parent = parent_of(workflow, node)
    step = StepResources(loaded, [] if pull is None else [pull.connection])
    pulled = [] if pull is None else [_pull_spec(loaded, pull, node)]

    @dg.multi_asset(
        name=names.step_name(workflow, node.name),
        description=node.description,
        specs=[*pulled, _delta_spec(loaded, node)],
        required_resource_keys=step.keys,
        partitions_def=partitions.definition(node),
    )
    def build(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        with readable_failures(), step.open(context) as opened:
            source = open_source(opened.loaded, node, opened.database, context.log.info)
            options = _options(context, opened, node, source)
            try:
                check(options.leave)
                result = build_delta(
                    opened.database,
                    workflow.workflow,
                    node,
                    source,
                    parent=parent,
                    clock=opened.clock,
                    options=options,
                    progress=stage_teller(context.log.info),
                )
            except Left as left:
                _leave(context, opened, node, left)
                return
            metadata = _metadata(opened, node, options, result)
        context.log.info("%s: %s", node.name, summary(result))
        if pull is not None:
            yield dg.MaterializeResult(
                asset_key=names.asset_key(workflow, pull.name),
                metadata=pull_metadata(result, source),
            )
        yield dg.MaterializeResult(
            asset_key=names.asset_key(workflow, node.name), metadata=metadata
        )

    return build


def pull_of(workflow: Workflow, node: DeltaNode) -> Pull | None:
    """Return the pull node that feeds a delta node, None if an identity node does."""
    source = workflow.node(node.source)
    return source if isinstance(source, PullNode | SalesforcePullNode) else None


def parent_of(workflow: Workflow, node: DeltaNode) -> DeltaNode | None:
    """Return the node of a delta node's parents, None if it has no parent."""
    parent = workflow.node(node.parent.node) if node.parent else None
    assert parent is None or isinstance(parent, DeltaNode)
    return parent


def _options(
    context: dg.AssetExecutionContext, opened: OpenStep, node: DeltaNode, source: RowSource
) -> DeltaOptions:
    asks_when = isinstance(source, PullRows) and source.asks_when
    due = opened.occasion.scheduled_for if opened.occasion else opened.clock.now()
    return DeltaOptions(
        full_resync=opened.options.full_resync,
        run_id=context.run.run_id,
        part=partitions.part_of(context, node),
        scheduled_for=due if asks_when else None,
        by_interval=isinstance(source, PullRows) and source.reads_intervals,
        home=builds_folder(default_home(), opened.database),
        # A turn is a push's: one that reads goes on, as some sources cannot be read on from there.
        leave=leaving(
            opened, opened.loaded.workflow, opened.clock.now(), context.run.run_id, in_turns=False
        ),
    )


def _leave(
    context: dg.AssetExecutionContext, opened: OpenStep, node: DeltaNode, left: Left
) -> None:
    """Say that nothing was found yet; what the run was started for is somebody else's again."""
    told = left.in_words() if isinstance(left, ReadingLeft) else f"nothing is read now: {left}"
    say_left(context, [names.asset_key(opened.loaded.workflow, node.name)], told)
    if opened.occasion is not None:
        run, now = context.run, opened.clock.now()
        slots.give_back(opened.database, opened.occasion.slot_id, run.run_id, run.root_run_id, now)


def _metadata(
    opened: OpenStep, node: DeltaNode, options: DeltaOptions, result: DeltaResult
) -> dict[str, Any]:
    workflow = opened.loaded.workflow
    observer = Observer(opened.database)
    metadata = delta_metadata(
        result,
        observer.count_states(node.table),
        observer.last_full_read(workflow.workflow, node.name, options.part),
    )
    if node.parent:
        metadata |= waiting_metadata(waiting(opened.database, workflow, node))
    return metadata


def _pull_spec(loaded: LoadedWorkflow, pull: Pull, node: DeltaNode) -> dg.AssetSpec:
    workflow = loaded.workflow
    return dg.AssetSpec(
        names.asset_key(workflow, pull.name),
        # Left out where the step had to stop, as its window was over: the asset is as it was.
        skippable=True,
        description=f"{pull.description}\n\nRead in batches and handed straight to `{node.name}`; "
        "the rows are stored nowhere in between.",
        metadata=columns.of_pull(node),
        group_name=names.group_name(workflow),
        code_version=names.code_version(pull, query=loaded.queries.get(pull.name)),
        owners=names.owners(workflow),
        tags=names.asset_tags(workflow, "pull"),
        kinds={"sql"} if isinstance(pull, PullNode) else {"salesforce"},
    )


def _delta_spec(loaded: LoadedWorkflow, node: DeltaNode) -> dg.AssetSpec:
    workflow = loaded.workflow
    source = workflow.node(node.source)
    deps = [dg.AssetDep(names.asset_key(workflow, source.name))]
    parent = parent_of(workflow, node)
    if parent is not None and not node.is_own_parent:
        deps.append(partitions.dependency(workflow, parent))
    return dg.AssetSpec(
        names.asset_key(workflow, node.name),
        deps=deps,
        skippable=True,
        description=_description(node),
        metadata=columns.of_delta(node),
        group_name=names.group_name(workflow),
        code_version=names.code_version(source, node, query=loaded.queries.get(source.name)),
        owners=names.owners(workflow),
        tags=names.asset_tags(workflow, "delta"),
        kinds={"polars", "postgres"},
    )


def _description(node: DeltaNode) -> str:
    key = ", ".join(f"`{name}`" for name in node.key)
    text = f"{node.description}\n\nDelta rows are kept in `{node.table}`, found by the key {key}"
    text += f"; each belongs to a record of `{node.parent.node}`." if node.parent else "."
    if partitions.is_partitioned(node):
        text += (
            f"\n\nBuilt in {node.partitions} ranges of the key's hash. Each is a partition that "
            "reads the source by itself; several can be built at once, on several machines."
        )
    return text

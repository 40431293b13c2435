"""A delta node and the pull that feeds it as one step that makes two assets.

The rows stream from the source into the delta; they are stored nowhere in between.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg

from syncflow_dagster.assets import columns, names, tables
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.plots import bars
from syncflow_dagster.assets.progress import duration, every_two_seconds
from syncflow_dagster.assets.steps import StepResources
from syncflow_dagster.nodes.delta.build import DeltaOptions, DeltaResult, build_delta
from syncflow_dagster.nodes.delta.build import Progress as DeltaProgress
from syncflow_dagster.nodes.pull.read import read_rows
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import DeltaNode, PullNode

_OPERATIONS = ("inserted", "updated", "deleted", "same", "rejected", "duplicates", "waiting")
_WRITTEN = ("inserted", "updated", "deleted")


def delta_assets(loaded: LoadedWorkflow, node: DeltaNode) -> dg.AssetsDefinition:
    """Return the assets of a delta node and its pull."""
    workflow = loaded.workflow
    pull = workflow.node(node.source)
    assert isinstance(pull, PullNode)
    parent = workflow.node(node.parent.node) if node.parent else None
    assert parent is None or isinstance(parent, DeltaNode)
    step = StepResources(loaded, [pull.connection])

    @dg.multi_asset(
        name=names.step_name(workflow, node.name),
        description=node.description,
        specs=[_pull_spec(loaded, pull, node), _delta_spec(loaded, pull, node)],
        required_resource_keys=step.keys,
    )
    def build(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        with readable_failures(), step.open(context) as opened:
            options = DeltaOptions(
                full_resync=opened.options.full_resync, run_id=context.run.run_id
            )
            result = build_delta(
                opened.database,
                workflow.workflow,
                node,
                GivenRows(read_rows(opened.loaded, pull)),
                parent=parent,
                clock=opened.clock,
                options=options,
                progress=_teller(context.log.info),
            )
            states = Observer(opened.database).count_states(node.table)
        context.log.info(_summary(node, result))
        yield dg.MaterializeResult(
            asset_key=names.asset_key(workflow, pull.name), metadata=_pull_metadata(result)
        )
        yield dg.MaterializeResult(
            asset_key=names.asset_key(workflow, node.name),
            metadata=_delta_metadata(result, states),
        )

    return build


def _pull_spec(loaded: LoadedWorkflow, pull: PullNode, node: DeltaNode) -> dg.AssetSpec:
    workflow = loaded.workflow
    return dg.AssetSpec(
        names.asset_key(workflow, pull.name),
        description=f"{pull.description}\n\nRead in batches and handed straight to `{node.name}`; "
        "the rows are stored nowhere in between.",
        metadata=columns.of_pull(node),
        group_name=names.group_name(workflow),
        code_version=names.code_version(pull, query=loaded.queries[pull.name]),
        owners=names.owners(workflow),
        tags=names.asset_tags(workflow, "pull"),
        kinds={"sql"},
    )


def _delta_spec(loaded: LoadedWorkflow, pull: PullNode, node: DeltaNode) -> dg.AssetSpec:
    workflow = loaded.workflow
    deps = [names.asset_key(workflow, pull.name)]
    if node.parent and not node.is_own_parent:
        deps.append(names.asset_key(workflow, node.parent.node))
    return dg.AssetSpec(
        names.asset_key(workflow, node.name),
        deps=deps,
        description=f"{node.description}\n\nDelta rows are kept in `{node.table}`, found by the "
        f"key {_code(node.key)}"
        + (f"; each belongs to a record of `{node.parent.node}`." if node.parent else "."),
        metadata=columns.of_delta(node),
        group_name=names.group_name(workflow),
        code_version=names.code_version(pull, node, query=loaded.queries[pull.name]),
        owners=names.owners(workflow),
        tags=names.asset_tags(workflow, "delta"),
        kinds={"polars", "postgres"},
    )


def _code(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _teller(log: Callable[[str], None]) -> Callable[[DeltaProgress], None]:
    may_tell = every_two_seconds()

    def tell(progress: DeltaProgress) -> None:
        if may_tell():
            left = progress.seconds_left
            about = f", about {duration(left)} left" if left is not None else ""
            log(
                f"{progress.stage}: {progress.rows:,} rows, "
                f"{progress.rows_per_s:,.0f} rows/s{about}"
            )

    return tell


def _summary(node: DeltaNode, result: DeltaResult) -> str:
    told = ", ".join(f"{result.counts[name]:,} {name}" for name in _OPERATIONS)
    return f"{node.name}: {result.counts['read']:,} rows read, {told}"


def _pull_metadata(result: DeltaResult) -> dict[str, Any]:
    extract = next(stage for stage in result.stages if stage.name == "extract")
    return {
        "dagster/row_count": result.counts["read"],
        "seconds": round(extract.seconds, 3),
        "rows_per_s": _rate(result.counts["read"], extract.seconds),
    }


def _delta_metadata(result: DeltaResult, states: dict[str, int]) -> dict[str, Any]:
    seconds = sum(stage.seconds for stage in result.stages)
    counts = {name: result.counts[name] for name in _OPERATIONS}
    metadata: dict[str, Any] = {
        "dagster/row_count": result.counts["records"],
        **counts,
        "superseded": result.counts["superseded"],
        "batch": result.batch_id,
        "seconds": round(seconds, 3),
        "rows_per_s": _rate(result.counts["records"], seconds),
        "states": tables.table(
            [{"state": state, "delta_rows": rows} for state, rows in states.items()],
            ["state", "delta_rows"],
        ),
        "stages": tables.table(
            [
                {"stage": one.name, "rows": one.rows, "seconds": round(one.seconds, 4)}
                for one in result.stages
            ],
            ["stage", "rows", "seconds"],
        ),
        "preview": tables.preview(_rows(result)),
    }
    if any(counts[name] for name in _WRITTEN):
        # Not for a run that found nothing: a picture costs its process half a second.
        metadata["operations"] = bars(counts, "records of this run")
    if result.rejected:
        metadata["rejected_records"] = tables.table(
            [asdict(one) for one in result.rejected],
            ["row_number", "business_key", "customer", "column", "value", "reason"],
        )
    return metadata


def _rows(result: DeltaResult) -> list[dict[str, Any]]:
    return [
        {str(name): value for name, value in row.items()}
        for row in result.preview.to_dict("records")
    ]


def _rate(rows: int, seconds: float) -> float:
    return round(rows / seconds, 1) if seconds else 0.0

"""Ranges of BK_HASH as Dagster's partitions: several workers can share one delta node."""

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.nodes.delta import parts
from syncflow_dagster.nodes.delta.parts import Part
from syncflow_dagster.workflows.models import DeltaNode, Workflow


def is_partitioned(node: DeltaNode) -> bool:
    """Whether a delta node is built in several ranges."""
    return node.partitions > 1


def keys(node: DeltaNode) -> list[str]:
    """Return the names of a node's partitions, such as `1_of_4`; none if it is not split."""
    return [part.name for part in parts.all_parts(node.partitions)] if is_partitioned(node) else []


def definition(node: DeltaNode) -> dg.PartitionsDefinition[str] | None:
    """Return a node's partitions for Dagster, None if it is not split."""
    return dg.StaticPartitionsDefinition(keys(node)) if is_partitioned(node) else None


def part_of(context: dg.AssetExecutionContext, node: DeltaNode) -> Part:
    """Return the range of keys a step builds."""
    return parts.named(context.partition_key) if is_partitioned(node) else Part()


def dependency(workflow: Workflow, parent: DeltaNode) -> dg.AssetDep:
    """Return how a delta node hangs on its parent's.

    A record's parent has another key, so it may lie in any range of the parent's.
    """
    key = names.asset_key(workflow, parent.name)
    if not is_partitioned(parent):
        return dg.AssetDep(key)
    return dg.AssetDep(key, partition_mapping=dg.AllPartitionMapping())


def partitioned(workflow: Workflow) -> list[DeltaNode]:
    """Return the delta nodes of a workflow that are split, parents first; all alike."""
    return [node for node in workflow.deltas if is_partitioned(node)]


def unpartitioned(workflow: Workflow) -> list[DeltaNode]:
    """Return the delta nodes of a workflow that are not split, parents first."""
    return [node for node in workflow.deltas if not is_partitioned(node)]

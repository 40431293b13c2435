"""A workflow as Dagster sees it: its assets, its checks, its jobs, its resources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster import ConfigurableResource

from syncflow_dagster.assets import names, partitions
from syncflow_dagster.assets.board_check import board_check, check_key
from syncflow_dagster.assets.checks import delta_checks, pass_checks
from syncflow_dagster.assets.delta import delta_assets
from syncflow_dagster.assets.due import due_asset, due_keys
from syncflow_dagster.assets.identity import identity_asset, identity_checks
from syncflow_dagster.assets.outreach import outreach_assets, outreach_keys
from syncflow_dagster.assets.outreach_checks import outreach_checks
from syncflow_dagster.assets.preflight_check import preflight_check, preflight_key
from syncflow_dagster.assets.push import push_assets
from syncflow_dagster.assets.rejected import retry_job
from syncflow_dagster.assets.retention import retention_asset, retention_job
from syncflow_dagster.assets.steering import steering_job
from syncflow_dagster.assets.tag import tag_asset
from syncflow_dagster.assets.tag_checks import tag_checks
from syncflow_dagster.resources.connections import connection_resources
from syncflow_dagster.resources.run_options import job_options
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import DeltaNode, Workflow

Job = dg.JobDefinition | Any


@dataclass(frozen=True, slots=True)
class WorkflowDefinitions:
    """What one workflow file brings to the code location.

    Attributes:
        loaded: The workflow.
        assets: Steps, parents first.
        checks: Asset checks.
        job: Runs everything that is not partitioned; None if there is no such thing.
        parts_job: Builds one partition of the delta nodes that are split; None if none is.
        push_job: Runs the push alone; None if the workflow has none.
        outreach_job: Lets LinkedIn steps go on; None if the workflow has none.
        steering_job: Does what a person wants of LinkedIn steps; None if the workflow has none.
        retry_job: Tries rejected rows again.
        retention_job: Moves or deletes what is history.
        resources: Its connections.
    """

    loaded: LoadedWorkflow
    assets: list[dg.AssetsDefinition]
    checks: list[dg.AssetChecksDefinition]
    job: Job | None
    parts_job: Job | None
    push_job: Job | None
    outreach_job: Job | None
    steering_job: Job | None
    retry_job: Job
    retention_job: Job
    resources: Mapping[str, ConfigurableResource[Any]]

    @property
    def jobs(self) -> list[Job]:
        """All its jobs."""
        often = (self.job, self.parts_job, self.push_job, self.outreach_job)
        seldom = (self.steering_job, self.retry_job, self.retention_job)
        return [job for job in (*often, *seldom) if job is not None]


def workflow_definitions(
    loaded: LoadedWorkflow,
    *,
    with_pools: bool = True,
    as_written: bool = True,
    options: dg.ConfigMapping = job_options,
) -> WorkflowDefinitions:
    """Build a workflow's definitions; needs neither network nor database.

    Args:
        loaded: The workflow.
        with_pools: Let runs on the same account wait for each other in Dagster's pools.
        as_written: See `connection_resources`.
        options: Maps what a person chose for a run to the whole run configuration.
    """
    workflow = loaded.workflow
    assets = [delta_assets(loaded, node) for node in workflow.deltas]
    assets += [due_asset(loaded, node) for node in workflow.deltas if node.due is not None]
    checks = [delta_checks(loaded, node) for node in workflow.deltas]
    for node in workflow.pushes:
        assets += push_assets(loaded, node, with_pool=with_pools)
        checks += [pass_checks(loaded, node, number) for number in names.passes(node)]
        checks.append(board_check(loaded, node, with_pool=with_pools))
        checks.append(preflight_check(loaded, node, with_pool=with_pools))
    for identity in workflow.identities:
        assets.append(identity_asset(loaded, identity))
        checks.append(identity_checks(loaded, identity))
    for tag in workflow.tags:
        assets.append(tag_asset(loaded, tag, with_pool=with_pools))
        checks.append(tag_checks(loaded, tag))
    for step in workflow.linkedin_steps:
        assets += outreach_assets(loaded, step, with_pool=with_pools)
        checks.append(outreach_checks(loaded, step))
    assets.append(retention_asset(loaded))
    return WorkflowDefinitions(
        loaded=loaded,
        assets=assets,
        checks=checks,
        job=_job(workflow, options),
        parts_job=_parts_job(workflow),
        push_job=_push_job(workflow, options) if _consumer_keys(workflow) else None,
        outreach_job=_outreach_job(workflow, options) if workflow.linkedin_steps else None,
        steering_job=steering_job(loaded) if workflow.linkedin_steps else None,
        retry_job=retry_job(loaded),
        retention_job=retention_job(workflow),
        resources={
            names.connection_key(workflow, name): resource
            for name, resource in connection_resources(loaded, as_written=as_written).items()
        },
    )


def _job(workflow: Workflow, options: dg.ConfigMapping) -> Job | None:
    deltas = partitions.unpartitioned(workflow)
    keys = [*_delta_keys(workflow, deltas), *_consumer_keys(workflow)]
    if not keys:
        return None
    return dg.define_asset_job(
        workflow.workflow,
        selection=dg.AssetSelection.assets(*keys),
        description=workflow.description,
        tags=names.turn_tags(workflow),
        config=options,
        executor_def=dg.in_process_executor,
    )


def _parts_job(workflow: Workflow) -> Job | None:
    keys = _delta_keys(workflow, partitions.partitioned(workflow))
    if not keys:
        return None
    return dg.define_asset_job(
        names.parts_job_name(workflow),
        selection=dg.AssetSelection.assets(*keys),
        description="Builds one partition of the delta nodes that are split; the push comes when "
        f"rows wait. {workflow.description}",
        tags=names.parts_tags(workflow),
        # Dagster maps no options where there are partitions: the launchpad has them as they are.
        executor_def=dg.in_process_executor,
    )


def _push_job(workflow: Workflow, options: dg.ConfigMapping) -> Job:
    makers = (check_key, preflight_key)
    counts = [key(workflow, node) for node in workflow.pushes for key in makers]
    return dg.define_asset_job(
        names.push_job_name(workflow),
        # Counting the board costs requests, and this job may run often.
        selection=dg.AssetSelection.assets(*_consumer_keys(workflow))
        - dg.AssetSelection.checks(*counts),
        description=f"Pushes what waits, without reading the source. {workflow.description}",
        tags=names.turn_tags(workflow),
        config=options,
        executor_def=dg.in_process_executor,
    )


def _outreach_job(workflow: Workflow, options: dg.ConfigMapping) -> Job:
    keys = [key for node in workflow.linkedin_steps for key in outreach_keys(workflow, node)[1:]]
    return dg.define_asset_job(
        names.outreach_job_name(workflow),
        selection=dg.AssetSelection.assets(*keys),
        description=f"Lets leads go on, without reading the source. {workflow.description}",
        tags=names.turn_tags(workflow),
        config=options,
        executor_def=dg.in_process_executor,
    )


def _delta_keys(workflow: Workflow, nodes: Sequence[DeltaNode]) -> list[dg.AssetKey]:
    found = [names.asset_key(workflow, name) for node in nodes for name in (node.source, node.name)]
    return list(dict.fromkeys(found))


def _consumer_keys(workflow: Workflow) -> list[dg.AssetKey]:
    """Return what takes up delta rows, and what is made of them here: no source is read for it."""
    identities = [node.name for node in workflow.identities]
    of_identities = [node for node in workflow.deltas if node.source in identities]
    passes = [
        names.pass_key(workflow, node, number)
        for node in workflow.pushes
        for number in names.passes(node)
    ]
    others = [*identities, *(node.name for node in of_identities)]
    others += [node.name for node in workflow.tags]
    outreach = [key for node in workflow.linkedin_steps for key in outreach_keys(workflow, node)]
    due = due_keys(workflow)
    return [*due, *passes, *(names.asset_key(workflow, name) for name in others), *outreach]

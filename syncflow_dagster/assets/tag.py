"""A tag node as an asset: planned, approved, asked for consent, written, and told."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, push_metadata, tag_metadata
from syncflow_dagster.assets.due import with_due
from syncflow_dagster.assets.failures import failure, readable_failures
from syncflow_dagster.assets.forecasting import closes_in_s, measured
from syncflow_dagster.assets.leaving import leaving, not_now
from syncflow_dagster.assets.progress import Progress
from syncflow_dagster.assets.stalling import tell_sensor
from syncflow_dagster.assets.steps import OpenStep, StepResources
from syncflow_dagster.assets.stopping import Stop, StoppableClock
from syncflow_dagster.core.clock import Clock
from syncflow_dagster.core.leaving import Leave
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.ledger.decisions import By
from syncflow_dagster.ledger.delivery_report import DeliveryOptions, DeliveryReport, Teller
from syncflow_dagster.ledger.worker import only_one
from syncflow_dagster.nodes.compliance.salesforce_gate import salesforce_gate
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.tag.approval import (
    ApprovingRun,
    NotApprovable,
    approve,
    decided_by,
    find_plan,
    planner,
)
from syncflow_dagster.nodes.tag.plan_report import TagPlanReport
from syncflow_dagster.nodes.tag.policy import policy_of
from syncflow_dagster.nodes.tag.run import GateMaker, TagOptions, TagRun
from syncflow_dagster.resources.observe import Observer, Work
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import DeltaNode, TagNode, Workflow
from syncflow_dagster.workflows.models.policy import Policy

_STOPPED = (
    "Nothing more can be written to the org until somebody acts. Nothing is lost: what was not "
    "sent waits in the ledger, and the next run goes on from there."
)


def tag_asset(
    loaded: LoadedWorkflow, node: TagNode, *, with_pool: bool = True
) -> dg.AssetsDefinition:
    """Return the asset of a tag node.

    Args:
        loaded: The workflow.
        node: Its tag node.
        with_pool: Let runs on the same org wait for each other in Dagster's queue.
    """
    workflow = loaded.workflow
    step = StepResources(loaded, [node.connection])

    @dg.multi_asset(
        name=names.step_name(workflow, node.name),
        description=node.description,
        specs=[_spec(workflow, node)],
        required_resource_keys=step.keys,
        pool=names.org(workflow, node) if with_pool else None,
    )
    def tag(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        with readable_failures(), step.open(context) as opened:
            yield from _run(context, opened, node)

    return tag


def _run(
    context: dg.AssetExecutionContext, opened: OpenStep, node: TagNode
) -> Iterator[dg.MaterializeResult[Any]]:
    workflow = opened.loaded.workflow
    key = names.asset_key(workflow, node.name)
    # A run before the first delta finds empty tables, not missing ones.
    prepare(opened.database, workflow.workflow, workflow.deltas)
    leave = leaving(opened, workflow, opened.clock.now(), context.run.run_id)
    if not_now(context, leave, [key]):
        # A person's decision waits for no window.
        _approve(context, opened, node, policy_of(opened.loaded, node))
        return
    with only_one(opened.database, f"push {workflow.workflow}.{node.name}"):
        if not _has_work(opened, node):
            # The org is not even asked: an idle workflow costs it no request.
            context.log.info("nothing waits, so nothing is asked of the org")
            nothing = tag_metadata.of_plan(TagPlanReport()) | {"note": "nothing waits"}
            yield dg.MaterializeResult(asset_key=key, metadata=nothing | _budgets(opened, node))
            return
        delivered, metadata = _tag(context, opened, node, leave)
    metadata |= _budgets(opened, node)
    if delivered is None:
        context.log_event(dg.AssetObservation(key, description="Dry run.", metadata=metadata))
        return
    if delivered.stopped is not None:
        context.log_event(dg.AssetObservation(key, description="Stopped.", metadata=metadata))
        raise failure(delivered.stopped, _STOPPED, kind="Stop")
    tell_sensor(context, opened, node.name, names.TAG_PASSES[0], delivered)
    yield dg.MaterializeResult(asset_key=key, metadata=metadata)


def _has_work(opened: OpenStep, node: TagNode) -> bool:
    if opened.options.dry_run or opened.options.approve_plan is not None:
        return True
    workflow = opened.loaded.workflow
    source = workflow.node(node.source)
    assert isinstance(source, DeltaNode)
    observer = Observer(opened.database)
    until = opened.clock.now() + timedelta(seconds=DeliveryOptions().patience_s)
    plans = Work([source.table])
    policy = policy_of(opened.loaded, node).hash
    return observer.has_plans(workflow.workflow, node.name, policy) or any(
        observer.pass_work(workflow.workflow, node.name, number, until, plans).has_work
        for number in names.TAG_PASSES
    )


def _budgets(opened: OpenStep, node: TagNode) -> dict[str, Any]:
    account = names.org(opened.loaded.workflow, node)
    return push_metadata.of_budgets(Budgets(opened.database, opened.clock, account, {}).read())


def _tag(
    context: dg.AssetExecutionContext, opened: OpenStep, node: TagNode, leave: Leave
) -> tuple[DeliveryReport | None, dict[str, Any]]:
    """Plan and deliver; a dry run has no delivery."""
    chosen = opened.options
    if chosen.dry_run and chosen.approve_plan is not None:
        msg = "a dry run applies no plan: leave out approve_plan or dry_run"
        raise NotApprovable(msg)
    since = opened.clock.now()
    stop = Stop()
    clock = StoppableClock(opened.clock, stop)
    with closing(_tag_run(context, opened, node, clock, leave)) as run:
        for one in run.prepare():
            context.log.warning("%s", one.message)
        _approve(context, opened, node, run.policy)
        planned = run.plan()
        context.log.info(tag_metadata.told_plan(planned, dry_run=chosen.dry_run))
        metadata = tag_metadata.of_plan(planned) | {"policy": run.policy.policy}
        if chosen.dry_run:
            return None, metadata | {"dry_run": True}
        progress = Progress(
            context.log.info, "effects", closes_in_s=closes_in_s(opened, context.run.run_id)
        )
        teller = _teller(progress, stop)
        with stop.on_signals():
            delivered, expected = measured(
                context, opened, node, names.TAG_PASSES[0], lambda: run.deliver(teller)
            )
    context.log.info(push_metadata.told_delivery(delivered, progress.elapsed_s))
    metadata |= push_metadata.of_delivery(delivered, progress.elapsed_s) | expected
    place = (opened.loaded.workflow.workflow, node.name)
    run_id = context.run.run_id
    metadata |= tag_metadata.of_outcomes(opened.database, *place, run.policy.policy, run_id, since)
    return delivered, metadata


def _tag_run(
    context: dg.AssetExecutionContext, opened: OpenStep, node: TagNode, clock: Clock, leave: Leave
) -> TagRun:
    run_id = context.run.run_id
    options = TagOptions(
        actor=planner(opened.options.started_by, run_id),
        run_id=run_id,
        dry_run=opened.options.dry_run,
        limit=opened.options.limit,
        delivery=DeliveryOptions(leave=leave),
    )
    make: GateMaker = lambda client, policy, name: salesforce_gate(  # noqa: E731
        opened.database, clock, client, policy, name, environ=os.environ, run_id=run_id
    )
    return TagRun(opened.database, clock, opened.loaded, node, options, make)


def _approve(
    context: dg.AssetExecutionContext, opened: OpenStep, node: TagNode, policy: Policy
) -> None:
    """Approve the plan that whoever started this run names, as `syncflow tag approve` does.

    Raises:
        NotApprovable: He may not, or the plan is not open.
    """
    chosen, workflow = opened.options, opened.loaded.workflow
    if chosen.approve_plan is None:
        return
    by = By(chosen.approved_by or "", chosen.approval_reason or "")
    plan = find_plan(opened.database, workflow.workflow, chosen.approve_plan)
    if plan.node != node.name:
        context.log.info("plan %s is of %s, not of this node", plan.plan_hash, plan.node)
        return
    if decided_by(plan, by.actor):
        # A step that is tried again finds its own approval.
        context.log.info("plan %s is %s by %s already", plan.plan_hash, plan.status, by.actor)
        return
    approving = ApprovingRun(context.run.run_id, chosen.started_by)
    now = opened.clock.now()
    approve(opened.database, workflow, policy, plan.plan_hash, by, now, approving)
    context.log.info("plan %s is approved by %s", plan.plan_hash, by.actor)


def _teller(progress: Progress, stop: Stop) -> Teller:
    def tell(report: DeliveryReport, remaining: Callable[[], int]) -> None:
        progress.tell(push_metadata.ended(report), remaining)
        stop.check()

    return tell


def _spec(workflow: Workflow, node: TagNode) -> dg.AssetSpec:
    return dg.AssetSpec(
        names.asset_key(workflow, node.name),
        deps=with_due(workflow, [node.source]),
        # Left out in a dry run: then nothing was written.
        skippable=True,
        description=f"{node.description}\n\nTags records of `{node.object}` under the policy "
        f"`{node.policy}`: a plan is applied only as somebody approved it, and each record only if "
        "nothing forbids it at the instant of writing.",
        metadata={"object": node.object, "policy": node.policy},
        group_name=names.group_name(workflow),
        code_version=names.code_version(node),
        owners=names.owners(workflow),
        tags=names.asset_tags(workflow, "tag"),
        kinds={"salesforce"},
    )

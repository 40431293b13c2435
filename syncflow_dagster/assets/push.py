"""A push node as an asset for each pass: groups and items, then subitems, then statuses."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from syncflow_dagster.assets import columns, names, push_metadata
from syncflow_dagster.assets.due import with_due
from syncflow_dagster.assets.failures import failure, readable_failures
from syncflow_dagster.assets.forecasting import closes_in_s, measured
from syncflow_dagster.assets.leaving import leaving, not_now
from syncflow_dagster.assets.progress import Progress
from syncflow_dagster.assets.stalling import tell_sensor
from syncflow_dagster.assets.steps import OpenStep, StepResources
from syncflow_dagster.assets.stopping import Stop, StoppableClock
from syncflow_dagster.core.leaving import Leave, Left
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.ledger.delivery_report import DeliveryOptions, DeliveryReport, Teller
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.ledger.worker import only_one
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES, SUBITEMS
from syncflow_dagster.nodes.monday.plan_report import PlanReport
from syncflow_dagster.nodes.monday.preflight_pin import pin_path
from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.nodes.run_summary import RunPlace, summarise_pass
from syncflow_dagster.nodes.run_summary_page import keep_files
from syncflow_dagster.resources.observe import Observer, PassWork
from syncflow_dagster.store.location import default_home
from syncflow_dagster.store.summaries import summaries_folder
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import DeltaNode, MondayPushNode, Workflow

_WHAT = {
    ITEMS: "First pass: a group for each new customer, then an item for each new order, changes of "
    "items, moves and archivings. It also plans what the later passes do.",
    SUBITEMS: "Second pass: subitems, each once its item is on the board.",
    STATUSES: "Third pass: statuses of items and subitems, and links to items, once all are there.",
}
_STOPPED = (
    "Nothing more can be sent on this account until somebody acts. Nothing is lost: what was not "
    "sent waits in the ledger, and the next run goes on from there."
)


def push_assets(
    loaded: LoadedWorkflow, node: MondayPushNode, *, with_pool: bool = True
) -> list[dg.AssetsDefinition]:
    """Return an asset for each pass of a push node.

    Args:
        loaded: The workflow.
        node: Its push node.
        with_pool: Let runs on the same account wait for each other in Dagster's queue.
    """
    return [_pass_asset(loaded, node, number, with_pool) for number in names.passes(node)]


def _pass_asset(
    loaded: LoadedWorkflow, node: MondayPushNode, number: int, with_pool: bool
) -> dg.AssetsDefinition:
    workflow = loaded.workflow
    step = StepResources(loaded, [node.connection])
    key = names.pass_key(workflow, node, number)

    @dg.multi_asset(
        name=names.step_name(workflow, key.path[-1]),
        description=_WHAT[number],
        specs=[_spec(workflow, node, number)],
        required_resource_keys=step.keys,
        pool=names.account(workflow, node) if with_pool else None,
    )
    def push_pass(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        with readable_failures(), step.open(context) as opened:
            yield from _run(context, opened, node, number)

    return push_pass


def _run(
    context: dg.AssetExecutionContext, opened: OpenStep, node: MondayPushNode, number: int
) -> Iterator[dg.MaterializeResult[Any]]:
    workflow = opened.loaded.workflow
    key = names.pass_key(workflow, node, number)
    dry_run = opened.options.dry_run
    since = opened.clock.now()
    # A push before the first delta finds empty tables, not missing ones.
    prepare(opened.database, workflow.workflow, workflow.deltas)
    leave = leaving(opened, workflow, since, context.run.run_id)
    if not_now(context, leave, [key]):
        return
    with only_one(opened.database, f"push {workflow.workflow}.{node.name}"):
        work = _work(opened, node, number, since)
        if not work.has_work and not dry_run:
            # The board is not even read: an idle workflow costs the account nothing.
            context.log.info("nothing waits, so nothing is asked of the board")
            metadata = _nothing(work, number) | _from_database(opened, node, number, since)
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
            return
        metadata, report, skipped = _push(context, opened, node, number, leave)
    if report is None:
        context.log_event(dg.AssetObservation(key, description="Dry run.", metadata=metadata))
        return
    metadata |= _from_database(opened, node, number, since)
    metadata |= _summarise(context, opened, node, number, since, report, skipped)
    if report.stopped is not None:
        context.log_event(dg.AssetObservation(key, description="Stopped.", metadata=metadata))
        raise failure(report.stopped, _STOPPED, kind="Stop")
    tell_sensor(context, opened, node.name, number, report)
    yield dg.MaterializeResult(asset_key=key, metadata=metadata)


def _push(
    context: dg.AssetExecutionContext,
    opened: OpenStep,
    node: MondayPushNode,
    number: int,
    leave: Leave,
) -> tuple[dict[str, Any], DeliveryReport | None, Mapping[str, int]]:
    """Plan and deliver; a dry run has no delivery. The last: rows with nothing to do."""
    chosen = opened.options
    pin = pin_path(opened.loaded.path)
    delivery = DeliveryOptions(leave=leave)
    options = PushOptions(chosen.dry_run, chosen.limit, chosen.customer, delivery=delivery, pin=pin)
    stop = Stop()
    clock = StoppableClock(opened.clock, stop)
    with closing(Push(opened.database, clock, opened.loaded.workflow, node, options)) as push:
        try:
            contract = push.prepare()
        except AccountPaused as paused:
            context.log.warning("nothing is sent: %s", paused)
            report = DeliveryReport(paused=paused.pause)
            return push_metadata.of_delivery(report, 0.0), report, {}
        except Left as left:
            context.log.info("nothing is sent: %s", left)
            report = DeliveryReport(left=left.reason)
            return push_metadata.of_delivery(report, 0.0), report, {}
        for fault in push.warnings:
            context.log.warning("%s: %s", fault.severity, fault)
        # The first pass plans for all three, so that a limit is counted once.
        plan = push.plan() if number == ITEMS else None
        if plan is not None:
            context.log.info(push_metadata.told_plan(plan, dry_run=chosen.dry_run))
        if chosen.dry_run:
            return push_metadata.of_dry_run(plan, contract), None, {}
        progress = Progress(
            context.log.info, "effects", closes_in_s=closes_in_s(opened, context.run.run_id)
        )
        teller = _teller(progress, stop)
        with stop.on_signals():
            report, expected = measured(
                context, opened, node, number, lambda: push.deliver(number, teller)
            )
    context.log.info(push_metadata.told_delivery(report, progress.elapsed_s))
    metadata = push_metadata.of_plan(plan) if plan is not None else {}
    metadata |= push_metadata.of_delivery(report, progress.elapsed_s) | expected
    return metadata, report, plan.skipped if plan is not None else {}


def _work(opened: OpenStep, node: MondayPushNode, number: int, now: datetime) -> PassWork:
    workflow = opened.loaded.workflow
    # A delivery waits that long for what is not due yet; the rest is a later run's.
    until = now + timedelta(seconds=PushOptions().delivery.patience_s)
    plans = names.push_work(workflow) if number == ITEMS else None
    place = (workflow.workflow, node.name, number)
    return Observer(opened.database).pass_work(*place, until, plans)


def _nothing(work: PassWork, number: int) -> dict[str, Any]:
    report = DeliveryReport(waiting=work.waiting, remaining=work.remaining)
    planned = push_metadata.of_plan(PlanReport()) if number == ITEMS else {}
    return {**planned, **push_metadata.of_delivery(report, 0.0), "note": "nothing waits"}


def _from_database(
    opened: OpenStep, node: MondayPushNode, number: int, since: datetime
) -> dict[str, Any]:
    workflow = opened.loaded.workflow
    account = names.account(workflow, node)
    observer = Observer(opened.database)
    place = (workflow.workflow, node.name, number)
    metadata = push_metadata.of_customers(observer.by_customer(*place, since))
    metadata |= push_metadata.of_budgets(Budgets(opened.database, opened.clock, account, {}).read())
    if number != STATUSES:
        metadata["dagster/row_count"] = observer.count_made(*place)
    return metadata


def _summarise(
    context: dg.AssetExecutionContext,
    opened: OpenStep,
    node: MondayPushNode,
    number: int,
    since: datetime,
    report: DeliveryReport,
    skipped: Mapping[str, int],
) -> dict[str, Any]:
    """Add the pass to its run's summary; return what of it the pass shows."""
    workflow = opened.loaded.workflow
    place = RunPlace(workflow, node, context.run.run_id)
    budgets = Budgets(opened.database, opened.clock, names.account(workflow, node), {}).read()
    summary = summarise_pass(
        opened.database,
        place,
        (number, names.PASSES[number]),
        report,
        budgets=budgets,
        began_at=since,
        now=opened.clock.now(),
        skipped=skipped,
    )
    folder = summaries_folder(default_home(), opened.database, workflow.workflow)
    file = None
    try:
        file = keep_files(folder, summary)
    except OSError as error:
        # It is in the database too; what was pushed is no worse for it.
        context.log.warning("the summary of the run could not be written as a file: %s", error)
    return push_metadata.of_summary(summary, file)


def _teller(progress: Progress, stop: Stop) -> Teller:
    def tell(report: DeliveryReport, remaining: Callable[[], int]) -> None:
        progress.tell(push_metadata.ended(report), remaining)
        stop.check()

    return tell


def _spec(workflow: Workflow, node: MondayPushNode, number: int) -> dg.AssetSpec:
    return dg.AssetSpec(
        names.pass_key(workflow, node, number),
        deps=_deps(workflow, node, number),
        # Left out in a dry run: then nothing was made.
        skippable=True,
        description=f"{_WHAT[number]}\n\n{node.description} Writes to board {node.board_id}; "
        "nothing is ever made twice, whatever breaks in between.",
        metadata={**_columns(workflow, node, number), "board": node.board_id},
        group_name=names.group_name(workflow),
        code_version=names.code_version(node),
        owners=names.owners(workflow),
        tags=names.asset_tags(workflow, "monday_push"),
        kinds={"monday"},
    )


def _deps(workflow: Workflow, node: MondayPushNode, number: int) -> list[dg.AssetKey]:
    subitems = [node.subitems] if node.subitems else []
    # The first pass plans for all of them, so it comes after every delta.
    sources = [mapping.source for mapping in (node.items, *subitems)]
    if number == ITEMS:
        return with_due(workflow, sources)
    before = [one for one in names.passes(node) if one < number]
    return [names.pass_key(workflow, node, before[-1])]


def _columns(workflow: Workflow, node: MondayPushNode, number: int) -> dict[str, dg.TableSchema]:
    sources = {one.name: one for one in workflow.deltas}
    if number == STATUSES:
        return columns.of_statuses(node, sources)
    mapping = node.items if number == ITEMS else node.subitems
    assert mapping is not None
    source: DeltaNode = sources[mapping.source]
    return columns.of_values(mapping, source)

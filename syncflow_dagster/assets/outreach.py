"""A LinkedIn step as assets: who is enrolled, what came in, what was found, what was sent."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, outreach_metadata
from syncflow_dagster.assets.due import with_due
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.leaving import leaving
from syncflow_dagster.assets.steps import OpenStep, StepResources
from syncflow_dagster.assets.stopping import Stop, StoppableClock
from syncflow_dagster.core.clock import Clock
from syncflow_dagster.core.leaving import Leave
from syncflow_dagster.nodes.compliance.key import privacy_key
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.linkedin.polls import poll
from syncflow_dagster.nodes.linkedin.preview import make_preview
from syncflow_dagster.nodes.linkedin.process import process_inbox
from syncflow_dagster.nodes.linkedin.run import OutreachOptions, OutreachRun
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import LinkedInAccount, LinkedInStepNode, Workflow

#: Seconds a run stays with an account: what is left is left to the next run, so that a run stays
#: short. Two actions are minutes apart, so most runs send one.
_LONGEST_TURN_S = 20.0
_DESCRIPTIONS = {
    "enrolment": "People of the source who become leads, their texts, and the preview that a "
    "person approves before anything is sent.",
    "inbox": "What Unipile has told by webhooks: connections, messages, states of accounts.",
    "detection": "What is new with the account by asking: connections, replies, its state.",
    "steps": "Steps of leads that are due: each is checked, planned, sent once, and confirmed.",
    "statistics": "Funnel, limits, what is stuck; repairs what can be repaired.",
}

Step = Callable[[dg.AssetExecutionContext, OutreachRun, OpenStep], dict[str, Any]]


def outreach_assets(
    loaded: LoadedWorkflow, node: LinkedInStepNode, *, with_pool: bool = True
) -> list[dg.AssetsDefinition]:
    """Return the assets of a LinkedIn step, those before others first.

    Args:
        loaded: The workflow.
        node: Its LinkedIn step.
        with_pool: Let runs with the same account wait for each other in Dagster's queue.
    """
    maker = _Maker(loaded, node, with_pool=with_pool)
    sources = with_due(loaded.workflow, [node.source])
    enrolment = maker.asset("enrolment", _enrol, deps=sources)
    inbox = maker.asset("inbox", _read_inbox, deps=[maker.key("enrolment")])
    found, sent = [], []
    for account in node.accounts:
        part, acts = names.detection_part(account), names.steps_part(account)
        found.append(
            maker.asset(part, _detect(account), deps=[maker.key("inbox")], account=account)
        )
        # Whoever is about to write has looked first whether somebody has answered.
        sent.append(maker.asset(acts, _act(account), deps=[maker.key(part)], account=account))
    last = [maker.key(names.steps_part(account)) for account in node.accounts]
    return [enrolment, inbox, *found, *sent, maker.asset("statistics", _count, deps=last)]


def outreach_keys(workflow: Workflow, node: LinkedInStepNode) -> list[dg.AssetKey]:
    """Return the keys of a LinkedIn step's assets, that of the enrolment first."""
    accounts = [
        part
        for account in node.accounts
        for part in (names.detection_part(account), names.steps_part(account))
    ]
    parts = ["enrolment", "inbox", *accounts, "statistics"]
    return [names.outreach_key(workflow, node, part) for part in parts]


class _Maker:
    def __init__(self, loaded: LoadedWorkflow, node: LinkedInStepNode, *, with_pool: bool) -> None:
        self._loaded = loaded
        self._node = node
        self._with_pool = with_pool

    def key(self, part: str) -> dg.AssetKey:
        return names.outreach_key(self._loaded.workflow, self._node, part)

    def asset(
        self,
        part: str,
        step: Step,
        *,
        deps: list[dg.AssetKey],
        account: LinkedInAccount | None = None,
    ) -> dg.AssetsDefinition:
        """Return the asset of one part."""
        workflow, node, key = self._loaded.workflow, self._node, self.key(part)
        resources = StepResources(self._loaded, [node.connection])
        pool = names.linkedin_account(workflow, node, account) if account is not None else None

        @dg.multi_asset(
            name=names.step_name(workflow, f"{node.name}_{part}"),
            description=node.description,
            specs=[_spec(workflow, node, part, deps)],
            required_resource_keys=resources.keys,
            pool=pool if self._with_pool else None,
        )
        def run_part(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
            with readable_failures(), resources.open(context) as opened:
                # A run before the first delta finds empty tables, not missing ones.
                prepare(opened.database, workflow.workflow, workflow.deltas)
                stop = Stop()
                leave = leaving(opened, workflow, opened.clock.now(), context.run.run_id)
                clock = StoppableClock(opened.clock, stop)
                run = outreach_run(opened, node.name, clock, leave)
                with stop.on_signals():
                    metadata = step(context, run, opened)
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

        return run_part


def outreach_run(
    opened: OpenStep, node: str, clock: Clock, leave: Leave | None = None
) -> OutreachRun:
    """Return the run of a LinkedIn step; a dry run of the job is one of the node."""
    loaded = opened.loaded
    if opened.options.dry_run:
        loaded = _in_dry_run(loaded, node)
    key = privacy_key(os.environ, opened.database, opened.clock.now())
    options = OutreachOptions(privacy_key=key, leave=leave)
    return OutreachRun(opened.database, clock, loaded, node, options)


def _in_dry_run(loaded: LoadedWorkflow, name: str) -> LoadedWorkflow:
    nodes = [
        one.model_copy(update={"dry_run": True}) if one.name == name else one
        for one in loaded.workflow.nodes
    ]
    return replace(loaded, workflow=loaded.workflow.model_copy(update={"nodes": nodes}))


def _enrol(context: dg.AssetExecutionContext, run: OutreachRun, opened: OpenStep) -> dict[str, Any]:
    report = run.enrol()
    context.log.info(outreach_metadata.told_enrolment(report))
    previews = [
        make_preview(opened.database, opened.clock, run.loaded, run.node, account)
        for account in run.node.accounts
    ]
    for one in previews:
        context.log.info(outreach_metadata.told_preview(one))
    return outreach_metadata.of_enrolment(report, previews)


def _read_inbox(
    context: dg.AssetExecutionContext, run: OutreachRun, _opened: OpenStep
) -> dict[str, Any]:
    report = process_inbox(run)
    context.log.info(outreach_metadata.told_inbox(report))
    return outreach_metadata.of_inbox(report)


def _detect(account: LinkedInAccount) -> Step:
    def step(
        context: dg.AssetExecutionContext, run: OutreachRun, opened: OpenStep
    ) -> dict[str, Any]:
        name = names.linkedin_account(opened.loaded.workflow, run.node, account)
        report = poll(run, name)
        context.log.info(outreach_metadata.told_poll(report))
        return outreach_metadata.of_poll(report)

    return step


def _act(account: LinkedInAccount) -> Step:
    def step(
        context: dg.AssetExecutionContext, run: OutreachRun, _opened: OpenStep
    ) -> dict[str, Any]:
        report = run.turn(account.name, longest_s=_LONGEST_TURN_S)
        context.log.info(outreach_metadata.told_turn(report, dry_run=run.node.dry_run))
        return outreach_metadata.of_turn(report, dry_run=run.node.dry_run)

    return step


def _count(
    context: dg.AssetExecutionContext, run: OutreachRun, _opened: OpenStep
) -> dict[str, Any]:
    swept = run.sweep()
    found = run.statistics()
    context.log.info(outreach_metadata.told_sweep(swept))
    return outreach_metadata.of_statistics(found, swept)


def _spec(
    workflow: Workflow, node: LinkedInStepNode, part: str, deps: list[dg.AssetKey]
) -> dg.AssetSpec:
    sort = part.split("_", maxsplit=1)[0]
    return dg.AssetSpec(
        names.outreach_key(workflow, node, part),
        deps=deps,
        description=f"{node.description}\n\n{_DESCRIPTIONS[sort]}",
        group_name=names.group_name(workflow),
        code_version=names.code_version(node),
        owners=names.owners(workflow),
        tags=names.asset_tags(workflow, "linkedin_step"),
        kinds={"linkedin", "postgres"} if sort in {"steps", "detection"} else {"postgres"},
    )

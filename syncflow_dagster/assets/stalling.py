"""Telling the sensor of pending rows whether a run got on."""

import dagster as dg

from syncflow_dagster.assets import names, push_metadata
from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.core.dispatch import has_stalled
from syncflow_dagster.ledger.delivery_report import DeliveryReport
from syncflow_dagster.resources.observe import Observer

#: Characters of a reason that fit into a tag.
_LONGEST_TAG = 200


def tell_sensor(
    context: dg.AssetExecutionContext,
    opened: OpenStep,
    node: str,
    number: int,
    report: DeliveryReport,
) -> None:
    """Mark the run, so that the sensor backs off from a delivery that does not get on.

    The step itself succeeds: the later passes may well get on.

    Args:
        context: The step.
        opened: Its resources.
        node: Name of the node that delivers.
        number: The pass.
        report: What the delivery did.
    """
    ended = push_metadata.ended(report)
    if ended:
        context.instance.add_run_tags(context.run.run_id, {names.MOVED_TAG: "yes"})
    if report.left is not None:
        # It goes on in its next window or turn; nothing holds it up.
        return
    # A bulk job that is at work is no push that does not get on.
    tried = report.requests + report.lookups - report.at_work
    paused = report.paused
    if not has_stalled(
        tried=tried, ended=ended, remaining=report.remaining, paused=paused is not None
    ):
        return
    workflow = opened.loaded.workflow.workflow
    held_up = Observer(opened.database).held_up(workflow, node, number)
    reason = next((one["reason"] for one in held_up if one["reason"]), "no reason is known")
    told = paused.in_words() if paused else f"{report.remaining:,} changes wait: {reason}"
    told = told[:_LONGEST_TAG]
    context.log.warning("this pass brought nothing to an end; %s", told)
    context.instance.add_run_tags(context.run.run_id, {names.STALLED_TAG: told})

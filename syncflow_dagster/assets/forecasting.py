"""What deliveries got done in their time, and when the rest will be: for the log and the asset."""

from collections.abc import Callable

import dagster as dg

from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.ledger.delivery_report import DeliveryReport
from syncflow_dagster.nodes.triggers.forecast import forecast, note_work
from syncflow_dagster.nodes.triggers.windows import standing
from syncflow_dagster.workflows.models import MondayPushNode, TagNode


def measured(
    context: dg.AssetExecutionContext,
    opened: OpenStep,
    node: MondayPushNode | TagNode,
    number: int,
    deliver: Callable[[], DeliveryReport],
) -> tuple[DeliveryReport, dict[str, str]]:
    """Deliver; say before and after it when what waits will be written, and keep how fast it was.

    Args:
        context: The step.
        opened: Its resources.
        node: The node that delivers.
        number: The pass that is delivered.
        deliver: Does it.

    Returns:
        What was done, and the metadata of both forecasts.
    """
    workflow = opened.loaded.workflow
    before = forecast(opened.database, opened.clock, workflow, node).in_words()
    context.log.info("forecast: %s", before)
    began_at = opened.clock.now()
    report = deliver()
    place = (workflow.workflow, node.name, number)
    now = opened.clock.now()
    note_work(opened.database, place, began_at, now, report, context.run.run_id)
    after = forecast(opened.database, opened.clock, workflow, node).in_words()
    return report, {"expected_before": before, "expected": after}


def closes_in_s(opened: OpenStep, run_id: str) -> Callable[[], float | None]:
    """Return what gives the seconds until the window of a run's work ends; None: it goes by none.

    Args:
        opened: The step.
        run_id: Its run, which may have been let outside the windows.
    """

    def left() -> float | None:
        now = opened.clock.now()
        stands = standing(opened.database, opened.loaded.workflow, now, run_id)
        if stands is None or not stands.open or stands.until is None:
            return None
        return (stands.until - now).total_seconds()

    return left

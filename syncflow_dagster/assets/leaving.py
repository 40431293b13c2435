"""When the steps of a run stop at a boundary: at their window's end, or when their turn is over.

A step outside its workflow's windows does nothing and says so; one that is at work when a window
ends stops between two records. Both succeed: what is left waits, and the next window's run goes on.
"""

from collections.abc import Iterable
from datetime import datetime

import dagster as dg

from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.core.leaving import Leave
from syncflow_dagster.nodes.triggers import windows
from syncflow_dagster.nodes.triggers.leaving import Leaving
from syncflow_dagster.workflows.models import Workflow


def leaving(
    opened: OpenStep,
    workflow: Workflow,
    began_at: datetime,
    run_id: str | None = None,
    *,
    in_turns: bool = True,
) -> Leave:
    """Return what tells why a step must stop at a boundary between two records.

    A dry run may go on at any time. A run that was started with `outside_window` goes by no
    window; who wanted that and why is kept.

    Args:
        opened: The step.
        workflow: Its workflow.
        began_at: When it began, in database time; its turn is counted from there.
        run_id: Its run.
        in_turns: Whether it leaves its place to others, too, when its turn is over.
    """
    if opened.options.dry_run:
        return lambda: None
    reason = opened.options.outside_window
    if reason is not None and workflow.windows is not None and run_id is not None:
        actor = opened.options.started_by or f"whoever started run {run_id}"
        windows.open_for_run(
            opened.database, workflow, run_id, actor=actor, reason=reason, now=began_at
        )
    return Leaving(
        opened.database, opened.clock, workflow, began_at, run_id=run_id, in_turns=in_turns
    )


def not_now(context: dg.AssetExecutionContext, leave: Leave, keys: Iterable[dg.AssetKey]) -> bool:
    """Tell whether a step must not even begin; then say so of its assets, which stay as they are.

    Args:
        context: The step.
        leave: Tells why it must stop.
        keys: Its assets.
    """
    why = leave()
    if why is None:
        return False
    say_left(context, keys, f"nothing is done now: {why}")
    return True


def say_left(context: dg.AssetExecutionContext, keys: Iterable[dg.AssetKey], told: str) -> None:
    """Say in the log, and of assets that are left as they are, that the step had to stop."""
    context.log.info(told)
    for key in keys:
        description = "Left as it was."
        context.log_event(
            dg.AssetObservation(key, description=description, metadata={"left": told})
        )

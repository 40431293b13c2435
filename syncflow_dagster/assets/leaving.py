"""When the steps of a run stop at a boundary: at their window's end, or when their turn is over.

A step outside its workflow's windows does nothing and says so; one that is at work when a window
ends stops between two records. Both succeed: what is left waits, and the next window's run goes on.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import dagster as dg

from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.core.leaving import Leave
from syncflow_dagster.nodes.triggers import windows
from syncflow_dagster.nodes.triggers.turns import must_leave
from syncflow_dagster.workflows.models import Workflow

#: How often it is looked who waits for the place.
_LOOK_EVERY = timedelta(seconds=1)
_ALWAYS_OPEN = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


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
    return _Leaving(opened, workflow, began_at, run_id, in_turns=in_turns)


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


class _Leaving:
    def __init__(
        self,
        opened: OpenStep,
        workflow: Workflow,
        began_at: datetime,
        run_id: str | None,
        *,
        in_turns: bool,
    ) -> None:
        self._database = opened.database
        self._clock = opened.clock
        self._workflow = workflow
        self._began_at = began_at
        self._run_id = run_id
        self._in_turns = in_turns
        self._open_until = _LONG_AGO if workflow.windows is not None else _ALWAYS_OPEN
        self._looked_at = _LONG_AGO

    def __call__(self) -> str | None:
        now = self._clock.now()
        if now >= self._open_until and (why := self._closed(now)) is not None:
            return why
        if not self._in_turns or now - self._looked_at < _LOOK_EVERY:
            return None
        self._looked_at = now
        return must_leave(self._database, self._workflow, self._began_at, now)

    def _closed(self, now: datetime) -> str | None:
        """Look whether a window is open, and until when; only then is it looked again."""
        was_open = self._open_until != _LONG_AGO
        stands = windows.standing(self._database, self._workflow, now, self._run_id)
        if stands is None or stands.open:
            until = None if stands is None else stands.until
            self._open_until = _ALWAYS_OPEN if until is None else until
            return None
        name = self._workflow.workflow
        if was_open:
            return f"the window of {name} is over; it goes on {stands.when()}"
        return (
            f"{name} is closed until {stands.when()}; open it with `syncflow window open {name} "
            "--for 2h --reason '…'`, or start the run with `outside_window`"
        )

"""When work must stop at a boundary between two records: its window is over, or its turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.triggers.turns import must_leave
from syncflow_dagster.nodes.triggers.windows import standing

if TYPE_CHECKING:
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import Workflow

#: How often it is looked who waits for the place.
_LOOK_EVERY = timedelta(seconds=1)
_ALWAYS_OPEN = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Leaving:
    """A `Leave` that goes by a workflow's windows and turns.

    While a window is open nothing is asked of the database for it but the time.

    Args:
        database: SyncFlow's own.
        clock: Its time.
        workflow: The workflow.
        began_at: When the work began; its turn is counted from there.
        run_id: The run, which may be let in outside the windows.
        in_turns: Whether the place is left to others, too, when the turn is over.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        workflow: Workflow,
        began_at: datetime,
        *,
        run_id: str | None = None,
        in_turns: bool = True,
    ) -> None:
        self._database = database
        self._clock = clock
        self._workflow = workflow
        self._began_at = began_at
        self._run_id = run_id
        self._in_turns = in_turns
        self._open_until = _LONG_AGO if workflow.windows is not None else _ALWAYS_OPEN
        self._looked_at = _LONG_AGO

    def __call__(self) -> str | None:
        """Return why the work must stop here; None: it may go on."""
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
        stands = standing(self._database, self._workflow, now, self._run_id)
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

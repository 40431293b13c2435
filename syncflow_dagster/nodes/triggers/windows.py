"""When a workflow may be at work: its windows, and those a person has opened for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncflow_dagster.store import sql
from syncflow_dagster.workflows.timing import windows_of

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.core.timing.windows import WeekWindows
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import Workflow

#: How long a workflow may be opened for at once; who wants more changes its windows.
LONGEST = timedelta(days=7)
#: How long a run may go by what it was started with; it ends long before that.
_LONGEST_RUN = timedelta(days=1)
#: Where no window opens for a year: when it is looked again.
_FAR = timedelta(days=370)


@dataclass(frozen=True, slots=True)
class Override:
    """A window that a person has opened.

    Attributes:
        open_from: From when on.
        open_until: Until when, exclusive.
        actor: Who opened it.
        reason: Why.
        made_at: When he did.
        run_id: The run that alone goes by it; None: the whole workflow does.
    """

    open_from: datetime
    open_until: datetime
    actor: str
    reason: str
    made_at: datetime
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a workflow stands to its windows at a moment.

    Attributes:
        open: Whether it may be at work.
        until: When that changes; None: not for a year at least.
        override: What a person has opened, where that alone lets it be at work.
        zone: IANA name of the time zone its times are read in.
    """

    open: bool
    until: datetime | None
    override: Override | None
    zone: str

    def when(self) -> str:
        """Return `until` as the clock of the windows' time zone shows it."""
        if self.until is None:
            return "a year from now at the earliest"
        local = self.until.astimezone(ZoneInfo(self.zone))
        return f"{local:%a %Y-%m-%d %H:%M} {self.zone}"


def standing(
    database: Database, workflow: Workflow, now: datetime, run_id: str | None = None
) -> Standing | None:
    """Return how a workflow stands to its windows; None: it has none, and is always open.

    Args:
        database: SyncFlow's own.
        workflow: The workflow.
        now: The moment.
        run_id: A run, whose own overrides count too.
    """
    windows = windows_of(workflow)
    if windows is None:
        return None
    given = {"workflow": workflow.workflow, "now": now, "run_id": run_id}
    opened = [Override(**row) for row in database.fetch_all(sql.load("windows")["at"], given)]
    covering = [one for one in opened if one.open_from <= now]
    in_window = windows.is_open(now)
    if in_window or covering:
        until = _closes_at(windows, opened, now)
        return Standing(True, until, None if in_window else covering[-1], windows.zone)
    nexts = [one.open_from for one in opened]
    if (regular := windows.next_open(now)) is not None:
        nexts.append(regular)
    return Standing(False, min(nexts, default=None), None, windows.zone)


def opens_at(database: Database, workflow: Workflow, now: datetime) -> datetime | None:
    """Return when a workflow may be at work next; None: it may now.

    Where nothing opens for a year, that is the moment to look again.
    """
    stands = standing(database, workflow, now)
    if stands is None or stands.open:
        return None
    return stands.until or now + _FAR


def open_for_a_while(
    database: Database,
    workflow: Workflow,
    length: timedelta,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> Override:
    """Let a workflow be at work outside its windows, and note who wanted it and why.

    Raises:
        ValueError: There is nothing to open, or no length, actor or reason that would do.
    """
    if workflow.windows is None:
        msg = f"workflow {workflow.workflow!r} has no windows: it may be at work at any time"
        raise ValueError(msg)
    if not timedelta(0) < length <= LONGEST:
        msg = f"a workflow is opened for some time, {LONGEST.days} days at most, not for {length}"
        raise ValueError(msg)
    return _open(database, workflow, Override(now, now + length, actor, reason, now))


def open_for_run(
    database: Database, workflow: Workflow, run_id: str, *, actor: str, reason: str, now: datetime
) -> None:
    """Let one run be at work outside its workflow's windows; noted once, whoever of it asks.

    Raises:
        ValueError: Nobody says why.
    """
    _open(database, workflow, Override(now, now + _LONGEST_RUN, actor, reason, now, run_id))


def overrides(database: Database, workflow: str, limit: int = 50) -> list[Override]:
    """Return what persons have opened, the latest first."""
    given = {"workflow": workflow, "limit": limit}
    return [Override(**row) for row in database.fetch_all(sql.load("windows")["list"], given)]


def _open(database: Database, workflow: Workflow, one: Override) -> Override:
    if not one.actor.strip() or not one.reason.strip():
        raise ValueError("say who opens the window, and why: both are kept")
    given = {
        "workflow": workflow.workflow,
        "now": one.made_at,
        "until": one.open_until,
        "actor": one.actor,
        "reason": one.reason,
        "run_id": one.run_id,
    }
    database.execute(sql.load("windows")["open"], given)
    return one


def _closes_at(windows: WeekWindows, opened: list[Override], now: datetime) -> datetime | None:
    """Return when nothing is open any more: what meets or overlaps is one."""
    end = now
    while True:
        ends = [one.open_until for one in opened if one.open_from <= end < one.open_until]
        if windows.is_open(end):
            closes = windows.closes_at(end)
            if closes is None:
                return None
            ends.append(closes)
        if not ends:
            return end
        end = max(ends)

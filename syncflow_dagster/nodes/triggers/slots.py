"""Slots: each due time of a workflow as a row, so that it is served once.

    DUE        noted: nobody has started anything for it
    REQUESTED  a run was asked for; it may never come, as what asks can be killed
    TAKEN      a run has begun it; no other run will
    SKIPPED    nothing runs for it, by the trigger's `missed` or as the file has changed

Noting a due time and moving the cursor behind it is one transaction, so no due time is noted twice
or left out. Asking for a run and making it are two things in two databases; so an old request is
made again, and the run that takes the slot first is the one that works.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise, takewhile
from typing import TYPE_CHECKING, Literal

from syncflow_dagster.core.timing.missed import Missed, settle
from syncflow_dagster.nodes.delta import parts
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.crash import crash_point
from syncflow_dagster.workflows.models.triggers import AfterTrigger, TimeTrigger
from syncflow_dagster.workflows.timing import windows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.timing.rule import Rule
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import Workflow

    Connection = psycopg.Connection[DictRow]

#: The part of a slot that stands for everything of a workflow that is not split.
WHOLE = ""
#: How long a run that was asked for may take to show up in Dagster before it is asked for again.
PATIENCE = timedelta(seconds=60)
#: Due times noted at once, the latest: more than any policy makes up for.
MOST_NOTED = 1_000
_NOT_OF_THE_RULE = {"name", "enabled", "missed", "missed_most", "late_after_s"}
_MOMENT = timedelta(microseconds=1)
_GONE = "the workflow file names no such trigger or partition any more"


@dataclass(frozen=True, slots=True)
class Slot:
    """One run that is to be made for a due time, or for the end of another workflow's run.

    Attributes:
        slot_id: Its number.
        workflow: The workflow.
        trigger: The trigger's name.
        occasion: What it is for: the due time, or the other run's id.
        part: The partition that is to be built; `WHOLE`: all that is not split.
        due_at: When it was due.
        previous_at: The due time before that one; None: it is the first.
        state: See the module.
        state_since: Since when.
        run_id: The run that has taken it.
        left_at: When a run that had begun it left, at its window's end; None: none has. It is never
            late, and comes before all others, which would begin what it has read anew.
    """

    slot_id: int
    workflow: str
    trigger: str
    occasion: str
    part: str
    due_at: datetime
    previous_at: datetime | None
    state: Literal["DUE", "REQUESTED", "TAKEN", "SKIPPED"]
    state_since: datetime
    run_id: str | None
    left_at: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether a run was asked for so lately that it may be on its way."""
        return self.state == "REQUESTED" and abs(now - self.state_since) <= PATIENCE


def slot_parts(workflow: Workflow) -> tuple[str, ...]:
    """Return the parts of each due time of a workflow: every one of them gets a run of its own."""
    split = [node for node in workflow.deltas if node.partitions > 1]
    keys = tuple(part.name for part in parts.all_parts(split[0].partitions)) if split else ()
    # Where all are split, the push comes when rows wait.
    return keys if keys and len(split) == len(workflow.deltas) else (WHOLE, *keys)


def note_due(
    database: Database,
    workflow: Workflow,
    trigger: TimeTrigger,
    rule: Rule,
    now: datetime,
    *,
    begin: datetime | None = None,
    heeded_since: datetime | None = None,
) -> list[Slot]:
    """Note the due times of a time trigger that have come since the last call.

    Args:
        database: A migrated database.
        workflow: The workflow.
        trigger: The trigger.
        rule: Its due times.
        now: Up to when.
        begin: From when on, that moment included, if it is noted for the first time or its due
            times have changed; None: from now on.
        heeded_since: When a person switched it on; what was due before is none of its business.

    Returns:
        The slots that are new, by due time; of more than `MOST_NOTED` due times the latest.
    """
    text = _rule_text(workflow, trigger)
    given = {"workflow": workflow.workflow, "trigger": trigger.name, "rule": text}
    first = (begin or now + _MOMENT) - _MOMENT
    with database.transaction() as conn:
        conn.execute(load("triggers")["begin_cursor"], {**given, "noted_to": first})
        # A second daemon waits here, and then finds nothing left to note.
        row = conn.execute(load("triggers")["lock_cursor"], given).fetchone()
        assert row is not None
        noted_to = row["noted_to"] if row["rule"] == text else first
        if heeded_since is not None:
            noted_to = max(noted_to, heeded_since - _MOMENT)
        due = deque(takewhile(lambda due: due <= now, rule.after(noted_to)), maxlen=MOST_NOTED)
        occasions = [
            (one.astimezone(UTC).isoformat(), one, before)
            for before, one in pairwise([row["last_due"], *due])
        ]
        found = note_occasions(conn, workflow, trigger.name, occasions, now)
        cursor = {"noted_to": max(noted_to, now), "last_due": due[-1] if due else row["last_due"]}
        conn.execute(load("triggers")["keep_cursor"], {**given, **cursor})
    crash_point("trigger.noted")
    return found


def note_occasions(
    conn: Connection,
    workflow: Workflow,
    trigger: str,
    occasions: Sequence[tuple[str, datetime, datetime | None]],
    now: datetime,
) -> list[Slot]:
    """Make the slots of some occasions, in the caller's transaction; those there are stay.

    Args:
        conn: The transaction.
        workflow: The workflow.
        trigger: The trigger's name.
        occasions: Of each its name, when it was due, and when the one before was.
        now: The present moment.
    """
    given = {
        "workflow": workflow.workflow,
        "trigger": trigger,
        "occasions": [name for name, _, _ in occasions],
        "due": [due for _, due, _ in occasions],
        "previous": [previous for _, _, previous in occasions],
        "parts": list(slot_parts(workflow)),
        "now": now,
    }
    if not occasions:
        return []
    return [Slot(**row) for row in conn.execute(load("triggers")["note_occasions"], given)]


def next_to_start(
    database: Database,
    workflow: Workflow,
    now: datetime,
    opens: Callable[[datetime], datetime],
) -> list[Slot]:
    """Skip what is missed, and return what a run is to be asked for next.

    To be called only while no run of the workflow is under way: a request that is older than
    `PATIENCE` then is one whose run never came, or ended before it began.

    Args:
        database: A migrated database.
        workflow: The workflow.
        now: The present moment.
        opens: Gives the first moment from a due time on at which the workflow may be at work;
            waiting for that is no lateness.

    Returns:
        The slots of the due time that comes first: one, or one for each partition. None, while
        a run that was asked for may still be on its way, or if nothing is open.
    """
    with database.transaction() as conn:
        rows = conn.execute(load("triggers")["open_slots"], {"workflow": workflow.workflow})
        found = [Slot(**row) for row in rows]
        skipped = dict(_skipped(workflow, found, now, opens))
        if skipped:
            given = {"ids": list(skipped), "reasons": list(skipped.values()), "now": now}
            conn.execute(load("triggers")["skip_slots"], given)
    left = [slot for slot in found if slot.slot_id not in skipped]
    coming = [slot for slot in left if slot.is_fresh(now)]
    if not left:
        return []
    first = _together(coming[0] if coming else left[0])
    return [slot for slot in left if _together(slot) == first and not slot.is_fresh(now)]


def request(database: Database, slot_id: int, now: datetime) -> bool:
    """Ask for a slot's run; whoever gets True makes it.

    Returns:
        Whether it is ours to make: False if somebody else has just asked, or it is served.
    """
    given = {"slot_id": slot_id, "now": now, "earliest": now - PATIENCE, "latest": now + PATIENCE}
    asked = database.execute(load("triggers")["request_slot"], given) == 1
    crash_point("trigger.requested")
    return asked


def take(
    database: Database, slot_id: int, run_id: str, root_run_id: str | None, now: datetime
) -> str | None:
    """Take a slot for a run, before it does anything.

    Args:
        database: A migrated database.
        slot_id: The slot.
        run_id: The run.
        root_run_id: The first of the runs it repeats; those may take it again.
        now: The present moment.

    Returns:
        None if the slot is ours, or so old that it is not kept any more; else why it is not.
    """
    root = root_run_id or run_id
    given = {"slot_id": slot_id, "run_id": root, "now": now}
    if database.execute(load("triggers")["take_slot"], given) == 1:
        crash_point("trigger.taken")
        return None
    row = database.fetch_one(load("triggers")["slot_state"], {"slot_id": slot_id})
    if row is None or row["run_id"] in {run_id, root}:
        return None
    return row["reason"] or f"run {row['run_id'][:8]} has it"


def give_back(
    database: Database, slot_id: int, run_id: str, root_run_id: str | None, now: datetime
) -> None:
    """Let another run serve a slot, as the one that has taken it had to leave before its end.

    The slot gets a new number; for the run that left, it is as one that is not kept any more.

    Args:
        database: A migrated database.
        slot_id: The slot; left as it is if it is not the run's.
        run_id: The run that leaves.
        root_run_id: The first of the runs it repeats.
        now: The present moment.
    """
    given = {"slot_id": slot_id, "run_id": root_run_id or run_id, "now": now}
    database.execute(load("triggers")["give_back"], given)


def opens_from(workflow: Workflow) -> Callable[[datetime], datetime]:
    """Return what `next_to_start` wants to know of a workflow's windows."""
    windows = windows_of(workflow)

    def opens(due: datetime) -> datetime:
        if windows is None or windows.is_open(due):
            return due
        return windows.next_open(due) or due

    return opens


def _rule_text(workflow: Workflow, trigger: TimeTrigger) -> str:
    """Return all that decides about a trigger's due times."""
    calendar = workflow.calendars.get(trigger.calendar or "")
    days = "" if calendar is None else calendar.model_dump_json()
    return trigger.model_dump_json(exclude=_NOT_OF_THE_RULE) + days


def _together(slot: Slot) -> tuple[datetime, str, str]:
    return slot.due_at, slot.trigger, slot.occasion


def _skipped(
    workflow: Workflow,
    slots: Sequence[Slot],
    now: datetime,
    opens: Callable[[datetime], datetime],
) -> Iterator[tuple[int, str]]:
    """Give the slots nothing will run for, each with the reason."""
    known = {
        trigger.name: trigger
        for trigger in workflow.triggers
        if isinstance(trigger, (TimeTrigger, AfterTrigger))
    }
    wanted = slot_parts(workflow)
    for name, group in groupby(sorted(slots, key=lambda slot: slot.trigger), _trigger):
        of_trigger = list(group)
        trigger = known.get(name)
        for slot in of_trigger:
            if trigger is None or slot.part not in wanted:
                yield slot.slot_id, _GONE
        if trigger is None:
            continue
        # One whose run may be on its way is out of the question, and so is one that was begun.
        waiting = [
            slot
            for slot in of_trigger
            if slot.left_at is None and not slot.is_fresh(now) and slot.part in wanted
        ]
        due = sorted({slot.due_at for slot in waiting})
        most = trigger.missed_most if isinstance(trigger, TimeTrigger) else None
        missed = Missed(trigger.missed, most, timedelta(seconds=trigger.late_after_s))
        reasons = dict(settle(due, now, missed, opens).skipped)
        for slot in waiting:
            if slot.due_at in reasons:
                yield slot.slot_id, reasons[slot.due_at]


def _trigger(slot: Slot) -> str:
    return slot.trigger

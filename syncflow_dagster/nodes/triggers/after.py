"""Workflows that come after others: the end of each of their runs is noted as a slot, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.triggers.slots import note_occasions
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models.triggers import AfterTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import Workflow

#: A run's end may be written down later than one that ended after it, and clocks differ a little.
#: What is read twice is noted once.
_OVERLAP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class End:
    """The end of a run of a whole workflow.

    Attributes:
        workflow: The workflow that ran.
        run_id: The first of the runs that repeat each other.
        succeeded: How it ended.
        at: When.
    """

    workflow: str
    run_id: str
    succeeded: bool
    at: datetime


def after_triggers(workflows: Sequence[Workflow]) -> list[tuple[Workflow, AfterTrigger]]:
    """Return the triggers that are heeded, each with its workflow."""
    return [
        (workflow, trigger)
        for workflow in workflows
        for trigger in workflow.triggers
        if isinstance(trigger, AfterTrigger) and trigger.enabled
    ]


def begin(database: Database, workflows: Sequence[Workflow], now: datetime) -> datetime | None:
    """Return from when on ends are to be read; None: no trigger is heeded.

    A trigger that is new begins now; so does one that was switched off and is heeded again. Where
    no workflow names such a trigger, nothing is asked of the database.
    """
    if not any(isinstance(one, AfterTrigger) for each in workflows for one in each.triggers):
        return None
    queries = sql.load("dispatch")
    triggers = after_triggers(workflows)
    given = {
        "known": [workflow.workflow for workflow in workflows],
        "workflows": [workflow.workflow for workflow, _ in triggers],
        "triggers": [trigger.name for _, trigger in triggers],
    }
    with database.transaction() as conn:
        conn.execute(queries["forget_after"], given)
        conn.execute(queries["begin_after"], {**given, "now": now})
        rows = conn.execute(queries["noted_after"], given).fetchall()
    since: datetime | None = min((row["noted_to"] for row in rows), default=None)
    return None if since is None else since - _OVERLAP


def note_ends(
    database: Database,
    triggers: Sequence[tuple[Workflow, AfterTrigger]],
    ends: Sequence[End],
    now: datetime,
) -> None:
    """Note the ends each trigger goes by, and up to when that is done, in one transaction each.

    Args:
        database: SyncFlow's own.
        triggers: The triggers.
        ends: All ends since `begin`, in any order.
        now: When these were asked for.
    """
    queries = sql.load("dispatch")
    for workflow, trigger in triggers:
        name = {"workflow": workflow.workflow, "trigger": trigger.name}
        with database.transaction() as conn:
            row = conn.execute(queries["lock_after"], name).fetchone()
            assert row is not None
            since = max(row["begun_at"], row["noted_to"] - _OVERLAP)
            mine = sorted(
                (one for one in ends if _goes_by(trigger, one) and one.at >= since),
                key=lambda one: one.at,
            )
            times = [row["last_end"], *(one.at for one in mine)]
            occasions = [
                # One that shows late has none before it that is known for sure.
                (one.run_id, one.at, before if before and before < one.at else None)
                for one, before in zip(mine, times, strict=False)
            ]
            note_occasions(conn, workflow, trigger.name, occasions, now)
            last = {"noted_to": now, "last_end": max(filter(None, times), default=None)}
            conn.execute(queries["keep_after"], {**name, **last})


def _goes_by(trigger: AfterTrigger, end: End) -> bool:
    wanted = {"success": (True,), "failure": (False,), "any": (True, False)}[trigger.result]
    return end.workflow == trigger.workflow and end.succeeded in wanted

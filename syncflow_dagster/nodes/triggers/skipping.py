"""Slots that nobody serves yet, as a person sees them, and skips one by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.triggers.slots import Slot
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from syncflow_dagster.nodes.triggers.slots import Connection
    from syncflow_dagster.store.database import Database


def open_slots(database: Database, workflow: str) -> list[Slot]:
    """Return the slots of a workflow that no run has taken, the one that comes first first."""
    with database.transaction() as conn:
        return _open(conn, workflow)


def skip(
    database: Database,
    workflow: str,
    which: int | datetime,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> list[Slot]:
    """Let no run serve a slot, and note who wanted it and why. A run on its way does nothing.

    Args:
        database: A migrated database.
        workflow: The workflow.
        which: The slot's number; or when it was due, to the second, which means all its parts.
        actor: Who wants it.
        reason: Why.
        now: The present moment.

    Returns:
        The slots, as they are now.

    Raises:
        ValueError: There is no such slot that is open, or nobody says why.
    """
    if not actor.strip() or not reason.strip():
        raise ValueError("say who skips it, and why: both are kept")
    with database.transaction() as conn:
        found = _open(conn, workflow)
        chosen = [slot for slot in found if which in {slot.slot_id, _second(slot)}]
        if not chosen:
            what = f"due at {which}" if isinstance(which, datetime) else f"of number {which}"
            msg = (
                f"{workflow} has no open slot {what}: it is served or skipped, or not due yet; "
                f"`syncflow slot list {workflow}` shows those that are open"
            )
            raise ValueError(msg)
        given = {
            "ids": [slot.slot_id for slot in chosen],
            "reasons": [f"{actor} has skipped it: {reason}"] * len(chosen),
            "now": now,
        }
        conn.execute(load("triggers")["skip_slots"], given)
    return [replace(slot, state="SKIPPED", state_since=now) for slot in chosen]


def _open(conn: Connection, workflow: str) -> list[Slot]:
    rows = conn.execute(load("triggers")["open_slots"], {"workflow": workflow})
    return [Slot(**row) for row in rows]


def _second(slot: Slot) -> datetime:
    # In UTC: in the hour that a session's time zone has twice, equal instants are not equal.
    return slot.due_at.astimezone(UTC).replace(microsecond=0)

"""What owners have used of the places for runs, who waits for one, and when to leave one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core.turns import (
    PRIORITIES,
    START_S,
    Candidate,
    Choice,
    Waiting,
    first_before,
)
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import Workflow

#: Who was not seen waiting for so long does not wait any more, or nobody chooses at the moment;
#: whose run ended so long ago did not want to go on at once. Several ticks of the dispatcher.
_LATELY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand before a choice.

    Attributes:
        used: The owners' tags.
        waiting: Who waits.
        here: Owners that wait, or had a run a moment ago.
    """

    used: Mapping[str, float]
    waiting: Sequence[Candidate]
    here: frozenset[str]


def charge(database: Database, owner: str, share: int, seconds: float, now: datetime) -> None:
    """Count what an owner has used of a place.

    Args:
        database: SyncFlow's own.
        owner: Whose run it was.
        share: Its share, if none of its runs was ever chosen; else what was known then counts.
        seconds: How long the place was taken.
        now: Database time.
    """
    given = {"owner": owner, "share": share, "seconds": seconds, "now": now}
    database.execute(sql.load("turns")["charge"], given)


def standing(database: Database, now: datetime, *, only_seen_lately: bool = False) -> Standing:
    """Return what owners have used, and who waits.

    Args:
        database: SyncFlow's own.
        now: Database time.
        only_seen_lately: Whether to leave out who has not been seen to wait for a while: nobody
            chooses at the moment, or that one would not be noted as waiting any more.
    """
    seen_after = now - _LATELY if only_seen_lately else None
    used = database.fetch_all(sql.load("turns")["used"], {"lately": now - _LATELY})
    waiting = [one.candidate for one, _ in _rivals(database, seen_after)]
    recent = {row["owner"] for row in used if row["is_recent"]}
    return Standing(
        {row["owner"]: row["used_s"] for row in used},
        waiting,
        frozenset({*recent, *(one.owner for one in waiting)}),
    )


def note_choice(
    database: Database, choice: Choice, shares: Mapping[str, int], now: datetime
) -> None:
    """Write down who waits, and charge the chosen for their start.

    Args:
        database: SyncFlow's own.
        choice: Who was chosen, and who was not.
        shares: The share of each owner.
        now: Database time.
    """
    queries = sql.load("turns")
    waiting = [(one.candidate, one.for_owner) for one in choice.waiting]
    owners = list(choice.tags)
    with database.transaction() as conn:
        conn.execute(
            queries["keep_waiting"],
            {
                "workflows": [one.workflow for one, _ in waiting],
                "owners": [one.owner for one, _ in waiting],
                "priorities": [one.priority for one, _ in waiting],
                "sinces": [one.since for one, _ in waiting],
                "for_owners": [for_owner for _, for_owner in waiting],
                "now": now,
            },
        )
        tags = {
            "owners": owners,
            "tags": [choice.tags[owner] for owner in owners],
            "shares": [shares[owner] for owner in owners],
            "now": now,
        }
        conn.execute(queries["keep_tags"], tags)
        for one in choice.chosen:
            given = {"owner": one.owner, "share": shares[one.owner], "seconds": START_S, "now": now}
            conn.execute(queries["charge"], given)


def must_leave(
    database: Database, workflow: Workflow, began_at: datetime, now: datetime
) -> str | None:
    """Return why a run must leave its place at this boundary between records; None: it may stay.

    It leaves when its turn is over and somebody waits whose turn would come before its own; before
    its turn is over nothing is asked of the database.

    Args:
        database: SyncFlow's own.
        workflow: The run's workflow.
        began_at: When the run began to work, in database time.
        now: Database time.
    """
    seconds = (now - began_at).total_seconds()
    if seconds < workflow.turns.turn_s:
        return None
    rivals = _rivals(database, now - _LATELY)
    if not rivals:
        return None
    row = database.fetch_one(sql.load("turns")["of_owner"], {"owner": workflow.owner})
    used, share = (row["used_s"], row["share"]) if row else (0.0, workflow.turns.share)
    mine = Candidate(
        workflow.workflow, workflow.owner, PRIORITIES[workflow.turns.priority], began_at
    )
    other = first_before(mine, used + seconds / share, rivals)
    if other is None:
        return None
    return f"its turn of {workflow.turns.turn_s} s is over and {other.workflow} waits"


def _rivals(database: Database, seen_after: datetime | None) -> list[tuple[Waiting, float]]:
    rows = database.fetch_all(sql.load("turns")["waiting"], {"seen_after": seen_after})
    return [
        (
            Waiting(
                Candidate(row["workflow"], row["owner"], row["priority"], row["since"]),
                row["for_owner"],
            ),
            row["used_s"],
        )
        for row in rows
    ]

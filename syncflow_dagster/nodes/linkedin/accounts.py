"""LinkedIn accounts: which of them have something to do, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.store.database import Database


@dataclass(frozen=True, slots=True)
class DueAccount:
    """What a node has to do with an account.

    Attributes:
        account: The account, as the ledger knows it.
        due: Whether a turn would find something to do now.
        next_at: When it would, at the latest; now where it is due.
    """

    workflow: str
    node: str
    account: str
    due: bool
    next_at: datetime


def due_accounts(database: Database, now: datetime) -> list[DueAccount]:
    """Return each node's accounts that have, or will have, something to do; longest waiting first.

    One query, whose cost grows with the accounts and not with the leads.
    """
    rows = database.fetch_all(sql.load("outreach")["due_accounts"], {"now": now})
    return [DueAccount(**row) for row in rows]

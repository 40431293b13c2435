"""What of outreach is due, for the sensor; reads only, imports no Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.accounts import due_accounts
from syncflow_dagster.nodes.linkedin.polls import due_polls
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database


@dataclass(frozen=True, slots=True)
class OutreachWork:
    """What there is to do now.

    Attributes:
        acting: Workflow, node and account of which a lead's step is due.
        asking: Accounts that are to be asked what is new.
        events: Sources whose events wait to be read.
    """

    acting: frozenset[tuple[str, str, str]]
    asking: frozenset[str]
    events: frozenset[str]


def outreach_work(database: Database, now: datetime) -> OutreachWork:
    """Return what there is to do; its cost grows with the accounts, not with the leads."""
    queries = sql.load("outreach_observe")
    due = due_accounts(database, now)
    asking = due_polls(database, now)
    events = database.fetch_all(queries["tenants_with_events"], {"now": now})
    return OutreachWork(
        frozenset((one.workflow, one.node, one.account) for one in due if one.due),
        frozenset(account for account, at in asking.items() if at <= now),
        frozenset(row["source"] for row in events),
    )


def false_completions(database: Database, workflow: str, node: str) -> list[DictRow]:
    """Return leads whose state and last step do not say the same."""
    given = {"workflow": workflow, "node": node}
    return database.fetch_all(sql.load("outreach_observe")["false_completions"], given)

"""The state of an account's session with LinkedIn, as webhooks and polls tell it.

Anything but OK means that reads are of another day and that no webhooks of messages come
(developer.unipile.com/docs/account-lifecycle). Two changes to the same state look the same, and
repeats come late, so that a webhook is believed only until the next poll, which is at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.accounts import AccountStore
from syncflow_dagster.nodes.linkedin.inbox_report import Word
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.nodes.linkedin.inbox_events import StatusSeen
    from syncflow_dagster.store.database import Database

OK = "OK"
#: Words of webhooks that say that the session is up.
_UP = frozenset({"OK", "RECONNECTED", "SYNC_SUCCESS", "CREATION_SUCCESS"})


def take_status(database: Database, tenant: str, seen: StatusSeen, at: datetime) -> Word:
    """Take over the state of an account; one that is back has its polls done at once.

    Args:
        database: Where accounts are.
        tenant: How the names of the tenant's accounts begin.
        seen: The state, and Unipile's id of the account.
        at: When it was told; what is older than the last news is left alone.
    """
    queries = sql.load("outreach_inbox")
    given = {"service_id": seen.account_id, "tenant": tenant}
    rows = database.fetch_all(queries["by_service"], given)
    status = OK if seen.status in _UP else seen.status
    accounts = AccountStore(database)
    word = Word.KNOWN if rows else Word.NOBODY
    for row in rows:
        is_old = row["status_at"] is not None and at < row["status_at"]
        if not is_old and accounts.note_status(row["account"], status, at):
            word = Word.STATUS
            database.execute(queries["came_back"], {"account": row["account"], "now": at})
    return word

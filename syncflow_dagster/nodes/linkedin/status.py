"""The state of an account's session with LinkedIn, as webhooks and polls tell it.

Anything but OK means that reads are of another day and that no webhooks of messages come
(developer.unipile.com/docs/account-lifecycle). Two changes to the same state look the same, and
repeats come late, so that a webhook is believed only until the next poll.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.inbox_report import Word
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.inbox_events import StatusSeen

    Connection = psycopg.Connection[DictRow]

OK = "OK"
#: How long an account goes on at half its volume after it was down.
REDUCED = timedelta(days=3)
#: Words of webhooks that say that the session is up.
_UP = frozenset({"OK", "RECONNECTED", "SYNC_SUCCESS", "CREATION_SUCCESS"})


def take_status(
    conn: Connection, tenant: str, seen: StatusSeen, at: datetime, check_at: datetime
) -> Word:
    """Take over the state of an account.

    Args:
        conn: The transaction.
        tenant: How the names of the tenant's accounts begin.
        seen: The state, and Unipile's id of the account.
        at: When it was told; what is older than the last change is left alone.
        check_at: When to ask for the state at the latest.
    """
    queries = sql.load("outreach_inbox")
    given = {
        "service_id": seen.account_id,
        "tenant": tenant,
        "status": OK if seen.status in _UP else seen.status,
        "at": at,
        "check_at": check_at,
        "reduced_until": at + REDUCED,
    }
    if conn.execute(queries["take_status"], given).fetchall():
        return Word.STATUS
    return Word.KNOWN if conn.execute(queries["known_service"], given).fetchone() else Word.NOBODY

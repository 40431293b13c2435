"""The inbox: events of Unipile, kept as they came before anything is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.nodes.linkedin.inbox_events import account_in, event_key
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]

#: After so many failures an event is left to a person.
TRIES = 5


def source_of(tenant: str) -> str:
    """Return the source of events of a tenant, which is the `account` of its connection."""
    return f"unipile:{tenant}"


class Inbox:
    """Events of one tenant.

    Args:
        database: Where they are.
        tenant: The `account` of the connection.
    """

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self.source = source_of(tenant)
        self._queries = sql.load("outreach_inbox")

    def keep(self, body: Mapping[str, Any], now: datetime) -> bool:
        """Keep an event; False if it is there already.

        Raises:
            NotAnEvent: The body is no event of Unipile.
        """
        given = {
            "source": self.source,
            "event_key": event_key(body, now),
            "account": account_in(body),
            "now": now,
            "body": Jsonb(body),
        }
        return self._database.fetch_one(self._queries["keep_event"], given) is not None

    def open(self, after: int, limit: int) -> list[int]:
        """Return numbers of events that are still to be read, in the order in which they came."""
        given = {"source": self.source, "after": after, "limit": limit}
        rows = self._database.fetch_all(self._queries["open_events"], given)
        return [row["inbox_id"] for row in rows]

    def take(self, conn: Connection, inbox_id: int) -> DictRow | None:
        """Lock an event that is still to be read; None if another process has it or had it."""
        given = {"inbox_id": inbox_id}
        return conn.execute(self._queries["take_event"], given).fetchone()

    def end(self, conn: Connection, inbox_id: int, outcome: str, now: datetime) -> None:
        """Say what became of an event."""
        given = {"inbox_id": inbox_id, "outcome": outcome, "now": now}
        conn.execute(self._queries["end_event"], given)

    def failed(self, inbox_id: int, outcome: str, now: datetime) -> None:
        """Count a failure; after the last try the event is left to a person."""
        given = {"inbox_id": inbox_id, "outcome": outcome, "now": now, "tries": TRIES}
        self._database.execute(self._queries["event_failed"], given)

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many events are still to be read, and when the oldest came."""
        row = self._database.fetch_one(self._queries["count_open"], {"source": self.source})
        assert row is not None
        return row["events"], row["oldest"]

    def empty_bodies(self, before: datetime) -> int:
        """Drop what events said that were read before a time; return of how many."""
        given = {"source": self.source, "before": before}
        return self._database.execute(self._queries["empty_bodies"], given)

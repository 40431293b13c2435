"""How much of an account's limits is used, counted from what was sent; and reads, counted too."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.limits import allowed, free_at, next_free_at, windows_of
from syncflow_dagster.core.outreach.tiers import (
    BUCKET_OF_KIND,
    NOTES_A_MONTH,
    NOTES_WINDOW,
    WINDOWS,
    Bucket,
)
from syncflow_dagster.nodes.linkedin.accounts import AccountStore
from syncflow_dagster.nodes.linkedin.sequence import limits_of
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.outreach.tiers import Window
    from syncflow_dagster.nodes.linkedin.accounts import Account
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import LinkedInAccount

    Connection = psycopg.Connection[DictRow]

#: Buckets in the order in which they are served: who is in a conversation comes first.
ACTION_BUCKETS: tuple[Bucket, ...] = ("message", "inmail", "invite", "profile", "withdraw")
#: A limit that allows nothing is looked at again after so long: the file may have changed.
_NEVER = timedelta(days=1)
#: Within it what was sent has reached the service, if it ever does.
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Room:
    """How much of one limit is used.

    Attributes:
        used: What may have reached the service within the window.
        allowed: What may.
        free_at: When one more may; `now` if it may at once.
    """

    bucket: Bucket
    window: Window
    used: int
    allowed: int
    free_at: datetime


class Caps:
    """Limits of one account, as one node sets them.

    Args:
        settings: The account in the workflow file.
    """

    def __init__(self, settings: LinkedInAccount) -> None:
        self._settings = settings
        self._limits = limits_of(settings)
        self._queries = sql.load("outreach_turn")

    def rooms(self, conn: Connection, account: Account, now: datetime) -> list[Room]:
        """Return how much of each limit is used."""
        spent = self._spent(conn, account.account, now)
        return [
            self._room(bucket, window, spent[bucket], account, now)
            for bucket in (*ACTION_BUCKETS, "read")
            for window in windows_of(bucket)
        ]

    def free_at(self, conn: Connection, account: Account, now: datetime) -> dict[Bucket, datetime]:
        """Return when one more may go, by bucket; `now` where it may at once."""
        free: dict[Bucket, datetime] = {}
        for room in self.rooms(conn, account, now):
            free[room.bucket] = max(free.get(room.bucket, now), room.free_at)
        return free

    def note_free_at(self, conn: Connection, account: Account, now: datetime) -> datetime:
        """Return when one more invitation may have a note; `now` if it may at once."""
        most = NOTES_A_MONTH[self._settings.tier]
        if most is None:
            return now
        given = {"account": account.account, "since": now - NOTES_WINDOW, "longest": _LONGEST}
        rows = conn.execute(self._queries["notes"], given).fetchall()
        free = next_free_at([row["at"] for row in rows], most, NOTES_WINDOW, now)
        return now + _NEVER if free is None else free

    def _spent(self, conn: Connection, account: str, now: datetime) -> dict[Bucket, list[datetime]]:
        since = now - max(WINDOWS.values())
        given = {"account": account, "since": since, "longest": _LONGEST}
        spent: dict[Bucket, list[datetime]] = defaultdict(list)
        for row in conn.execute(self._queries["spent"], given):
            # Of a read the row names the bucket itself.
            bucket: Bucket = BUCKET_OF_KIND.get(row["kind"]) or row["kind"]
            spent[bucket].append(row["at"])
        return spent

    def _room(
        self,
        bucket: Bucket,
        window: Window,
        spent: list[datetime],
        account: Account,
        now: datetime,
    ) -> Room:
        most = allowed(
            bucket,
            window,
            self._settings.tier,
            self._limits,
            account.live_since,
            account.reduced_until,
            now,
            ramp=self._settings.ramp,
        )
        used = sum(at + WINDOWS[window] > now for at in spent)
        free = free_at({window: spent}, {window: most}, now)
        return Room(bucket, window, used, most, now + _NEVER if free is None else free)


class Meter:
    """Writes down reads that cost an account something, before each is made.

    Args:
        database: Where.
        clock: Database time.
        account: The account, as the ledger knows it.
        settings: The account in the workflow file.
    """

    def __init__(
        self, database: Database, clock: Clock, account: str, settings: LinkedInAccount
    ) -> None:
        self._database = database
        self._clock = clock
        self._account = account
        self._accounts = AccountStore(database)
        self._caps = Caps(settings)
        self._queries = sql.load("outreach_turn")

    def before_read(self, bucket: Bucket, lead_id: int | None) -> float | None:
        """Write a read down, or return the seconds until it may be made."""
        now = self._clock.now()
        with self._database.transaction() as conn:
            account = self._accounts.lock(conn, self._account)
            if account is None:
                return None
            free = self._caps.free_at(conn, account, now)[bucket]
            if free > now:
                return (free - now).total_seconds()
            given = {"account": self._account, "bucket": bucket, "now": now, "lead_id": lead_id}
            conn.execute(self._queries["count_read"], given)
        return None

"""Making something of the events in the inbox.

Events come late, twice, in any order, and on another account than they concern. Each is taken in
in a transaction of its own, with what follows from it; one that cannot be taken in is tried again
later, while the others go on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

import psycopg

from syncflow_dagster.core.outreach.matching import Sighting
from syncflow_dagster.nodes.linkedin.detection import Detection
from syncflow_dagster.nodes.linkedin.inbox import Inbox
from syncflow_dagster.nodes.linkedin.inbox_events import (
    MessageSeen,
    NewRelation,
    NotAnEvent,
    NotNeeded,
    StatusSeen,
    read_event,
)
from syncflow_dagster.nodes.linkedin.inbox_report import InboxReport, Word
from syncflow_dagster.nodes.linkedin.messages_in import Messages
from syncflow_dagster.nodes.linkedin.status import take_status
from syncflow_dagster.store.database import is_transient, retry_transient
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.inbox_events import Event
    from syncflow_dagster.nodes.linkedin.run import OutreachRun

    Connection = psycopg.Connection[DictRow]

_BATCH = 100


def process_inbox(run: OutreachRun, limit: int = 500) -> InboxReport:
    """Take in events of the node's tenant, in the order in which they came.

    Several processes may do so at once; each event is taken in by one of them.

    Args:
        run: The node's run; leads of other nodes and workflows are found, too.
        limit: Events read at most.
    """
    reader = _Reader(run)
    report = InboxReport()
    after = 0
    while report.read < limit:
        ids = reader.inbox.open(after, min(_BATCH, limit - report.read))
        if not ids:
            break
        for inbox_id in ids:
            reader.take(inbox_id, report)
        after = ids[-1]
    keep = timedelta(days=run.node.keep_texts_days)
    reader.inbox.empty_bodies(reader.now() - keep)
    report.open, report.oldest = reader.inbox.waiting()
    return report


class _Reader:
    def __init__(self, run: OutreachRun) -> None:
        self._run = run
        self.inbox = Inbox(run.database, run.connection.account)
        self._detection = Detection(run)
        self._messages = Messages(run, self._detection)
        self._detection.name_accounts()

    def now(self) -> datetime:
        """Return database time."""
        return self._run.clock.now()

    def take(self, inbox_id: int, report: InboxReport) -> None:
        """Take in one event, and count what became of it."""
        report.read += 1
        try:
            word = retry_transient(lambda: self._take(inbox_id), self._run.clock)
        except (ValueError, psycopg.DatabaseError) as error:
            if is_transient(error):
                raise
            report.failed += 1
            self.inbox.failed(inbox_id, _told(error), self.now())
            return
        report.outcomes[str(word or Word.KNOWN)] += 1

    def _take(self, inbox_id: int) -> Word | None:
        """Take in an event; None if another process has done so."""
        with self._run.database.transaction() as conn:
            row = self.inbox.take(conn, inbox_id)
        if row is None:
            return None
        # An erasure has emptied it.
        event = read_event(row["body"]) if row["body"] else NotNeeded("erased")
        word = None
        if isinstance(event, StatusSeen):
            tenant = self._detection.tenant
            word = take_status(self._run.database, tenant, event, row["received_at"])
        with self._run.database.transaction() as conn:
            if self.inbox.take(conn, inbox_id) is None:
                return None
            now = self.now()
            word = word or self._follow(conn, event, row["received_at"], now)
            self.inbox.end(conn, inbox_id, word, now)
            crash_point("inbox.event_written")
        crash_point("inbox.event_committed")
        return word

    def _follow(self, conn: Connection, event: Event, told_at: datetime, now: datetime) -> Word:
        match event:
            case NewRelation():
                seen = Sighting(event.account_id, event.provider_id, slug=event.address)
                return self._detection.related(conn, seen, told_at, now, "webhook")
            case MessageSeen():
                return self._messages.take(conn, event, told_at, now)
            case StatusSeen() | NotNeeded():
                return Word.NOT_NEEDED
            case _:
                assert_never(event)


def _told(error: Exception) -> str:
    """Return an error without what it quotes of the event."""
    if isinstance(error, NotAnEvent):
        return str(error)
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return f"{type(error).__name__}: {said or 'see the event'}"

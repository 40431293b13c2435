"""What the polls of an account share."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.linkedin.api import ReadFailed
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.api import LinkedIn
    from syncflow_dagster.nodes.linkedin.detection import Detection
    from syncflow_dagster.nodes.linkedin.inbox_report import PollReport, Word
    from syncflow_dagster.nodes.linkedin.messages_in import Messages
    from syncflow_dagster.nodes.linkedin.polls_pages import Listing, TimeLeft
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.nodes.linkedin.signals import SignalSink

    Connection = psycopg.Connection[DictRow]


@dataclass(frozen=True, slots=True)
class Polling:
    """One poll of one account.

    Attributes:
        run: The node's run.
        account: The account, as the ledger knows it.
        service_id: Unipile's id of it.
        api: Asks Unipile; it only reads.
        sink: Told what requests say of the account.
        detection: Moves leads.
        messages: Takes in messages.
        time: Time that is left.
        report: What was found so far.
    """

    run: OutreachRun
    account: str
    service_id: str
    api: LinkedIn
    sink: SignalSink
    detection: Detection
    messages: Messages
    time: TimeLeft
    report: PollReport

    def now(self) -> datetime:
        """Return database time."""
        return self.run.clock.now()

    def do(self, work: Callable[[Connection], Word]) -> Word:
        """Do something in a transaction of its own, and count what came of it."""

        def once() -> Word:
            with self.run.database.transaction() as conn:
                return work(conn)

        word = retry_transient(once, self.run.clock)
        self.report.outcomes[str(word)] += 1
        return word

    def rows(self, name: str, **given: Any) -> list[DictRow]:
        """Run a statement about the account in a transaction of its own."""
        statement = sql.load("outreach_inbox")[name]
        values = {"account": self.account, **given}
        database = self.run.database
        return retry_transient(lambda: database.fetch_all(statement, values), self.run.clock)

    def write(self, name: str, **given: Any) -> None:
        """Run a statement about the account that returns nothing."""
        statement = sql.load("outreach_inbox")[name]
        values = {"account": self.account, **given}
        database = self.run.database
        retry_transient(lambda: database.execute(statement, values), self.run.clock)

    @contextmanager
    def part(self, name: str, listing: Listing[Any] | None = None) -> Iterator[None]:
        """Do one of the polls; what Unipile refuses ends this one alone, and is told."""
        try:
            yield
        except ReadFailed as error:
            self.report.stopped[name] = error.reason
            if error.signal is not None:
                self.sink.heard(self.account, error.signal, self.now())
        if listing is not None:
            self.report.pages[name] += listing.pages
            if listing.stopped:
                self.report.stopped.setdefault(name, listing.stopped)

"""Asking Unipile about an account: its state, its messages, its connections.

Each poll has its own time. Connections are asked for a few times a day, at random times, and only
while somebody waits for one: asking more often is what Unipile warns of.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outreach.limits import REDUCED_FOR
from syncflow_dagster.nodes.linkedin.detection import Detection
from syncflow_dagster.nodes.linkedin.detection_gone import poll_sent
from syncflow_dagster.nodes.linkedin.inbox_events import StatusSeen
from syncflow_dagster.nodes.linkedin.inbox_report import PollReport
from syncflow_dagster.nodes.linkedin.messages_in import Messages
from syncflow_dagster.nodes.linkedin.messages_in_poll import poll_messages
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.polls_context import Polling
from syncflow_dagster.nodes.linkedin.polls_pages import TimeLeft
from syncflow_dagster.nodes.linkedin.relations import poll_relations
from syncflow_dagster.nodes.linkedin.status import OK, take_status
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.store.database import Database

#: Time between two questions for an account's state: while it is OK, and while it is not.
_STATUS_EVERY, _STATUS_WHILE_DOWN = timedelta(hours=1), timedelta(minutes=2)
_MESSAGES_EVERY = timedelta(minutes=30)
#: How long messages of a time without session may take to show up.
_CAUGHT_UP = timedelta(hours=6)
#: When a poll is tried again that came to nothing.
_AGAIN = timedelta(hours=1)
_DAY_S = 86_400.0


def poll(run: OutreachRun, account: str, *, longest_s: float = 60.0) -> PollReport:
    """Do the polls of an account that are due, each as far as Unipile lets it.

    What goes wrong with one of them is told in the report; the others go on, and so do other
    accounts.

    Args:
        run: The node's run.
        account: The account, by its name in the node or in the ledger.
        longest_s: Seconds after which no further request is begun.
    """
    detection = Detection(run)
    detection.name_accounts()
    settings = run.account(account)
    account = ledger_account(run.connection, settings)
    api, sink = run.asking(account)
    polling = Polling(
        run,
        account,
        settings.id,
        api,
        sink,
        detection,
        Messages(run, detection),
        TimeLeft(longest_s),
        PollReport(account),
    )
    times = polling.rows("poll_times")[0]
    polling.report.status = times["status"]
    now = polling.now()
    if _is_due(times["status_check_at"], now):
        _poll_status(polling)
        times = polling.rows("poll_times")[0]
    if polling.report.status == OK:
        if times["live_since"] is not None and _is_due(times["messages_at"], now):
            _poll_messages(polling, times)
        if times["waits"] and _is_due(times["relations_at"], now):
            _poll_relations(polling, full=times["relations_full"] is None)
        if times["waits"] and _is_due(times["sent_at"], now):
            poll_sent(polling)
            polling.write("next_polls", **_next(sent_at=_some_time(polling, "sent")))
    polling.report.next_at = due_polls(run.database, polling.now()).get(account)
    return polling.report


def due_polls(database: Database, now: datetime) -> dict[str, datetime]:
    """Return when each account is to be polled next, the first one first; now or before: it is due.

    One query, whose cost grows with the accounts and not with the leads.
    """
    rows = database.fetch_all(sql.load("outreach_inbox")["poll_plan"], {"now": now})
    return {row["account"]: row["next_at"] for row in rows}


def _poll_status(polling: Polling) -> None:
    with polling.part("status"):
        polling.report.status = polling.api.account().status
        seen = StatusSeen(polling.service_id, polling.report.status)
        word = take_status(polling.run.database, polling.detection.tenant, seen, polling.now())
        polling.report.outcomes[str(word)] += 1
    every = _STATUS_EVERY if polling.report.status == OK else _STATUS_WHILE_DOWN
    polling.write("next_polls", **_next(status_check_at=polling.now() + every))


def _poll_messages(polling: Polling, times: DictRow) -> None:
    read_to = poll_messages(polling, times["messages_to"] or times["live_since"])
    now = polling.now()
    if times["reduced_until"] is not None:
        back_at = times["reduced_until"] - REDUCED_FOR
        # What came while the account was out shows up behind its own time, by and by.
        read_to = read_to if now - back_at >= _CAUGHT_UP else None
    at = now + _MESSAGES_EVERY
    polling.write("next_polls", **_next(messages_at=at, messages_to=read_to))


def _poll_relations(polling: Polling, *, full: bool) -> None:
    is_through = poll_relations(polling, full=full)
    full_at = polling.now() if full and is_through else None
    at = _some_time(polling, "relations")
    polling.write("next_polls", **_next(relations_at=at, relations_full=full_at))


def _some_time(polling: Polling, name: str) -> datetime:
    """Return when a poll of LinkedIn's lists is due next: by chance, so often a day in the mean."""
    mean = timedelta(seconds=_DAY_S / polling.run.node.polls_per_day)
    if name in polling.report.stopped:
        mean = min(_AGAIN, mean)
    return polling.now() + mean * polling.run.options.chance.uniform(0.5, 1.5)


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is None or at <= now


def _next(**given: Any) -> dict[str, Any]:
    names = ("relations_at", "relations_full", "sent_at", "messages_at", "messages_to")
    return {**dict.fromkeys((*names, "status_check_at")), **given}

"""Making something of the events in the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.inbox import Inbox
from syncflow_dagster.nodes.linkedin.inbox_report import InboxReport

if TYPE_CHECKING:
    from syncflow_dagster.nodes.linkedin.run import OutreachRun


def process_inbox(run: OutreachRun, limit: int = 500) -> InboxReport:
    """Read events of the node's tenant, in the order in which they came.

    Args:
        run: The node's run; leads of other nodes are found, too.
        limit: Events read at most.
    """
    inbox = Inbox(run.database, run.connection.account)
    report = InboxReport()
    report.open, report.oldest = inbox.waiting()
    report.read = len(inbox.open(0, limit)) - report.open if report.open > limit else 0
    return report

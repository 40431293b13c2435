"""Asking Unipile about an account: its state, its messages, its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.inbox_report import PollReport

if TYPE_CHECKING:
    from syncflow_dagster.nodes.linkedin.run import OutreachRun


def poll(run: OutreachRun, account: str, *, longest_s: float = 60.0) -> PollReport:
    """Do the polls of an account that are due.

    Args:
        run: The node's run.
        account: The account, as the ledger knows it.
        longest_s: Seconds after which no further request is begun.
    """
    del run, longest_s
    return PollReport(account)

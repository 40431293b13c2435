"""Work with one account."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.nodes.linkedin.report import TurnReport
    from syncflow_dagster.nodes.linkedin.run import OutreachRun


def turn(run: OutreachRun, account: str, *, longest_s: float) -> TurnReport:
    """Work with one account."""
    raise NotImplementedError

"""Return the numbers of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.nodes.linkedin.report import Statistics
    from syncflow_dagster.nodes.linkedin.run import OutreachRun


def statistics(run: OutreachRun) -> Statistics:
    """Return the numbers of a node."""
    raise NotImplementedError

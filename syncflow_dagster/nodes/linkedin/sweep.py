"""Look for what does not go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.nodes.linkedin.report import SweepReport
    from syncflow_dagster.nodes.linkedin.run import OutreachRun


def sweep(run: OutreachRun) -> SweepReport:
    """Look for what does not go on."""
    raise NotImplementedError

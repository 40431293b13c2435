"""Take up what has changed in the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.nodes.linkedin.report import EnrolReport
    from syncflow_dagster.nodes.linkedin.run import OutreachRun


def enrol(run: OutreachRun) -> EnrolReport:
    """Take up what has changed in the source."""
    raise NotImplementedError

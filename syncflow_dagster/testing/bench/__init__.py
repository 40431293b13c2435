"""Benchmarks: what we take, what cannot be had for less, and what others take, in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROWS = {
    "delta": 100_000,
    "monday": 1_000,
    "salesforce": 100_000,
    "linkedin": 1_000_000,
    "idle": 50,
}


def measure(
    what: str, rows: int | None, *, ratios_only: bool
) -> tuple[dict[str, Any], Iterable[str]]:
    """Run a benchmark.

    Args:
        what: `delta`, `monday`, `salesforce`, `linkedin` or `idle`.
        rows: Its size; None: the usual one.
        ratios_only: Whether the text leaves out what means nothing on another machine.

    Returns:
        The answer for programs, and the lines for people.
    """
    # What one needs is not loaded for the others.
    if what == "monday":
        from syncflow_dagster.testing.bench.monday import report as monday_report
        from syncflow_dagster.testing.bench.monday import run

        result = run(rows or _ROWS[what])
        return result, monday_report.lines(result, ratios_only=ratios_only)
    if what == "salesforce":
        from syncflow_dagster.testing.bench.salesforce import report as salesforce_report
        from syncflow_dagster.testing.bench.salesforce import run as salesforce

        result = salesforce.run(rows or _ROWS[what])
        return result, salesforce_report.lines(result, ratios_only=ratios_only)
    if what == "linkedin":
        from syncflow_dagster.testing.bench import linkedin
        from syncflow_dagster.testing.bench.linkedin import report as linkedin_report

        result = linkedin.run(rows or _ROWS[what])
        return result, linkedin_report.lines(result, ratios_only=ratios_only)
    if what == "idle":
        from syncflow_dagster.testing.bench import idle
        from syncflow_dagster.testing.bench.idle import report as idle_report

        result = idle.run(rows or _ROWS[what])
        return result, idle_report.lines(result, ratios_only=ratios_only)
    from syncflow_dagster.testing.bench import delta, report

    result = delta.run(rows or _ROWS[what])
    return result, report.lines(result, ratios_only=ratios_only)

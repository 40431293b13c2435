"""The Salesforce benchmark's answer for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def lines(result: Mapping[str, Any], *, ratios_only: bool) -> Iterator[str]:
    """Yield the answer as text.

    Args:
        result: What :func:`syncflow_dagster.testing.bench.salesforce.run.run` returned.
        ratios_only: Leave out what means nothing on another machine.
    """
    yield f"read of {result['rows']:,} records, {result['latency_s']} s a request"
    yield _line("time of the pages / floor", result["floor_ratio"])
    yield _line("time from job to end / floor", result["whole_ratio"])
    yield _line("time of the pages / floor, no latency", result["floor_ratio_no_latency"])
    yield f"  per row (REST on {result['rest_rows']:,} of them), / our time by Bulk API 2.0"
    for name, ratio in result["peers"].items():
        yield _line(name, ratio)
    yield _line("our REST", result["rest_ratio"])
    if result["peak_mb_4x"] is not None:
        ratio = round(result["peak_mb_4x"] / result["peak_mb"], 2)
        yield _line("memory at 4 times the rows / memory", ratio)
    if ratios_only:
        return
    yield _line("rows/s", result["rows_per_s"])
    yield _line("memory, MB", result["peak_mb"])
    yield _line("memory at 4 times the rows, MB", result["peak_mb_4x"])


def _line(what: str, value: object) -> str:
    shown = f"{value:>12,}" if isinstance(value, (int, float)) else f"{value or '-':>12}"
    return f"  {what:<42}{shown}"

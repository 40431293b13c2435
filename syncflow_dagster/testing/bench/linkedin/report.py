"""The answer of the benchmark of outreach for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHOWN = {
    "accounts": "accounts that have something to do",
    "to look at": "leads to be looked at",
    "queues": "the first of each queue",
    "dates": "when the next one is due",
}


def lines(result: Mapping[str, Any], *, ratios_only: bool) -> Iterator[str]:
    """Yield the answer as text.

    Args:
        result: What :func:`syncflow_dagster.testing.bench.linkedin.run` returned.
        ratios_only: Leave out what means nothing on another machine.
    """
    few, many = f"{result['rows_small']:,}", f"{result['rows']:,}"
    yield f"finding what is due among {many} leads, {result['due']:,} of which are"
    yield _line(f"time / that among {few} leads", result["ratio"])
    if ratios_only:
        return
    yield _line("ms, all questions together", result["due_ms"])
    for name, what in _SHOWN.items():
        yield _line(f"ms, {what}", result["parts_ms"][name])
    yield _line(f"ms among {few} leads", result["due_ms_small"])


def _line(what: str, value: object) -> str:
    return f"  {what:<46}{value:>12}"

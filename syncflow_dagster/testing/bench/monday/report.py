"""The monday benchmark's answer for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHOWN = {
    "budget_share": "share of the allowed points used",
    "throttled": "requests refused for a limit",
    "requests_per_1000": "requests for 1,000 mutations",
    "over_limit": "points above the limit of a window",
}


def lines(result: Mapping[str, Any], *, ratios_only: bool) -> Iterator[str]:
    """Yield the answer as text.

    Args:
        result: What :func:`syncflow_dagster.testing.bench.monday.run` returned.
        ratios_only: Leave out what means nothing on another machine.
    """
    yield f"push of {result['rows']:,} orders with three lines each"
    yield from _part("one process", result, result["floor_ratio"])
    two = result["two_processes"]
    yield from _part("two processes at once", two, two["floor_ratio"])
    peer = result["one_by_one"]
    if isinstance(peer, str):
        yield f" one create per request: {peer}"
    else:
        yield from _part("one create per request (monday)", peer, None)
        yield _line("its time for a record / our time", result["peers"]["monday"])
    if not ratios_only:
        yield _line("memory, MB", result["peak_mb"])


def _part(title: str, figures: Mapping[str, Any], floor_ratio: float | None) -> Iterator[str]:
    yield f" {title}"
    if floor_ratio is not None:
        yield _line("time / the least that the limit allows", floor_ratio)
    for name, what in _SHOWN.items():
        yield _line(what, figures[name])


def _line(what: str, value: object) -> str:
    return f"  {what:<40}{value if value is not None else '-':>12}"

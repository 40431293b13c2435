"""The answer of the benchmark of idling for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def lines(result: Mapping[str, Any], *, ratios_only: bool) -> Iterator[str]:
    """Yield the answer as text.

    Args:
        result: What :func:`syncflow_dagster.testing.bench.idle.run` returned.
        ratios_only: Leave out what means nothing on another machine.
    """
    yield f"{result['rows']} workflows with nothing to do, beside none, for {result['seconds']} s"
    yield _line("share of a core above none", f"{result['core_share_added']:.1%}")
    yield _line("row to run, median, s", result["latency_ms_median"] / 1_000)
    yield _line("row to run, worst, s", result["latency_ms_worst"] / 1_000)
    if ratios_only:
        return
    yield _line("share of a core", f"{result['core_share']:.1%}")
    yield _line("share of a core, without workflows", f"{result['core_share_empty']:.1%}")
    for kind, part in result["parts"].items():
        with_, without = part["core_share"], part["core_share_empty"]
        yield _line(f"  {kind.replace('_', ' ')}", f"{with_:.1%} ({without:.1%})")


def _line(what: str, value: object) -> str:
    return f"  {what:<40}{value:>16}"

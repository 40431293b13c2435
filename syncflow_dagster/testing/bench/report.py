"""A run's answer: what was measured, as ratios and as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from syncflow_dagster.testing.bench import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass
class Measured:
    """What a run measured.

    Attributes:
        rows: Rows of the source.
        seconds: By what was measured: the seconds of each turn.
        builds: What the builds over stored state told of themselves.
        first_loads: What the first loads told of themselves.
        larger: What the build of four times as many rows told, if it was measured.
        peers: By peer: its seconds, or why there are none.
    """

    rows: int
    seconds: dict[str, list[float]] = field(default_factory=dict)
    builds: list[dict[str, Any]] = field(default_factory=list)
    first_loads: list[dict[str, Any]] = field(default_factory=list)
    larger: dict[str, Any] | None = None
    peers: dict[str, float | str] = field(default_factory=dict)

    def ratio(self, ours: str, other: str) -> float:
        """Return the middle turn of one over the middle turn of another."""
        return round(median(self.seconds[ours]) / median(self.seconds[other]), 2)


def as_json(measured: Measured) -> dict[str, Any]:
    """Return what `syncflow bench delta --json` prints; docs/reference/benchmark.md explains it."""
    seconds = median(measured.seconds["build"])
    middle = min(measured.builds, key=lambda each: abs(float(each["seconds"]) - seconds))
    larger = measured.larger
    return {
        "name": "delta",
        "rows": measured.rows,
        "seconds": round(seconds, 3),
        "rows_per_s": round(measured.rows / seconds),
        "peak_mb": max(each["peak_mb"] for each in measured.builds),
        "peak_mb_4x": None if larger is None else larger["peak_mb"],
        "first_load_peak_mb": max(each["peak_mb"] for each in measured.first_loads),
        "floor_ratio": measured.ratio("build", "floor"),
        "first_load_ratio": measured.ratio("first_load", "copy_rows"),
        "first_load_written_ratio": measured.ratio("first_load", "copy_written"),
        "peers": {
            name: peer if isinstance(peer, str) else round(peer / seconds, 2)
            for name, peer in measured.peers.items()
        },
        "reading": {
            kind: measured.ratio(f"ours {kind}", f"plain {kind}") for kind in reading.KINDS
        },
        "stages": [_rated(stage) for stage in middle["stages"]],
        "counts": middle["counts"],
        "turns_s": {name: [round(each, 3) for each in s] for name, s in measured.seconds.items()},
        "peers_s": {name: _rounded(peer) for name, peer in measured.peers.items()},
    }


def lines(result: Mapping[str, Any], *, ratios_only: bool) -> Iterator[str]:
    """Yield the answer as text for people.

    Args:
        result: What :func:`as_json` returned.
        ratios_only: Leave out what means nothing on another machine.
    """
    yield f"delta of {result['rows']:,} rows"
    yield _line("our time / floor", result["floor_ratio"])
    for name, ratio in result["peers"].items():
        yield _line(f"{name} / our time", ratio)
    yield _line("first load / COPY of the rows", result["first_load_ratio"])
    yield _line("first load / COPY of what it writes", result["first_load_written_ratio"])
    for kind, ratio in result["reading"].items():
        yield _line(f"reading {kind} / plain read", ratio)
    if result["peak_mb_4x"] is not None:
        ratio = round(result["peak_mb_4x"] / result["peak_mb"], 2)
        yield _line("memory at 4 times the rows / memory", ratio)
    if ratios_only:
        return
    yield _line("rows/s", result["rows_per_s"])
    for stage in result["stages"]:
        yield _line(f"rows/s of {stage['name']}", stage["rows_per_s"])
    yield _line("memory, MB", result["peak_mb"])
    yield _line("memory at 4 times the rows, MB", result["peak_mb_4x"])
    yield _line("memory of the first load, MB", result["first_load_peak_mb"])


def _line(what: str, value: object) -> str:
    shown = f"{value:>12,}" if isinstance(value, (int, float)) else f"{value or '-':>12}"
    return f"  {what:<38}{shown}"


def _rounded(peer: float | str) -> float | str:
    return peer if isinstance(peer, str) else round(peer, 3)


def _rated(stage: dict[str, Any]) -> dict[str, Any]:
    rate = round(stage["rows"] / stage["seconds"]) if stage["seconds"] else None
    return {**stage, "rows_per_s": rate}

"""`syncflow bench salesforce`: reading an org's records by Bulk API 2.0 into Arrow.

The org is a sandbox in a process of its own, its pages are made before anything is measured, and
each request takes as long as one to Salesforce may take. We and the floor take turns, each in a
fresh process, and the middle one of the turns counts.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from syncflow_dagster.testing.bench.salesforce import child
from syncflow_dagster.testing.bench.salesforce.org import Org, query, running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Seconds that each request takes: an assumption, about what 2 MB, a packed page, take at
#: 32 Mbit/s. Salesforce promises nothing.
LATENCY_S = 0.5
#: Above so many rows, what reads by REST reads a sample.
_MOST_BY_REST, _SAMPLE = 200_000, 100_000
#: The largest number of rows of which four times as many are read too.
_MOST_FOR_4X = 1_000_000
#: Tasks that are others' ways, by their names in the answer.
_PEERS = {
    "simple_salesforce_bulk2": "bulk2",
    "simple_salesforce_bulk2_records": "bulk2_records",
    "simple_salesforce_query_all": "query_all",
}


class WrongRowsError(RuntimeError):
    """Somebody read another number of rows than there are, so times say nothing."""


def run(
    rows: int,
    *,
    turns: int = 5,
    latency_s: float = LATENCY_S,
    org: Org | None = None,
    measure: Callable[[str, Org, str], dict[str, Any]] = child.measure,
) -> dict[str, Any]:
    """Measure a read of `rows` records.

    Args:
        rows: How many records are read.
        turns: Turns of us and of the floor.
        latency_s: Seconds that each request takes.
        org: An org with four times as many records; None: one of its own.
        measure: Runs a task of :mod:`syncflow_dagster.testing.bench.salesforce.child`.

    Returns:
        See docs/reference/benchmark.md.

    Raises:
        WrongRowsError: We or a peer read another number of rows than there are.
        subprocess.CalledProcessError: A measurement failed; its own words are on stderr.
    """
    most = 4 * rows if rows <= _MOST_FOR_4X else rows
    with ExitStack() as stack:
        if org is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="syncflow-bench-"))
            org = stack.enter_context(running(most, Path(folder)))
        bench = _Bench(org, rows, measure)
        ours = bench.turns(turns, latency_s)
        sample = rows if rows <= _MOST_BY_REST else _SAMPLE
        bench.turn("rest", sample)
        for task in _PEERS.values():
            bench.turn(task, sample if task == "query_all" else rows)
        peak_mb_4x = bench.peak_mb(most) if most > rows else None
    return bench.as_json(
        latency_s=latency_s,
        peak_mb=max(each["peak_mb"] for each in ours),
        peak_mb_4x=peak_mb_4x,
        rest_rows=sample,
    )


@dataclass
class _Bench:
    """One run: its org, and the seconds measured so far, by what was measured.

    Attributes:
        seconds: From the first request to the end.
        pages_s: Of the job's pages alone.
    """

    org: Org
    rows: int
    measure: Callable[[str, Org, str], dict[str, Any]]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    pages_s: dict[str, list[float]] = field(default_factory=dict)

    def turns(self, number: int, latency_s: float) -> list[dict[str, Any]]:
        """Let us and the floor take turns, without latency and with it; return what we told."""
        # The sandbox makes the pages when somebody first asks for them.
        self.turn("floor", self.rows, "first")
        for _ in range(number):
            self.turn("floor", self.rows, "floor_no_latency")
            self.turn("bulk", self.rows, "bulk_no_latency")
        self.org.take(latency_s)
        told = []
        for _ in range(number):
            self.turn("floor", self.rows)
            told.append(self.turn("bulk", self.rows))
        return told

    def turn(self, task: str, rows: int, name: str = "") -> dict[str, Any]:
        """Measure a task; return what it told."""
        result = self.measure(task, self.org, query(rows))
        if result["rows"] != rows:
            msg = f"{task} read {result['rows']} rows of {rows}: its time says nothing"
            raise WrongRowsError(msg)
        self.seconds.setdefault(name or task, []).append(result["seconds"])
        if "pages_s" in result:
            self.pages_s.setdefault(name or task, []).append(result["pages_s"])
        return result

    def peak_mb(self, rows: int) -> int:
        """Read so many records, without latency; return the memory it took."""
        self.org.take(0)
        self.turn("floor", rows, "first_4x")
        peak: int = self.turn("bulk", rows, "bulk_4x")["peak_mb"]
        return peak

    def as_json(self, *, latency_s: float, rest_rows: int, **figures: Any) -> dict[str, Any]:
        """Return the answer."""
        seconds = {name: median(each) for name, each in self.seconds.items()}
        ours = seconds["bulk"] / self.rows
        per_row = {
            task: seconds[task] / (rest_rows if task in ("rest", "query_all") else self.rows)
            for task in ("rest", *_PEERS.values())
        }
        return {
            "name": "salesforce",
            "rows": self.rows,
            "seconds": round(seconds["bulk"], 3),
            "rows_per_s": round(self.rows / seconds["bulk"]),
            **figures,
            "latency_s": latency_s,
            "floor_ratio": _ratio(self.pages_s, "bulk", "floor"),
            "whole_ratio": _ratio(self.seconds, "bulk", "floor"),
            "floor_ratio_no_latency": _ratio(self.pages_s, "bulk_no_latency", "floor_no_latency"),
            "rest_rows": rest_rows,
            "rest_ratio": round(per_row["rest"] / ours, 2),
            "peers": {name: round(per_row[task] / ours, 2) for name, task in _PEERS.items()},
            "turns_s": _rounded(self.seconds),
            "pages_s": _rounded(self.pages_s),
        }


def _ratio(seconds: dict[str, list[float]], ours: str, other: str) -> float:
    return round(median(seconds[ours]) / median(seconds[other]), 3)


def _rounded(turns: dict[str, list[float]]) -> dict[str, Sequence[float]]:
    return {name: [round(one, 3) for one in each] for name, each in turns.items()}

"""Measurements in processes of their own: memory once used is not always given back.

What is imported, and threads that are started once, are not part of a measurement.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.nodes.delta.build import build_delta
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.bench import data, floor, reading
from syncflow_dagster.testing.bench.memory import peak_of

if TYPE_CHECKING:
    from collections.abc import Callable


def build(url: str, rows: str) -> dict[str, Any]:
    """Build the delta of a file's rows.

    Returns:
        `seconds`, `peak_mb` (anonymous memory of this process), `stages` and `counts`.
    """
    with Database(url) as database, peak_of([os.getpid()]) as peak:
        clock = DatabaseClock(database)
        started = time.perf_counter()
        result = build_delta(
            database, "bench", data.node(), data.ArrowRows(Path(rows)), parent=None, clock=clock
        )
        seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "peak_mb": round(peak[0] / 2**20),
        "stages": [asdict(stage) for stage in result.stages],
        "counts": result.counts,
    }


def floor_(url: str, rows: str, written: str) -> dict[str, Any]:
    """Measure the floor: :func:`syncflow_dagster.testing.bench.floor.floor`."""
    return {"seconds": floor.floor(url, data.node(), Path(rows), Path(written))}


def copy_rows(url: str, rows: str) -> dict[str, Any]:
    """Measure a plain COPY: :func:`syncflow_dagster.testing.bench.floor.copy_rows`."""
    return {"seconds": floor.copy_rows(url, Path(rows))}


def copy_written(url: str, files: dict[str, str]) -> dict[str, Any]:
    """Measure a COPY of rows written: :func:`syncflow_dagster.testing.bench.floor.copy_written`."""
    paths = {name: Path(file) for name, file in files.items()}
    return {"seconds": floor.copy_written(url, data.node(), paths)}


_TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    each.__name__.rstrip("_"): each
    for each in (build, floor_, copy_rows, copy_written, reading.ours, reading.plain)
}


def perform(task: str, **arguments: Any) -> dict[str, Any]:
    """Run a task in this process; see :func:`measure`."""
    return _TASKS[task](**json.loads(json.dumps(arguments, default=str)))


def measure(task: str, **arguments: Any) -> dict[str, Any]:
    """Run a task in a fresh process.

    Args:
        task: Name of a function here.
        arguments: Its arguments; what JSON has no word for goes as text.

    Returns:
        What it returned.

    Raises:
        subprocess.CalledProcessError: The process failed; its own words are on stderr.
    """
    command = [sys.executable, "-m", __name__, task, json.dumps(arguments, default=str)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _main() -> None:
    frame = pl.DataFrame({"text": ["warm"]})
    hashing.key_hashes(frame)
    hashing.data_hashes(frame)
    result = perform(sys.argv[1], **json.loads(sys.argv[2]))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    _main()

"""Benchmark of the delta build: generated rows against stored state, beside a floor.

The rows have 20 columns of mixed types. The first load stores them; the measured run reads them
again with 1 % inserted, 2 % updated, 1 % deleted and 5 % changed in looks only. Reading a source
is not part of it: the rows come from an Arrow file.

The floor is what no implementation can leave out, measured in the same run on the same machine:
hashing the same rows with no normalisation, reading the stored hashes, and a raw binary COPY of
as many rows as changed into a table without constraints. It leaves out normalisation, staging,
the join and the snapshot's update, so a ratio of 1 cannot be reached.

The peer `pandas_apply` is the usual hand-made way (a Python function per value and per row, JSON
and SHA-256), run on a sample and scaled; it stores nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import psutil
import pyarrow as pa
from psycopg import sql

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.nodes.delta import tables
from syncflow_dagster.nodes.delta.build import build_delta
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.embedded import EmbeddedPostgres
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.workflows.models.delta import DeltaNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.nodes.delta.report import DeltaResult

_BATCH = 100_000
_SAMPLE = 5_000
_SAMPLING_S = 0.02
_KINDS = ["text"] * 8 + ["decimal"] * 5 + ["integer"] * 3 + ["datetime"] * 2 + ["date", "boolean"]


def node() -> DeltaNode:
    """Return the benchmark's delta node: `c0` is the key, `c1` to `c19` follow by type."""
    fields = [
        {"name": f"c{number}", "type": kind, "scale": 4} for number, kind in enumerate(_KINDS)
    ]
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": "bench",
            "description": "Benchmark",
            "source": "generated",
            "entity": "row",
            "table": "bench_delta",
            "key": ["c0"],
            "fields": fields,
        }
    )


def generate(rows: int, *, changed: bool) -> Iterator[pa.RecordBatch]:
    """Yield the benchmark's rows, the same ones each time.

    Args:
        rows: How many.
        changed: Whether 1 % are replaced by new keys, 2 % differ in a value and 5 % in looks.
    """
    for start in range(0, rows, _BATCH):
        number = np.arange(start, min(start + _BATCH, rows))
        frame = pl.DataFrame({"n": number}).with_columns(
            fate=pl.col("n") * 7919 % 100 if changed else pl.lit(99)
        )
        columns = [_column(place, kind) for place, kind in enumerate(_KINDS)]
        yield from frame.select(columns).to_arrow().to_batches()


def _column(place: int, kind: str) -> pl.Expr:
    name = f"c{place}"
    value = pl.col("n") * (place + 3) % 99_991
    fate = pl.col("fate")
    if place == 0:
        # Fate 0: the record is gone and a new one is there instead.
        key = pl.format("SO-{}", pl.col("n").cast(pl.String).str.zfill(10))
        return pl.when(fate == 0).then(pl.format("NEW-{}", pl.col("n"))).otherwise(key).alias(name)
    if place == 1:
        text = pl.format("Customer {} of Zürich", value)
        return (
            pl.when(fate.is_between(3, 7))
            .then(pl.format("  {} ", text))
            .otherwise(text)
            .alias(name)
        )
    if kind == "decimal":
        updated = pl.when(fate.is_between(1, 2) & pl.lit(place == 8)).then(1).otherwise(0)
        return ((value + updated) / 4).alias(name)
    match kind:
        case "text":
            made = pl.format("value {} in column {}", value, pl.lit(name))
        case "integer":
            made = pl.when(value % 10 > 0).then(value)
        case "datetime":
            made = (value * 1_000_000_000).cast(pl.Datetime("us"))
        case "date":
            made = (value % 20_000).cast(pl.Int32).cast(pl.Date)
        case _:
            made = value % 2 == 0
    return made.alias(name)


def run(rows: int, url: str | None = None) -> dict[str, Any]:
    """Measure a build of `rows` rows and one of four times as many.

    Args:
        rows: Rows of the first measurement.
        url: A PostgreSQL server whose current database may be filled; without it an embedded
            server is started and removed again.

    Returns:
        `name`, `rows`, `seconds`, `rows_per_s`, `peak_mb` and `peak_mb_4x` (anonymous memory of
        Python during the measured build), `floor_ratio` (our time / the floor's), `peers` (the
        peer's time / ours), `stages`, `counts`, and `first_load_s`.
    """
    if url is not None:
        return _measure(rows, url)
    with tempfile.TemporaryDirectory(prefix="syncflow-bench-") as folder:
        # Started by root, the server runs under another account, which must get to the folder.
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder)) as server:
            return _measure(rows, server.ensure_database("bench"))


def _measure(rows: int, url: str) -> dict[str, Any]:
    with Database(url) as database:
        migrate(database)
    measured = _in_child(url, "bench", rows)
    larger = _in_child(url, "bench_4x", 4 * rows)
    seconds = measured["seconds"]
    return {
        "name": "delta",
        "rows": rows,
        "seconds": round(seconds, 3),
        "rows_per_s": round(rows / seconds),
        "peak_mb": measured["peak_mb"],
        "peak_mb_4x": larger["peak_mb"],
        "floor_ratio": round(seconds / measured["floor_s"], 2),
        "peers": {"pandas_apply": round(_pandas_apply(rows) / seconds, 2)},
        "stages": measured["stages"],
        "counts": measured["counts"],
        "first_load_s": round(measured["first_load_s"], 3),
    }


def _in_child(url: str, name: str, rows: int) -> dict[str, Any]:
    """Run a measurement in a fresh process: memory that was used once is not always given back."""
    import subprocess

    command = [sys.executable, "-m", __name__, url, name, str(rows)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _child(url: str, name: str, rows: int) -> dict[str, Any]:
    bench = node().model_copy(update={"name": name, "table": f"{name}_delta"})
    with (
        Database(url) as database,
        tempfile.TemporaryDirectory(prefix="syncflow-bench-") as folder,
    ):
        file = Path(folder) / "rows.arrow"
        _write(file, generate(rows, changed=False))
        started = time.perf_counter()
        _build(database, bench, file)
        first_load_s = time.perf_counter() - started
        _write(file, generate(rows, changed=True))
        with _peak() as peak:
            started = time.perf_counter()
            result = _build(database, bench, file)
            seconds = time.perf_counter() - started
        changes = sum(result.counts[each] for each in ("inserted", "updated", "deleted"))
        return {
            "seconds": seconds,
            "first_load_s": first_load_s,
            "peak_mb": round(peak[0] / 2**20),
            "floor_s": _floor(database, bench, file, changes),
            "stages": [asdict(stage) for stage in result.stages],
            "counts": result.counts,
        }


def _build(database: Database, bench: DeltaNode, file: Path) -> DeltaResult:
    return build_delta(
        database, "bench", bench, _read(file), parent=None, clock=DatabaseClock(database)
    )


def _write(file: Path, batches: Iterator[pa.RecordBatch]) -> None:
    first = next(batches)
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def _read(file: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(file)) as source:
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def _floor(database: Database, bench: DeltaNode, file: Path, changes: int) -> float:
    """Return the seconds of the floor the module describes."""
    started = time.perf_counter()
    for batch in _read(file):
        frame = pl.DataFrame(pl.from_arrow(batch))
        hashing.key_hashes(frame.select(bench.key))
        hashing.data_hashes(frame)
    table, snapshot = tables.delta_id(bench), tables.snapshot_id(bench)
    state = sql.SQL("copy (select bk_hash, data_hash from {}) to stdout (format binary)")
    newest = sql.SQL(
        "copy (select * from {} order by delta_id desc limit {}) to stdout (format binary)"
    )
    bare = sql.SQL("create temp table raw as select * from {} with no data")
    with database.transaction() as conn:
        with conn.cursor().copy(state.format(snapshot)) as copy:
            for _ in copy:
                pass
        with conn.cursor().copy(newest.format(table, changes)) as copy:
            written = [bytes(block) for block in copy]
        conn.execute(bare.format(table))
        with conn.cursor().copy("copy raw from stdin (format binary)") as copy:
            for block in written:
                copy.write(block)
    return time.perf_counter() - started


@contextmanager
def _peak() -> Iterator[list[int]]:
    """Sample this process's anonymous memory; the list's one number is the peak, in bytes."""
    process, done, peak = psutil.Process(), threading.Event(), [0]

    def sample() -> None:
        while not done.wait(_SAMPLING_S):
            memory = process.memory_info()
            peak[0] = max(peak[0], memory.rss - memory.shared)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _pandas_apply(rows: int) -> float:
    """Return the seconds the hand-made way would take, from a sample."""
    sample = min(rows, _SAMPLE)
    frame = next(generate(sample, changed=True)).to_pandas()

    def comparable(value: object) -> str | None:
        if value is None or value != value:
            return None
        if isinstance(value, str):
            return " ".join(value.split())
        return f"{value:.4f}" if isinstance(value, float) else str(value)

    started = time.perf_counter()
    for name in frame.columns:
        frame[name] = frame[name].apply(comparable)
    frame.apply(
        lambda row: hashlib.sha256(json.dumps(row.to_dict(), default=str).encode()).hexdigest(),
        axis=1,
    )
    return (time.perf_counter() - started) * rows / sample


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_child(sys.argv[1], sys.argv[2], int(sys.argv[3]))) + "\n")

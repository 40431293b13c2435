"""Batches of rows, of the size that is wished."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def regrouped(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Give batches of `size` rows, the last one of what is left."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        at = 0
        while count - at >= size:
            yield _joined(waiting, at, size)
            at += size
        if at:
            count -= at
            waiting = [batch.slice(batch.num_rows - count)]
    if count:
        yield _joined(waiting, 0, count)


def _joined(batches: list[pa.RecordBatch], at: int, size: int) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).slice(at, size).combine_chunks().to_batches()[0]

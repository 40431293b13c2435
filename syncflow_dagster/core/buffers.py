"""The memory of polars columns as numpy arrays, for work that goes over all bytes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt


def joined(values: pl.Series) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return a column of texts or bytes as one run of bytes.

    Args:
        values: Texts or bytes. NULL counts as empty.

    Returns:
        Offsets of shape (rows + 1,), beginning at 0, and the bytes; row ``n`` is
        ``data[offsets[n]:offsets[n + 1]]``. Both are read only.
    """
    # The oldest level has offsets into one buffer; newer ones scatter short texts among views.
    array = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, places, data = array.buffers()
    offsets = np.frombuffer(places, np.int64)[array.offset : array.offset + len(array) + 1]
    if data is None or data.size == 0:
        return np.zeros(len(values) + 1, np.int64), np.empty(0, np.uint8)
    start, end = int(offsets[0]), int(offsets[-1])
    return offsets - start if start else offsets, np.frombuffer(data, np.uint8)[start:end]


def decimals(
    unscaled: npt.NDArray[np.int64],
    there: npt.NDArray[np.bool_] | None,
    precision: int,
    scale: int,
) -> pl.Series:
    """Return decimals from their digits as whole numbers.

    Args:
        unscaled: The values times ``10 ** scale``.
        there: False where the value is NULL; None when none is.
        precision: Digits in all.
        scale: Digits after the point.
    """
    words = np.empty((len(unscaled), 2), np.int64)  # Arrow's 128 bits: low word, then high word
    words[:, 0] = unscaled
    words[:, 1] = unscaled >> 63
    known = None if there is None else pa.py_buffer(np.packbits(there, bitorder="little"))
    kind = pa.decimal128(precision, scale)
    array = pa.Array.from_buffers(kind, len(unscaled), [known, pa.py_buffer(words)])
    return pl.Series(pl.from_arrow(array))


def binaries(rows: npt.NDArray[np.uint8]) -> pl.Series:
    """Return rows of bytes, shape (rows, width), as a column of bytes."""
    count, width = rows.shape
    offsets = np.arange(0, (count + 1) * width, max(width, 1), dtype=np.int64)[: count + 1]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))]
    return pl.Series(pl.from_arrow(pa.Array.from_buffers(pa.large_binary(), count, buffers)))

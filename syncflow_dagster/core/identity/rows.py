"""A hash of a source's row as it came, by which it is known again before anything is made of it.

It says nothing about what the row means: rows that differ in looks only have different ones. So it
is no identity, and it need not be the same in another release: a row that is not known again is
only looked at in full.
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import xxhash

from syncflow_dagster.core import buffers
from syncflow_dagster.core.identity import hashing

ROW_BYTES = hashing.KEY_BYTES
#: The last ones tell what made the hash.
TAG_BYTES = 2


def made_by_tag(made_by: str) -> bytes:
    """Return the end of all hashes that are made with a `made_by`."""
    return xxhash.xxh3_64_digest(made_by.encode())[:TAG_BYTES]


def bound(hashes: hashing.Hashes, data: hashing.Hashes) -> hashing.Hashes:
    """Bind row hashes to the DATA_HASHes of the same records, or take them out of the bond again.

    Whoever writes a record's DATA_HASH and knows nothing of row hashes, as an earlier release, then
    leaves one behind that fits no row.

    Args:
        hashes: Shape (rows, 16).
        data: Shape (rows, 32).

    Returns:
        Array of shape (rows, 16) with the same tags.
    """
    made = hashes.copy()
    made[:, :-TAG_BYTES] ^= data[:, : ROW_BYTES - TAG_BYTES]
    return made


def row_hashes(rows: pl.DataFrame, made_by: str) -> hashing.Hashes:
    """Return a hash of each row: XXH3-128 of its values' 64-bit hashes, and a tag.

    polars hashes the values (https://docs.pola.rs/api/python/stable/reference/expressions/api/polars.Expr.hash.html):
    stable in one version of it only, and alike for equal numbers of different types, so the
    columns' names and types are part of each hash.

    Args:
        rows: The columns that matter, as the source gave them; at least one.
        made_by: What else decides on what becomes of a row.

    Returns:
        Array of shape (rows, 16), of which the last `TAG_BYTES` are :func:`made_by_tag`.
    """
    columns = [[name, str(kind)] for name, kind in rows.schema.items()]
    seed = xxhash.xxh3_64_intdigest(json.dumps([made_by, columns]).encode())
    values = np.empty((rows.height, rows.width), dtype=np.uint64)
    for place, column in enumerate(rows.get_columns()):
        values[:, place] = _told_apart(column).hash(seed).to_numpy()
    hashes = hashing.joined_hashes(buffers.binaries(values.view(np.uint8))).copy()
    hashes[:, -TAG_BYTES:] = np.frombuffer(made_by_tag(made_by), dtype=np.uint8)
    return hashes


def _told_apart(column: pl.Series) -> pl.Series:
    """Return floats as their bits, as polars hashes 0.0 and -0.0 alike; an expression may not."""
    if not column.dtype.is_float():
        return column
    numbers = column.fill_null(0.0).to_numpy()
    bits = pl.DataFrame({"bits": numbers.view(f"u{numbers.itemsize}")})
    return bits.select(pl.when(pl.lit(column.is_not_null())).then("bits")).to_series()

"""Hashes of whole columns of rows: XXH3-128 for identity, BLAKE3 for content.

``polars_hash`` does it when it can be imported; otherwise the plain-Python encoder gives the
same bytes, more slowly. Arrays of hashes have one row of bytes per record.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import blake3
import numpy as np
import numpy.typing as npt
import polars as pl
import xxhash

from syncflow_dagster.core import buffers
from syncflow_dagster.core.identity.encoding import encode_row

if TYPE_CHECKING:
    from collections.abc import Callable

Hashes: TypeAlias = npt.NDArray[np.uint8]
Engine = Literal["polars", "python"]

#: Name of the serialisation and the hash functions; stored beside the hashes they made.
ENCODING = "hash_rows v1, xxh3-128, blake3-256, xxh3-64"

KEY_BYTES = 16
DATA_BYTES = 32
FIELD_BYTES = 8


@dataclass(frozen=True)
class _Functions:
    key: Callable[[pl.DataFrame], Hashes]
    encoded_key: Callable[[pl.Series], Hashes]
    data: Callable[[pl.DataFrame], Hashes]
    fields: Callable[[pl.DataFrame], npt.NDArray[np.uint64]]


def best_engine() -> Engine:
    """Return ``polars`` when ``polars_hash`` can be imported, else ``python``."""
    try:
        import polars_hash  # noqa: F401
    except ImportError:
        return "python"
    return "polars"


def key_hashes(frame: pl.DataFrame, engine: Engine | None = None) -> Hashes:
    """Return each row's BK_HASH: XXH3-128, big-endian.

    Args:
        frame: The key's columns, in the key's order; at least one.
        engine: Which encoder; the faster one there is by default.

    Returns:
        Array of shape (rows, 16).
    """
    return _functions(engine).key(frame)


def joined_hashes(rows: pl.Series, engine: Engine | None = None) -> Hashes:
    """Return XXH3-128, big-endian, of each value of a column of bytes, shape (rows, 16)."""
    return _functions(engine).encoded_key(rows)


def data_hashes(frame: pl.DataFrame, engine: Engine | None = None) -> Hashes:
    """Return each row's DATA_HASH: BLAKE3 with 256 bits.

    Args:
        frame: The compared columns, in the fields' order; at least one.
        engine: See :func:`key_hashes`.

    Returns:
        Array of shape (rows, 32).
    """
    return _functions(engine).data(frame)


def field_hashes(frame: pl.DataFrame, engine: Engine | None = None) -> Hashes:
    """Return a hash of each single value: XXH3-64, big-endian, of a row of that value alone.

    Args:
        frame: The compared columns, in the fields' order.
        engine: See :func:`key_hashes`.

    Returns:
        Array of shape (rows, 8 times the number of columns).
    """
    hashes = np.ascontiguousarray(_functions(engine).fields(frame), dtype=">u8")
    return hashes.view(np.uint8).reshape(frame.height, frame.width * FIELD_BYTES)


def null_field_hash() -> bytes:
    """Return what :func:`field_hashes` gives for NULL."""
    return xxhash.xxh3_64_digest(encode_row([None]))


def record_uuids(workflow: str, entity: str, keys: Hashes, engine: Engine | None = None) -> Hashes:
    """Derive the stable ids of records, so that a lost database gives the same ids again.

    Args:
        workflow: The workflow's name.
        entity: The kind of record.
        keys: BK_HASH of each record, shape (rows, 16).
        engine: See :func:`key_hashes`.

    Returns:
        Array of shape (rows, 16): UUIDs of version 8 (RFC 9562, section 5.8).
    """
    # The row (workflow, entity, key) differs from record to record in its last bytes only.
    prefix = encode_row([workflow, entity, bytes(KEY_BYTES)])[:-KEY_BYTES]
    rows = np.empty((len(keys), len(prefix) + KEY_BYTES), dtype=np.uint8)
    rows[:, : len(prefix)] = np.frombuffer(prefix, dtype=np.uint8)
    rows[:, len(prefix) :] = keys
    uuids = joined_hashes(buffers.binaries(rows), engine).copy()
    uuids[:, 6] = uuids[:, 6] & 0x0F | 0x80
    uuids[:, 8] = uuids[:, 8] & 0x3F | 0x80
    return uuids


def _matrix(joined: bytes | npt.NDArray[np.uint8], width: int) -> Hashes:
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, width)


def _functions(engine: Engine | None) -> _Functions:
    return _polars() if (engine or best_engine()) == "polars" else _PYTHON


def _polars() -> _Functions:
    import polars_hash

    def rows(*columns: str) -> polars_hash.HExpr:
        return polars_hash.hash_rows(*columns or [pl.all()], version=1)

    def key(frame: pl.DataFrame) -> Hashes:
        return encoded_key(frame.select(rows()).to_series())

    def encoded_key(encoded: pl.Series) -> Hashes:
        function = polars_hash.col(encoded.name).nchash.xxh3_128(
            return_binary=True, byte_order="big"
        )
        digests = encoded.to_frame().select(function).to_series()
        return _matrix(buffers.joined(digests)[1], KEY_BYTES)

    def data(frame: pl.DataFrame) -> Hashes:
        # One unhexlify over all digests: decoding them in polars costs more than hashing them.
        digests = frame.select(rows().chash.blake3()).to_series()
        return _matrix(binascii.unhexlify(buffers.joined(digests)[1].data), DATA_BYTES)

    def fields(frame: pl.DataFrame) -> npt.NDArray[np.uint64]:
        return frame.select(
            rows(name).nchash.xxh3_64().alias(name) for name in frame.columns
        ).to_numpy()

    return _Functions(key, encoded_key, data, fields)


def _python_key(frame: pl.DataFrame) -> Hashes:
    digests = (xxhash.xxh3_128_digest(encode_row(row)) for row in frame.iter_rows())
    return _matrix(b"".join(digests), KEY_BYTES)


def _python_encoded_key(encoded: pl.Series) -> Hashes:
    return _matrix(b"".join(xxhash.xxh3_128_digest(row) for row in encoded), KEY_BYTES)


def _python_data(frame: pl.DataFrame) -> Hashes:
    digests = (blake3.blake3(encode_row(row)).digest() for row in frame.iter_rows())
    return _matrix(b"".join(digests), DATA_BYTES)


def _python_fields(frame: pl.DataFrame) -> npt.NDArray[np.uint64]:
    digests = [
        [xxhash.xxh3_64_intdigest(encode_row([value])) for value in row]
        for row in frame.iter_rows()
    ]
    return np.array(digests, dtype=np.uint64).reshape(frame.height, frame.width)


_PYTHON = _Functions(_python_key, _python_encoded_key, _python_data, _python_fields)

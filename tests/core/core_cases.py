"""Values for the tests of normalising and identity: golden rows, and any rows at all."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import strategies as st

GOLDEN = json.loads((Path(__file__).parent / "golden_vectors.json").read_text(encoding="utf-8"))
#: Type of a field, as the golden vectors name it: its column's type and how its JSON is read.
KINDS = {
    "text": (pl.String(), str),
    "integer": (pl.Int64(), int),
    "decimal": (pl.Decimal(38, 4), Decimal),
    "boolean": (pl.Boolean(), bool),
    "date": (pl.Date(), date.fromisoformat),
    "datetime": (pl.Datetime("us", "UTC"), datetime.fromisoformat),
    "bytes": (pl.Binary(), bytes.fromhex),
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
#: Values of each type a field can have.
VALUES = {
    "text": TEXTS,
    "integer": st.integers(-(2**63), 2**63 - 1),
    "decimal": st.decimals(-(10**20), 10**20, places=4, allow_nan=False),
    "boolean": st.booleans(),
    "date": st.dates(),
    "datetime": st.datetimes(timezones=st.just(UTC)),
}
ROWS = st.tuples(*(st.none() | values for values in VALUES.values()))


def golden_values(row: list[list[object]]) -> list[object]:
    """Read a golden row's values."""
    return [None if value is None else KINDS[kind][1](value) for kind, value in row]


def frame_of(kinds: list[str], rows: list[object]) -> pl.DataFrame:
    """Return rows of values as columns of the types of fields."""
    return pl.DataFrame(
        [
            pl.Series(str(place), [row[place] for row in rows], dtype=KINDS[kind][0])
            for place, kind in enumerate(kinds)
        ]
    )

"""The last layer: from source columns to fields, and the rules a field's value must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from syncflow_dagster.core.normalise.column import Column, reject
from syncflow_dagster.core.normalise.strings import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Otherwise = Literal["keep", "null", "reject"]

#: Between the parts of a readable business key.
KEY_SEPARATOR = " / "


def constant(value: str, length: int) -> pl.Series:
    """Return the same text for every row."""
    return pl.Series("", [value], dtype=pl.String).new_from_index(0, length)


def concat(parts: Sequence[pl.Series], separator: str) -> pl.Series:
    """Join texts row by row; NULL and empty ones are left out, none at all gives NULL.

    Args:
        parts: Texts, already normalised.
        separator: Put between two parts that are there.
    """
    frame = pl.DataFrame({str(number): part for number, part in enumerate(parts)})
    there = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in frame.columns]
    joined = pl.concat_str(there, separator=separator, ignore_nulls=True)
    return frame.select(pl.when(pl.any_horizontal(pl.all() != "")).then(joined)).to_series()


def lookup(values: pl.Series, table: Mapping[str, str], otherwise: Otherwise) -> Column:
    """Replace texts by what a table says for them.

    Args:
        values: Texts with white space and NFC settled; NULL stays NULL.
        table: Text wanted for each text; its keys are brought to NFC here.
        otherwise: What happens to a text that is not in the table.

    Returns:
        Texts; with ``otherwise="reject"`` the fault ``lookup``.
    """
    keys = normalise(pl.Series(list(table), dtype=pl.String), "keep", "keep", "keep").values
    known = dict(zip(keys, table.values(), strict=True))
    found = values.replace_strict(known, default=None, return_dtype=pl.String)
    missed = values.is_not_null() & found.is_null()
    if otherwise == "keep":
        return Column(values.zip_with(missed, found))
    if otherwise == "null":
        return Column(found)
    shown = ", ".join(list(table)[:10])
    return reject(found, missed, "lookup", f"the lookup table has no such text; it has: {shown}")


def require(values: pl.Series) -> Column:
    """Reject the rows without a value: fault ``required``."""
    return reject(values, values.is_null(), "required", "a value is required and there is none")


def limit_length(values: pl.Series, longest: int) -> Column:
    """Reject texts of more characters than allowed: fault ``max_length``."""
    reason = f"the text is longer than {longest} characters"
    return reject(values, values.str.len_chars() > longest, "max_length", reason)

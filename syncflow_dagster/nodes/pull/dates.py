"""Columns of dates with some that are none: infinity, a day no calendar has, years of five digits.

Arrow has no such values. A batch that holds one hands the column on as text and says so (see
`columns.as_batch`), so that the type layer rejects that row by name and keeps the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from syncflow_dagster.core.normalise import datetimes, iso
from syncflow_dagster.nodes.pull import columns

if TYPE_CHECKING:
    import pyarrow as pa


def as_text(written: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column of dates as texts.

    Args:
        written: As the database writes them, instants in UTC.
        kind: The type they would have had.

    Returns:
        Dates as a field of type text has them when it is given dates, so that no field without a
        transform of its own sees which batch they came in; the others as they were written.
    """
    given = pl.Series(pl.from_arrow(written))
    dates = iso.read(given, "date", "no date").wall
    if kind == columns.DATE:
        dates = dates.dt.date()
    elif kind == columns.INSTANT:
        dates = dates.dt.replace_time_zone("UTC")
    texts = datetimes.to_text(dates).values.fill_null(given)
    return texts.to_arrow().cast(columns.TEXT)

"""A field's value by a Python function over a pandas frame with Arrow-backed columns.

Nothing passes through Python objects on the way there; on the way back only what the function
itself made of them. pandas is imported when the first such function is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from syncflow_dagster.core.normalise.rowwise import TransformError, attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.core.normalise.column import Column

#: A function that is not ours can raise anything.
_ANYTHING = (Exception,)


def call(function: Callable[[Any], object], frame: pl.DataFrame, name: str) -> Column:
    """Let a function make a value for each row.

    Args:
        function: Takes a ``pandas.DataFrame`` whose dtypes are ``pandas.ArrowDtype``; returns a
            ``pandas.Series``, a pandas, numpy or pyarrow array, with one value for each row in
            the rows' order. It is called with fewer rows to find those it raises for.
        frame: The columns it gets.
        name: Its name, for texts.

    Returns:
        A column of whatever type the values have; fault ``python`` for rows it raises for.

    Raises:
        TransformError: It returned something else, or not one value for each row.
    """

    def work(rows: pl.DataFrame) -> pl.Series:
        return _values(function(_to_pandas(rows)), rows.height, name)

    return attempt(frame, work, _ANYTHING, "python", f"the function {name}")


def _to_pandas(frame: pl.DataFrame) -> Any:
    import pandas as pd

    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def _values(result: object, rows: int, name: str) -> pl.Series:
    import numpy as np
    import pandas as pd

    kinds = (pd.Series, pd.api.extensions.ExtensionArray, np.ndarray, pa.Array, pa.ChunkedArray)
    if not isinstance(result, kinds) or getattr(result, "ndim", 1) != 1:
        msg = (
            f"the function {name} returned a {type(result).__name__}; right would be a "
            "pandas.Series with one value for each row"
        )
        raise TransformError(msg)
    if len(result) != rows:
        msg = f"the function {name} returned {len(result)} values for {rows} rows"
        raise TransformError(msg)
    try:
        array = result if isinstance(result, pa.Array | pa.ChunkedArray) else pa.array(result)
        return pl.Series(pl.from_arrow(array))
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        msg = f"the function {name} returned values of types that do not go together: {error}"
        raise TransformError(msg) from None

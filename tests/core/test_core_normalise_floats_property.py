"""Numbers: arithmetic shortcuts against the digits themselves, and one value for every source."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from syncflow_dagster.core.normalise import types
from syncflow_dagster.core.normalise.datetimes import Clock

_WIDE = Context(prec=400)
FLOATS = (
    st.floats(allow_nan=False, allow_infinity=False, width=64)
    | st.floats(-1e13, 1e13)
    | st.builds(
        lambda whole, digits: whole / 10**digits, st.integers(-(10**15), 10**15), st.integers(0, 9)
    )
)


def by_digits(value: float, scale: int) -> Decimal | None:
    """Round a double as its shortest text says, in plain Python."""
    text = repr(value)
    fraction = text.partition(".")[2]
    noisy = "e-" in text or len(fraction.partition("e")[0]) > scale
    if noisy and abs(value) < 10.0 ** (15 - scale):
        text = f"{value:.15g}"
    rounded = Decimal(text).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN, _WIDE)
    return rounded if abs(rounded) < Decimal(10) ** (38 - scale) else None


@given(st.lists(FLOATS, min_size=1, max_size=20), st.integers(0, 18))
@example([0.125, 1.0149999999999999, 2.675, 5e12 + 0.5, 1e300, 5e-324, -0.0, 2.5, 3.5], 2)
@example([49999999999999.5, 50000000000000.5, 999999999999999.5, 1e15 + 0.5], 0)
def test_floats_become_the_decimals_their_digits_say(values, scale):
    column = types.coerce(pl.Series(values, dtype=pl.Float64), "decimal", scale, Clock())
    assert column.values.to_list() == [by_digits(each, scale) for each in values]

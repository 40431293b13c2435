"""Work over many rows at once that one bad row would break: find that row, keep the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from syncflow_dagster.core.normalise.column import Column, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Work = Callable[[pl.DataFrame], pl.Series]

#: How much of an error's own text is shown.
_SHOWN = 300


class TransformError(ValueError):
    """A transform that cannot be used, whatever a row holds; the text says why."""


def attempt(
    frame: pl.DataFrame, work: Work, errors: tuple[type[BaseException], ...], rule: str, what: str
) -> Column:
    """Do work over rows; those that make it fail are rejected, the others done without them.

    The bad rows are found by halves, so a few cost little. What is returned for the others is
    made of all of them at once, as if the bad ones had not been there.

    Args:
        frame: The rows.
        work: Gives one value for each row, and must not let one row change another's.
        errors: What a bad row raises.
        rule: Name of the fault.
        what: What was tried, for its reason.

    Returns:
        The values; a fault for each class of errors, which tells the first one's text.

    Raises:
        TransformError: From the work: no row is to blame.
    """
    try:
        return Column(work(frame))
    except TransformError:
        raise
    except errors:
        failures = _failures(frame, 0, work, errors)
    bad = np.zeros(frame.height, np.bool_)
    bad[list(failures)] = True
    if bad.all():
        values = pl.Series([None], dtype=pl.Null).new_from_index(0, frame.height)
    else:
        values = _spread(work(frame.filter(~bad)), ~bad)
    return Column(values, tuple(_faults(failures, frame.height, rule, what)))


def _failures(
    frame: pl.DataFrame, first: int, work: Work, errors: tuple[type[BaseException], ...]
) -> dict[int, BaseException]:
    """Return what each bad row raises, by its number; `frame` begins with row `first`."""
    try:
        work(frame)
    except TransformError:
        raise
    except errors as error:
        if frame.height <= 1:
            return {first: error} if frame.height else {}
        half = frame.height // 2
        left = _failures(frame.head(half), first, work, errors)
        return left | _failures(frame.slice(half), first + half, work, errors)
    return {}


def _spread(values: pl.Series, rows: npt.NDArray[np.bool_]) -> pl.Series:
    places = pl.Series(np.where(rows, np.cumsum(rows) - 1, -1))
    return values.gather(places.set(places < 0, None))


def _faults(failures: dict[int, BaseException], height: int, rule: str, what: str) -> list[Fault]:
    kinds: dict[str, list[int]] = {}
    for row, error in failures.items():
        kinds.setdefault(type(error).__name__, []).append(row)
    faults = []
    for kind, numbers in kinds.items():
        rows = np.zeros(height, np.bool_)
        rows[numbers] = True
        first = " ".join(str(failures[numbers[0]]).split())[:_SHOWN]
        faults.append(Fault(rule, f"{what} raised {kind}: {first}", pl.Series("", rows)))
    return faults

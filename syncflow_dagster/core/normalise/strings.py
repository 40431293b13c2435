r"""Texts: Unicode NFC, white space, case, and what an empty text means.

White space is Unicode's White_Space class spelled out
(https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt), because every engine's own ``\s``
and ``trim`` take another set. Joiners and direction marks are no white space and stay.

Most texts need no work, so one cheap test finds the few that do ("test, then fix").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from syncflow_dagster.core.buffers import joined
from syncflow_dagster.core.normalise.column import Column, blank, reject

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

Rows: TypeAlias = npt.NDArray[np.int64]

Whitespace = Literal["collapse", "trim", "keep"]
Case = Literal["keep", "upper", "lower"]
Empty = Literal["null", "keep"]

#: Unicode White_Space.
WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
_RUN = (
    r"[\x{0009}-\x{000D}\x{0020}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}"
    r"\x{202F}\x{205F}\x{3000}]+"
)
# Bytes of UTF-8. Below the first one of U+0300 every text is in NFC. White space is below the
# blank, the blank, U+0085 and U+00A0 (the Latin byte and one of two), or begins with a wide byte.
_COMBINING = 0xCC
_BLANK = 0x20
_LATIN, _LATIN_BLANKS = 0xC2, (0x85, 0xA0)
_WIDE = 0xE1, 0xE3
#: Rows whose bytes are searched at once.
_BLOCK = 4096


def strip(values: pl.Series) -> pl.Series:
    """Take white space off both ends of texts."""
    return values.str.strip_chars(WHITE_SPACE)


def normalise(values: pl.Series, whitespace: Whitespace, case: Case, empty: Empty) -> Column:
    """Make texts that read alike equal.

    Args:
        values: Texts.
        whitespace: ``collapse`` each run to one blank and take it off the ends, ``trim`` the ends
            only, or ``keep`` it.
        case: Case to turn all letters into (Unicode's full mappings), or ``keep``.
        empty: Whether an empty text is kept or is NULL.

    Returns:
        Texts in NFC; the fault ``nul`` for a text that holds U+0000.
    """
    texts = _Texts(*joined(values))
    column = Column(values)
    if texts.low == 0:
        nul = values.str.contains("\x00", literal=True)
        reason = "the text holds a NUL character (U+0000), which cannot be stored"
        column = reject(values, nul, "nul", reason)
    return column.then(lambda each: Column(_fix(each, texts, whitespace, case, empty)))


def _fix(
    values: pl.Series, texts: _Texts, whitespace: Whitespace, case: Case, empty: Empty
) -> pl.Series:
    values = _nfc(values, texts)
    if whitespace == "collapse":
        spaced = texts.spaced()
        values = _put(values, spaced, strip(values[spaced].str.replace_all(_RUN, " ")))
    elif whitespace == "trim":
        values = strip(values)
    if case != "keep":
        values = values.str.to_uppercase() if case == "upper" else values.str.to_lowercase()
        # Some letters have no single other-case form, and the parts can compose.
        values = _nfc(values, _Texts(*joined(values)))
    return blank(values, values == "") if empty == "null" else values


def _nfc(values: pl.Series, texts: _Texts) -> pl.Series:
    rows = texts.composed()
    return _put(values, rows, values[rows].str.normalize("NFC"))


def _put(values: pl.Series, rows: Rows, fixed: pl.Series) -> pl.Series:
    # scatter writes into the series it is called on; the caller's must stay as it was
    return values.clone().scatter(rows, fixed) if rows.size else values


class _Texts:
    """The bytes of a column's texts, searched many at once for those that may need work.

    A row too many does no harm, so no test here looks where a character or a text begins.

    Args:
        offsets: See :func:`joined`.
        data: See :func:`joined`.
    """

    def __init__(self, offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]) -> None:
        self._offsets, self._data = offsets, data
        self.low = int(data.min(initial=_BLANK))
        self._high = int(data.max(initial=_BLANK))

    def composed(self) -> Rows:
        """Return the rows that may not be in NFC."""
        if self._high < _COMBINING:
            return np.empty(0, np.int64)
        return self._rows(lambda data, _: data >= _COMBINING)

    def spaced(self) -> Rows:
        """Return the rows whose white space may not be single blanks inside."""
        return self._rows(self._marked)

    def _marked(self, data: npt.NDArray[np.uint8], offsets: Rows) -> npt.NDArray[np.bool_]:
        blanks = data == _BLANK
        marks = np.zeros(data.size, np.bool_)
        np.logical_and(blanks[1:], blanks[:-1], out=marks[1:])
        # An empty text looks at its neighbour here.
        for ends in (np.minimum(offsets[:-1], data.size - 1), offsets[1:] - 1):
            marks[ends[blanks[ends]]] = True
        if self.low < _BLANK:
            marks |= data < _BLANK
        if self._high >= _LATIN:
            latin = np.flatnonzero(data[:-1] == _LATIN)
            marks[latin[np.isin(data[latin + 1], _LATIN_BLANKS)]] = True
            marks |= (data >= _WIDE[0]) & (data <= _WIDE[1])
        return marks

    def _rows(self, marked: Callable[[npt.NDArray[np.uint8], Rows], npt.NDArray[np.bool_]]) -> Rows:
        """Return the rows with a marked byte, going over them in blocks that stay in the cache."""
        found = [np.empty(0, np.int64)]
        for first in range(0, len(self._offsets) - 1, _BLOCK):
            offsets = self._offsets[first : first + _BLOCK + 1]
            data = self._data[offsets[0] : offsets[-1]]
            if data.size:
                marks = marked(data, offsets - offsets[0])
                found.append(first + _hit(marks, offsets[:-1] - offsets[0]))
        return np.concatenate(found)


def _hit(marks: npt.NDArray[np.bool_], starts: Rows) -> Rows:
    """Return the rows with a marked byte.

    Args:
        marks: One for each byte.
        starts: Place of each row's first byte; an empty row may count as hit with the next.
    """
    places = np.flatnonzero(marks)
    if places.size > len(starts):
        # An empty text at the end begins behind the last byte.
        return np.flatnonzero(np.logical_or.reduceat(np.append(marks, [False]), starts))
    hit = np.zeros(len(starts), np.bool_)
    hit[np.searchsorted(starts, places, side="right") - 1] = True
    return np.flatnonzero(hit)

r"""Texts: Unicode NFC, white space, case, and what an empty text means.

White space is Unicode's White_Space class spelled out
(https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt), because every engine's own ``\s``
and ``trim`` take another set. Joiners and direction marks are no white space and stay.

Most texts need no work, so one cheap test finds the few that do ("test, then fix").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from syncflow_dagster.core.normalise.column import Column, blank, reject

if TYPE_CHECKING:
    import polars as pl

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
# Below U+0300 every text is NFC, and the only white space is the class's first four kinds.
_SUSPECT = {
    "collapse": r"[\x{0009}-\x{000D}\x{0085}\x{00A0}\x{0300}-\x{10FFFF}]|^ | $|  ",
    "trim": r"[\x{0300}-\x{10FFFF}]|^[\x{0009}-\x{000D} \x{0085}\x{00A0}]"
    r"|[\x{0009}-\x{000D} \x{0085}\x{00A0}]$",
    "keep": r"[\x{0300}-\x{10FFFF}]",
}


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
    column = reject(
        values,
        values.str.contains("\x00", literal=True),
        "nul",
        "the text holds a NUL character (U+0000), which cannot be stored",
    )
    return column.then(lambda each: Column(_fix(each, whitespace, case, empty)))


def _fix(values: pl.Series, whitespace: Whitespace, case: Case, empty: Empty) -> pl.Series:
    suspect = values.str.contains(_SUSPECT[whitespace]).fill_null(value=False)
    if suspect.any():
        fixed = _spaced(values.filter(suspect).str.normalize("NFC"), whitespace)
        # scatter writes into the series it is called on; the caller's must stay as it was
        values = values.clone().scatter(suspect.arg_true(), fixed)
    values = _cased(values, case)
    if empty == "null":
        return blank(values, (values == "").fill_null(value=False))
    return values


def _spaced(values: pl.Series, whitespace: Whitespace) -> pl.Series:
    if whitespace == "keep":
        return values
    if whitespace == "collapse":
        values = values.str.replace_all(_RUN, " ")
    return strip(values)


def _cased(values: pl.Series, case: Case) -> pl.Series:
    if case == "keep":
        return values
    cased = values.str.to_uppercase() if case == "upper" else values.str.to_lowercase()
    # Some letters have no single other-case form, and the parts can compose.
    return cased.str.normalize("NFC")

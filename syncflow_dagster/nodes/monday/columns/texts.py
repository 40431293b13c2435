"""Text, long text and numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.monday.columns.base import (
    Cell,
    Kind,
    Options,
    Shown,
    ValueRefused,
    display,
    json_of,
    quoted,
    text_of,
)
from syncflow_dagster.nodes.monday.columns.lengths import length, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Longest long text, in characters (monday changelog of 2022).
LONGEST_LONG_TEXT = 2_000


def _text(value: object, options: Options) -> Cell:
    text, cut = _fitting(value, options.max_length, options)
    return Cell(text, text, cut)


def _long_text(value: object, options: Options) -> Cell:
    longest = min(options.max_length or LONGEST_LONG_TEXT, LONGEST_LONG_TEXT)
    text, cut = _fitting(value, longest, options)
    return Cell({"text": text}, text, cut)


def _fitting(value: object, longest: int | None, options: Options) -> tuple[str, str | None]:
    text = display(value)
    if longest is None or (long := length(text, cut=options.cut)) <= longest:
        return text, None
    told = f"{quoted(text)} has {long} characters; the column holds at most {longest}"
    if not options.cut:
        raise ValueRefused(told)
    return shortened(text, longest), told


def _numbers(value: object, _options: Options) -> Cell:
    text = display(value)
    try:
        number = Decimal(text)
    except ArithmeticError as error:
        msg = f"{quoted(text)} is not a number"
        raise ValueRefused(msg) from error
    if not number.is_finite():
        msg = f"{quoted(text)} is not a finite number"
        raise ValueRefused(msg)
    plain = _plain(number)
    return Cell(plain, plain)


def _plain(number: Decimal) -> str:
    return display(number) if number else "0"


def _read_number(given: Mapping[str, Any]) -> Shown:
    # The text may carry what the column is set to show beside the number.
    value = json_of(given)
    text = str(value) if isinstance(value, str | int | float) else text_of(given)
    try:
        return _plain(Decimal(text))
    except ArithmeticError:
        return text


TEXT = Kind(_text, text_of, cleared="")
LONG_TEXT = Kind(_long_text, text_of)
NUMBERS = Kind(_numbers, _read_number)

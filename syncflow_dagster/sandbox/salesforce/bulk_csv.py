"""CSV as the Bulk API 2.0 writes and takes it.

Written: every cell in quotes, null as an empty cell, date-times with `Z`, doubles as Java writes
them (`39000.0`, from ten millions on `3.5E7`), seen in results shown at
github.com/forcedotcom/dataloader/issues/1204. Taken: "Prepare CSV Files" of the Bulk API 2.0
guide.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

DELIMITERS: Mapping[str, str] = {
    "COMMA": ",",
    "BACKQUOTE": "`",
    "CARET": "^",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDINGS: Mapping[str, str] = {"LF": "\n", "CRLF": "\r\n"}
# What clears a field; an empty cell leaves it as it is.
CLEAR = "#N/A"
# Java writes plain digits between these two.
_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7


class ClientInputError(Exception):
    """A file of which no row is taken; the text is a part of the job's `errorMessage`."""


@dataclass(frozen=True)
class Form:
    """How a job's file is written.

    Attributes:
        delimiter: One character between cells.
        line_ending: What ends a line.
    """

    delimiter: str = ","
    line_ending: str = "\n"


@dataclass(frozen=True)
class Table:
    """A file that was taken apart.

    Attributes:
        header: The first line.
        rows: The others, each as long as the header.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def double(value: float) -> str:
    """A number as Java's `Double.toString` writes it."""
    text = repr(float(value))
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return text
    sign, digits, exponent = Decimal(text).normalize().as_tuple()
    assert isinstance(exponent, int)
    shown = "".join(map(str, digits))
    power = exponent + len(shown) - 1
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{power}"


_TEXTS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: "",
    str: lambda value: value,
    bool: lambda value: "true" if value else "false",
    int: str,
    float: double,
    Decimal: lambda value: double(float(value)),
    datetime: lambda value: value.isoformat(timespec="milliseconds")[:23] + "Z",
    date: date.isoformat,
    time: lambda value: value.isoformat("milliseconds")[:12] + "Z",
}


def cell(value: Any) -> str:
    """A value's text, without quotes around it."""
    return _TEXTS[type(value)](value)


def lines(rows: Iterable[Iterable[Any]], form: Form) -> Iterator[str]:
    """Rows as lines, each with its ending."""
    between, end = f'"{form.delimiter}"', f'"{form.line_ending}'
    for row in rows:
        cells = [cell(value).replace('"', '""') for value in row]
        yield f'"{between.join(cells)}{end}'


def read_table(content: bytes, form: Form) -> Table:
    """Take an uploaded file apart.

    Raises:
        ClientInputError: It is not UTF-8, has other line endings than declared, or is not CSV.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"File is not UTF-8 encoded: byte {error.start}"
        raise ClientInputError(msg) from error
    _check_endings(text, form)
    try:
        read = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True)
        header, *rows = (row for row in read if row)
    except csv.Error as error:
        msg = f"Error parsing CSV: {error}"
        raise ClientInputError(msg) from error
    except ValueError as error:
        raise ClientInputError("Empty file: the header line is missing") from error
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            msg = (
                f"The number of columns in line {number} ({len(row)}) is not that of the header "
                f"({len(header)})"
            )
            raise ClientInputError(msg)
    return Table(header, rows)


def _check_endings(text: str, form: Form) -> None:
    """Compare the ending of the first line with the declared one."""
    first = text.partition("\n")[0]
    found = "\r\n" if first.endswith("\r") else "\n"
    if "\n" in text and found != form.line_ending:
        name = next(name for name, ending in LINE_ENDINGS.items() if ending == form.line_ending)
        msg = f"LineEnding is invalid on user data. Current LineEnding setting is {name}"
        raise ClientInputError(msg)

"""The report of a bulk job: what became of each row of its file.

Source: n8n-io/n8n, tests of its monday.com node, which record a report of July 2026; monday itself
does not describe it.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.monday.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: A row that became an item, or changed one.
SUCCESS = "success"
#: A row that was refused before anything was done.
INVALID = "validation_error"
_NUMBER, _STATUS, _ITEM, _ERROR = "serialNo", "status", "itemId", "error"


class NoReport(ValueError):
    """A text is not the report of a job; it says why."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What became of a row.

    Attributes:
        status: monday's word: `success`, `validation_error` or another.
        item_id: The item it made or changed; None if there is none.
        error: What was wrong with it; empty if nothing.
        columns: What was wrong with single columns, by their ids.
    """

    status: str
    item_id: str | None = None
    error: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


def read(content: bytes) -> dict[int, ReportRow]:
    """Return what became of the rows a report tells of, by their number in the file, from 1.

    Raises:
        NoReport: it is no CSV, has other columns, or a line that cannot be right.
    """
    try:
        text = content.decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"the report is not CSV in UTF-8: {error}"
        raise NoReport(msg) from error
    header, *rest = lines or [[]]
    if not {_NUMBER, _STATUS, _ITEM} <= set(header):
        right = f"{_NUMBER},{_STATUS},{_ITEM}"
        msg = f"the report begins with {quoted(','.join(header))}; right would be {right}"
        raise NoReport(msg)
    rows: dict[int, ReportRow] = {}
    for line in rest:
        number, row = _row(header, line)
        if number in rows:
            msg = f"the report tells twice of row {number}"
            raise NoReport(msg)
        rows[number] = row
    return rows


def _row(header: Sequence[str], line: Sequence[str]) -> tuple[int, ReportRow]:
    if len(line) != len(header):
        msg = f"a line of the report has {len(line)} cells, its header {len(header)}"
        raise NoReport(msg)
    # A column of the board may have the name of one of the report's own, which come first.
    cells = dict(reversed(list(zip(header, line, strict=True))))
    number, status, item = (cells.pop(name) for name in (_NUMBER, _STATUS, _ITEM))
    if not (_is_number(number) and int(number) and status) or not (item == "" or _is_number(item)):
        msg = f"the report has a line that cannot be right: {quoted(','.join(line))}"
        raise NoReport(msg)
    error = cells.pop(_ERROR, "")
    wrong = {name: reason for name, reason in cells.items() if reason}
    return int(number), ReportRow(status, item or None, error, wrong)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()

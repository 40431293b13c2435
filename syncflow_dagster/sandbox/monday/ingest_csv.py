"""Uploaded files: RFC 4180, UTF-8, `name` first, then exact column ids."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.monday.boards import subitem_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.sandbox.monday.ingest_jobs import OnMatch
    from syncflow_dagster.sandbox.monday.model import Board, Column
    from syncflow_dagster.sandbox.monday.state import MondayState

NAME = "name"
BELOW = ".subitem"
RELATION_COLUMNS_LIMIT = 5
# The service's page and the set that n8n found to work.
COLUMN_TYPES = frozenset(
    {
        "board_relation",
        "checkbox",
        "date",
        "dropdown",
        "email",
        "link",
        "location",
        "long_text",
        "numbers",
        "people",
        "phone",
        "status",
        "text",
        "timeline",
    }
)


class InvalidUploadError(Exception):
    """A file of which no row is imported; the text is the job's `failure_message`."""


@dataclass(frozen=True)
class Upload:
    """A file whose form and header are right.

    Attributes:
        headers: The first row; `name` is the first of them.
        columns: The column of each header but the names.
        rows: The data rows, each as long as the header.
    """

    headers: Sequence[str]
    columns: Mapping[str, Column]
    rows: Sequence[Sequence[str]]


def columns_below(state: MondayState, board: Board) -> Mapping[str, Column]:
    """The columns of a board's subitems, as they will be where there are no subitems yet."""
    below = state.boards.get(board.subitem_board_id or "")
    if below is not None:
        return below.columns
    return {column.id: column for column in subitem_columns()}


def read_upload(
    content: bytes,
    limit: int,
    board: Board,
    below: Mapping[str, Column],
    on_match: OnMatch | None,
) -> Upload:
    """Take an uploaded file apart.

    Args:
        content: The file.
        limit: How many data rows a file may have.
        board: The board of the items.
        below: The columns of its subitems.
        on_match: The job's matching, which does not go with subitems.

    Raises:
        InvalidUploadError: The file as a whole cannot be used.
    """
    headers, rows = _table(content)
    if len(rows) > limit:
        msg = f"The file has {len(rows)} rows, the maximum is {limit}"
        raise InvalidUploadError(msg)
    columns = _columns(headers, board.columns, below)
    if on_match is not None:
        _check_match(headers, on_match)
    return Upload(headers, columns, rows)


def _table(content: bytes) -> tuple[list[str], list[list[str]]]:
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        # A line without any character is not a row.
        table = [row for row in lines if row]
    except UnicodeDecodeError as error:
        msg = f"The file is not UTF-8: byte {error.start}"
        raise InvalidUploadError(msg) from error
    except csv.Error as error:
        msg = f"The file is not CSV: {error}"
        raise InvalidUploadError(msg) from error
    if len(table) < 2:
        raise InvalidUploadError("The file has no rows")
    headers, rows = table[0], table[1:]
    if headers[0] != NAME:
        msg = f"The first header must be {NAME!r}, not {headers[0]!r}"
        raise InvalidUploadError(msg)
    for number, row in enumerate(rows, 1):
        if len(row) != len(headers):
            msg = f"Row {number} has {len(row)} cells, the header has {len(headers)}"
            raise InvalidUploadError(msg)
    return headers, rows


def _columns(
    headers: Sequence[str], above: Mapping[str, Column], below: Mapping[str, Column]
) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for number, header in enumerate(headers):
        if header in headers[:number]:
            msg = f"The header {header!r} is there twice"
            raise InvalidUploadError(msg)
        column_id = header.removesuffix(BELOW)
        if column_id == NAME:
            continue
        column = (below if header.endswith(BELOW) else above).get(column_id)
        if column is None or column.archived:
            msg = f"There is no column {column_id!r} on the board"
            raise InvalidUploadError(msg)
        if column.type not in COLUMN_TYPES:
            msg = f"Columns of type {column.type} cannot be imported: {column_id!r}"
            raise InvalidUploadError(msg)
        columns[header] = column
    if any(header.endswith(BELOW) for header in headers) and NAME + BELOW not in headers:
        msg = f"Columns of subitems need the header {NAME + BELOW!r}"
        raise InvalidUploadError(msg)
    if sum(one.type == "board_relation" for one in columns.values()) > RELATION_COLUMNS_LIMIT:
        msg = f"A file has at most {RELATION_COLUMNS_LIMIT} board relation columns"
        raise InvalidUploadError(msg)
    return columns


def _check_match(headers: Sequence[str], on_match: OnMatch) -> None:
    if on_match.column_id not in headers:
        msg = f"The match column {on_match.column_id!r} is not among the headers"
        raise InvalidUploadError(msg)
    if any(header.endswith(BELOW) for header in headers):
        raise InvalidUploadError("Subitems can only be created, not matched")

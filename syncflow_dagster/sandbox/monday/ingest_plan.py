"""From the cells of an upload to rows that are ready to be applied, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.monday.cells import CellWrite, checked_name
from syncflow_dagster.sandbox.monday.errors import MondayError
from syncflow_dagster.sandbox.monday.ingest_cells import CLEAR, CellError, cell_json, refusal
from syncflow_dagster.sandbox.monday.ingest_csv import BELOW, NAME, Upload
from syncflow_dagster.sandbox.monday.ingest_jobs import SKIP, SKIPPED, OnMatch, Row
from syncflow_dagster.sandbox.monday.ingest_match import items_by_key, match_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from syncflow_dagster.sandbox.monday.model import Board, Column
    from syncflow_dagster.sandbox.monday.state import MondayState


class Planner:
    """Checks the rows of one upload as the board is now.

    Args:
        state: Where items, people and labels are looked up.
        board: The board of the items.
        below: The columns of its subitems.
        on_match: What happens to rows that match an item.
    """

    def __init__(
        self,
        state: MondayState,
        board: Board,
        below: Mapping[str, Column],
        on_match: OnMatch | None,
    ) -> None:
        self._board = board
        self._on_match = on_match
        self._above_cells = CellWrite(state, board, create_labels=False)
        below_board = replace(board, columns=below)
        self._below_cells = CellWrite(state, below_board, create_labels=False)
        self._matched = items_by_key(state, board, on_match.column_id) if on_match else {}

    def rows(self, upload: Upload) -> list[Row]:
        """The rows in the file's order; those refused or left out have their status already."""
        planned: list[Row] = []
        above: Row | None = None
        for number, cells in enumerate(upload.rows, 1):
            row = self._row(number, dict(zip(upload.headers, cells, strict=True)), upload.columns)
            planned.append(row)
            if row.below:
                _attach(row, above)
            else:
                above = row
        if self._on_match is not None:
            self._settle_matches(planned)
        return planned

    def new_items(self, rows: Sequence[Row]) -> int:
        """How many of the rows become new items of the board."""
        new = [row for row in rows if not (row.status or row.below)]
        return sum(row.key not in self._matched for row in new)

    def _row(self, number: int, cells: Mapping[str, str], columns: Mapping[str, Column]) -> Row:
        below = not cells[NAME] and bool(cells.get(NAME + BELOW))
        name_header = NAME + BELOW if below else NAME
        row = Row(number, cells[name_header], below=below)
        stored: dict[str, Any] = {}
        for header, column in columns.items():
            cell = cells[header]
            if not cell:
                continue
            if header.endswith(BELOW) != below:
                row.refuse(header, f"The row is {'a subitem' if below else 'an item'}")
                continue
            try:
                row.values[column.id] = cell_json(column, cell)
                stored |= self._stored(column, cell, row.values[column.id], below=below)
            except CellError as error:
                row.refuse(header, str(error))
        if not below and cells.get(NAME + BELOW):
            row.refuse(NAME + BELOW, "The row is an item")
        if self._on_match is not None:
            row.key = match_key(self._board, self._on_match.column_id, row.name, stored)
        self._check_name(row, name_header)
        return row

    def _stored(self, column: Column, cell: str, value: Any, *, below: bool) -> dict[str, Any]:
        """What the column would store, by its id.

        Raises:
            CellError: The column refuses the value.
        """
        writing = self._below_cells if below else self._above_cells
        try:
            return writing.values({column.id: value}, {})
        except MondayError as error:
            reason = error.message.removeprefix("invalid value - ")
            raise refusal(column, cell, reason) from error

    def _check_name(self, row: Row, header: str) -> None:
        # An empty cell keeps the name of an item that is there.
        if not row.name and row.key in self._matched:
            return
        try:
            checked_name("" if row.name == CLEAR else row.name)
        except MondayError as error:
            row.refuse(header, error.message)

    def _settle_matches(self, rows: Sequence[Row]) -> None:
        """Of several rows with one key the last counts; SKIP leaves matching rows out."""
        assert self._on_match is not None
        last = {row.key: row for row in rows if not row.status}
        for row in rows:
            if row.status or row.key is None:
                continue
            known = self._on_match.behaviour == SKIP and row.key in self._matched
            if known or last[row.key] is not row:
                row.status = SKIPPED


def _attach(row: Row, above: Row | None) -> None:
    row.parent = above
    if above is None:
        row.refuse(NAME + BELOW, "There is no item row above")
    elif above.errors:
        row.refuse(NAME + BELOW, f"The item in row {above.number} is invalid")

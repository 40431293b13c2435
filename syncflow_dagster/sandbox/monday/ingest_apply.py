"""Applying the rows of a job to the board, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.monday.errors import MondayError, bad_item
from syncflow_dagster.sandbox.monday.ingest_jobs import (
    FAILED_ROW,
    SKIP,
    SKIPPED,
    SUCCESS,
    IngestJob,
    Row,
)
from syncflow_dagster.sandbox.monday.ingest_match import items_by_key
from syncflow_dagster.sandbox.monday.writes import BOARD_FULL

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.board_writes import BoardWriter
    from syncflow_dagster.sandbox.monday.model import Item


class BoardFullError(Exception):
    """The board filled up while the job was applied."""


class Applier:
    """One slice of a job.

    Args:
        writer: What mutations write with; its log entries name the job.
        job: The job, whose rows and counts are brought on.
    """

    def __init__(self, writer: BoardWriter, job: IngestJob) -> None:
        self._writer = writer
        self._job = job
        self._matched: dict[object, Item] = {}

    def apply(self, until: int) -> None:
        """Go through the rows that are to be done, up to the row of this number.

        Raises:
            BoardFullError: A new item does not fit the board any more.
        """
        job = self._job
        board = self._writer.state.boards.get(job.board_id)
        if job.on_match is not None and board is not None:
            state = self._writer.state
            self._matched = items_by_key(state, board, job.on_match.column_id)
        with self._writer.in_job(job.id):
            while job.done < until:
                row = job.rows[job.done]
                if not row.status:
                    self._apply(row)
                job.counts.skipped += row.status == SKIPPED
                job.done += 1

    def _apply(self, row: Row) -> None:
        try:
            item = self._written(row)
        except MondayError as error:
            if error.code == BOARD_FULL:
                raise BoardFullError(error.message) from error
            row.status, row.error = FAILED_ROW, error.message
            self._job.counts.failed += 1
            return
        if item is not None:
            row.status, row.item_id = SUCCESS, item.id

    def _written(self, row: Row) -> Item | None:
        """The item of a row; None when it was left out.

        Raises:
            MondayError: The board has changed since the row was checked.
        """
        job, writer = self._job, self._writer
        if row.below:
            if row.parent is None or not row.parent.item_id:
                raise bad_item(None)
            item = writer.create_subitem(row.parent.item_id, row.name, row.values)
            job.counts.created += 1
            return item
        found = None if row.key is None else self._matched.get(row.key)
        if found is None:
            item = writer.create_item(job.board_id, row.name, job.group_id, row.values)
            job.counts.created += 1
            return item
        assert job.on_match is not None
        if job.on_match.behaviour == SKIP:
            row.status = SKIPPED
            return None
        values = row.values | ({"name": row.name} if row.name else {})
        op = "change_multiple_column_values"
        item = writer.change_values(op, job.board_id, found.id, values)
        job.counts.updated += 1
        return item

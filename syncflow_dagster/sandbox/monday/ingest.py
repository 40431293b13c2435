"""The bulk lane: import jobs of `ingest_items` and `backfill_items` from start to report.

A job waits for its file, is planned as a whole when the file arrives, and is then applied in
slices while the sandbox's time passes, so that a job that fails has applied a part.
"""

from __future__ import annotations

import uuid
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.errors import (
    MondayError,
    bad_argument,
    bad_column,
    unauthorized,
)
from syncflow_dagster.sandbox.monday.ingest_apply import Applier, BoardFullError
from syncflow_dagster.sandbox.monday.ingest_csv import (
    InvalidUploadError,
    columns_below,
    read_upload,
)
from syncflow_dagster.sandbox.monday.ingest_jobs import (
    INVALID,
    IngestJob,
    ItemCounts,
    OnMatch,
)
from syncflow_dagster.sandbox.monday.ingest_match import MATCHED_TYPES
from syncflow_dagster.sandbox.monday.ingest_plan import Planner
from syncflow_dagster.sandbox.monday.ingest_report import report_csv
from syncflow_dagster.sandbox.monday.uploads import SignedUrls, report_path, upload_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.sandbox.monday.board_writes import BoardWriter
    from syncflow_dagster.sandbox.monday.limits import TokenLimits
    from syncflow_dagster.sandbox.monday.model import Board
    from syncflow_dagster.sandbox.monday.settings import Settings
    from syncflow_dagster.sandbox.service import World

INGEST = "ingest_items"
BACKFILL = "backfill_items"
# How many times the progress of a job moves.
_SLICES = 20
_EVENTS = ("uploads", "uploads_repeated", "uploads_refused", "reports", "reports_refused")


class Ingest:
    """All jobs of the account's tokens.

    Attributes:
        urls: The signed addresses that stand.
        events: Counts for `/stats`.
        settings: The present settings.
    """

    def __init__(self, world: World, writer: BoardWriter, settings: Callable[[], Settings]) -> None:
        self._world = world
        self._writer = writer
        self._jobs: dict[str, IngestJob] = {}
        self.urls = SignedUrls(world.clock)
        self.events: Counter[str] = Counter()
        self.settings = settings

    def start(
        self,
        operation: str,
        limits: TokenLimits,
        board_id: str,
        group_id: str,
        on_match: Mapping[str, str] | None = None,
    ) -> IngestJob:
        """Begin a job; it waits for its file.

        Raises:
            MondayError: The board, group or match column cannot be used, or the caller is not
                an administrator and wants a backfill.
        """
        if operation == BACKFILL and not limits.kind.admin:
            raise unauthorized()
        board = self._writer.board(board_id)
        if board.parent_board_id is not None:
            raise bad_argument("Items cannot be imported into a subitem board")
        group = self._writer.group(board, group_id)
        match = None
        if on_match is not None:
            match = OnMatch(on_match["match_column_id"], on_match["behaviour"])
            _check_match_column(board, match.column_id)
        limits.ingest_jobs.spend(1, self._world.clock.limit_time())
        job = IngestJob(str(uuid.uuid4()), operation, limits, board.id, group.id, match)
        self._jobs[job.id] = job
        return job

    def upload_url(self, job: IngestJob, base_url: str) -> str:
        """A new address for a job's file."""
        return self.urls.sign(base_url, "PUT", upload_path(job.id))

    def report_url(self, job: IngestJob, base_url: str) -> str | None:
        """A new address of a job's report; None when there is no report."""
        if job.report is None:
            return None
        return self.urls.sign(base_url, "GET", report_path(job.id))

    def job(self, job_id: str, limits: TokenLimits) -> IngestJob:
        """A job of this caller.

        Raises:
            MondayError: There is none.
        """
        job = self._jobs.get(job_id)
        if job is None or job.limits.kind.token != limits.kind.token:
            raise MondayError(
                "The requested job was not found",
                "ResourceNotFoundException",
                status=404,
                data={"job_id": job_id},
            )
        return job

    def report(self, job_id: str) -> str:
        """The report of a job that has one."""
        report = self._jobs[job_id].report
        assert report is not None
        return report

    def describe(self) -> dict[str, Any]:
        """Jobs by state and by reason of their failure, and what the file store did."""
        jobs = self._jobs.values()
        return {
            "jobs": dict(Counter(job.state for job in jobs)),
            "failures": dict(Counter(job.reason for job in jobs if job.reason is not None)),
            **{name: self.events[name] for name in _EVENTS},
        }

    def receive(self, job_id: str, content: bytes | None) -> None:
        """A job's file has arrived; None for one that is too large.

        A second file replaces the first in the store and changes nothing at the job, which has
        started on the first (the sandbox's choice: no source tells).
        """
        job = self._jobs[job_id]
        if job.state != "UPLOAD_PENDING":
            self.events["uploads_repeated"] += 1
            return
        self.events["uploads"] += 1
        if content is None:
            self._reject(job, "FILE_TOO_LARGE", "The file is larger than the maximum")
            return
        try:
            board = self._writer.board(job.board_id)
            self._plan(job, board, content)
        except MondayError as error:
            self._reject(job, "INVALID_UPLOAD", error.message)
        except InvalidUploadError as error:
            self._reject(job, "INVALID_UPLOAD", str(error))

    def _plan(self, job: IngestJob, board: Board, content: bytes) -> None:
        state, figures = self._writer.state, self.settings().ingest_limits
        limit = figures.backfill_rows if job.operation == BACKFILL else figures.rows
        below = columns_below(state, board)
        upload = read_upload(content, limit, board, below, job.on_match)
        planner = Planner(state, board, below, job.on_match)
        job.rows = planner.rows(upload)
        invalid = sum(row.status == INVALID for row in job.rows)
        job.counts = ItemCounts(submitted=len(job.rows), invalid=invalid)
        if self._admitted(job, board, planner):
            job.state = "PROCESSING"
            self._schedule(job)

    def _admitted(self, job: IngestJob, board: Board, planner: Planner) -> bool:
        """Whether the account and the board have room for the job's valid rows."""
        if job.limits.kind.name in self.settings().view_only:
            self._reject(job, "PERMISSION_DENIED", "The user may not write to the board")
            return False
        count = self._writer.state.active_counts.get(board.id, 0)
        if count + planner.new_items(job.rows) > board.items_limit:
            text = f"The board takes at most {board.items_limit} items"
            self._reject(job, "BOARD_CAPACITY_EXCEEDED", text)
            return False
        if job.operation == BACKFILL:
            return True
        valid = job.counts.submitted - job.counts.invalid
        hour = job.limits.reserve_items(valid)
        if hour is None:
            text = f"The account may create or update {job.limits.ingest_items.limit} items an hour"
            self._reject(job, "ACCOUNT_CAPACITY_EXCEEDED", text)
            return False
        job.reserved, job.hour = valid, hour
        return True

    def _reject(self, job: IngestJob, reason: str, message: str) -> None:
        job.end("REJECTED", reason, message)

    def _schedule(self, job: IngestJob) -> None:
        """Let the job pass in slices; what a fault makes of it is drawn now."""
        faults = self._world.faults.draw_beside("monday", "ingest_job")
        total = len(job.rows)
        last = total
        if "error_before" in faults:
            last = 0
        elif "partial" in faults:
            last = total // 2
        breaks = bool(faults.keys() & {"error_before", "partial", "error_after"})
        rate = self.settings().ingest_rows_per_s * self._world.clock.speed
        wait = (faults["slow"].delay_s or 0.0) if "slow" in faults else 0.0
        slices = min(_SLICES, total)
        for number in range(1, slices + 1):
            until = total * number // slices
            action = self._slice(job, min(until, last), ends=until >= last, breaks=breaks)
            self._world.later.after(wait + until / rate, action)

    def _slice(self, job: IngestJob, until: int, *, ends: bool, breaks: bool) -> Callable[[], None]:
        def apply() -> None:
            if job.state != "PROCESSING":
                return
            try:
                # A backfill has no side effects: no automation and no webhook hears of it.
                quiet = job.operation == BACKFILL
                with self._writer.state.unwatched() if quiet else nullcontext():
                    Applier(self._writer, job).apply(until)
            except BoardFullError as error:
                self._end(job, "BOARD_CAPACITY_EXCEEDED", str(error))
                return
            if ends:
                self._end(job, "INTERNAL_ERROR" if breaks else None, "An internal error occurred")

        return apply

    def _end(self, job: IngestJob, reason: str | None, message: str) -> None:
        if job.hour is not None:
            written = job.counts.created + job.counts.updated
            job.limits.release_items(job.reserved - written, job.hour)
        if reason is not None:
            job.end("FAILED", reason, message)
            return
        job.state = "COMPLETED"
        job.report = report_csv(job.rows)


def _check_match_column(board: Board, column_id: str) -> None:
    column = board.columns.get(column_id)
    if column is None or column.archived:
        raise bad_column(column_id)
    if column.type not in MATCHED_TYPES:
        msg = f"Columns of type {column.type} cannot be matched"
        raise bad_argument(msg)

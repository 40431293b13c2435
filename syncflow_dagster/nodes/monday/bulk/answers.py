"""What monday answers about bulk jobs, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.core.budget import Reading
    from syncflow_dagster.core.outcomes import Reject, Retry, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What any answer tells besides.

    Attributes:
        readings: What monday said about its budgets.
        spent: Units the request really cost, by budget; missing where unknown.
    """

    readings: Sequence[Reading] = ()
    spent: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started(Answered):
    """A job waits for its file.

    Attributes:
        job_id: monday's id of the job.
        upload_url: Where the file goes, for ten minutes; whoever has it can write there.
        replayed: monday knew the request by its idempotency key: the job is of an earlier try, and
            may have its file already.
    """

    job_id: str
    upload_url: str = field(repr=False)
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class NotStarted(Answered):
    """No file can go up now; nothing was applied.

    Attributes:
        outcome: Whether to try again, or to stop.
    """

    outcome: Retry | Stop


@dataclass(frozen=True, slots=True)
class NotOffered(Answered):
    """monday has no bulk jobs for this account, version, board or group; mutations may do.

    Attributes:
        reason: What it said.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The file is at monday, which works through it from now on."""


@dataclass(frozen=True, slots=True)
class NotStored:
    """The file is surely not at monday; its job applies nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """The file may or may not be at monday; only the job's state can tell."""

    reason: str


class Progress(StrEnum):
    """State of a job (developer.monday.com, "bulk import other types", `BulkImportState`)."""

    UPLOAD_PENDING = "UPLOAD_PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"

    @property
    def is_over(self) -> bool:
        """Whether the job applies nothing more."""
        return self not in {Progress.UPLOAD_PENDING, Progress.PROCESSING}


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of a job by what became of them; None where monday does not say.

    Attributes:
        submitted: All of the file.
        invalid: Refused before anything was done.
        skipped: Left alone.
        created: New items.
        updated: Items that were there.
        failed: Valid, but not applied.
    """

    submitted: int | None = None
    invalid: int | None = None
    skipped: int | None = None
    created: int | None = None
    updated: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True)
class JobState(Answered):
    """How far a job is.

    Attributes:
        status: Its state.
        counts: What became of its rows so far.
        failure_reason: Why it was rejected or failed, in monday's word for it.
        failure_message: The same in monday's sentence.
        report_url: Where its report lies, for ten minutes; whoever has it can read it.
    """

    status: Progress
    counts: Counts = field(default_factory=Counts)
    failure_reason: str | None = None
    failure_message: str | None = None
    report_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NotRead(Answered):
    """monday does not tell a job's state.

    Attributes:
        outcome: Ask again (`Retry`), wait for somebody to act (`Stop`), or take the job for
            unknown to monday (`Reject`).
    """

    outcome: Retry | Stop | Reject


@dataclass(frozen=True, slots=True)
class ReportUnreadable:
    """The report cannot be had or understood; a job's state gives a new address for it."""

    reason: str

"""One bulk import: what was asked for, how far it is, what became of each row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.limits import TokenLimits

UPSERT = "UPSERT"
SKIP = "SKIP"

# The words of a report's `status`. `success` and `validation_error` are observed, the others
# are the sandbox's own: no source shows them.
SUCCESS = "success"
INVALID = "validation_error"
SKIPPED = "skipped"
FAILED_ROW = "failed"


@dataclass(frozen=True)
class OnMatch:
    """What happens to a row whose value in one column an item of the board has already."""

    column_id: str
    behaviour: str


@dataclass
class Row:
    """One data row of an uploaded file.

    Attributes:
        number: Its place among the data rows, from 1.
        values: The row's values as JSON by column id, in the form a mutation takes.
        key: The value that is matched; None when the row is to be a new item in any case.
        parent: For a subitem, the row of its item.
        below: Whether the row is a subitem.
        errors: Why cells are refused, by the header of the column.
        status: What became of it, in the report's words; empty as long as it is to be done.
    """

    number: int
    name: str
    values: dict[str, Any] = field(default_factory=dict)
    key: Any = None
    parent: Row | None = None
    below: bool = False
    errors: dict[str, str] = field(default_factory=dict)
    status: str = ""
    item_id: str = ""
    error: str = ""

    def refuse(self, header: str, reason: str) -> None:
        """Leave the row out because of one cell."""
        self.errors[header] = reason
        self.status = INVALID
        self.error = "; ".join(f"[{name}]: {text}" for name, text in self.errors.items())


@dataclass
class ItemCounts:
    """`ItemsJobItemCounts`."""

    submitted: int = 0
    invalid: int = 0
    skipped: int = 0
    created: int = 0
    updated: int = 0
    failed: int = 0


@dataclass
class IngestJob:
    """A job from its start to its end.

    Attributes:
        operation: `ingest_items` or `backfill_items`.
        limits: Of the token that started it; nobody else sees the job.
        state: A `BulkImportState`.
        done: How many of `rows` have been gone through.
        reserved: Items taken from the hourly budget that began at `hour`.
    """

    id: str
    operation: str
    limits: TokenLimits
    board_id: str
    group_id: str
    on_match: OnMatch | None
    state: str = "UPLOAD_PENDING"
    counts: ItemCounts = field(default_factory=ItemCounts)
    rows: list[Row] = field(default_factory=list)
    done: int = 0
    reserved: int = 0
    hour: float | None = None
    reason: str | None = None
    message: str | None = None
    report: str | None = None

    def end(self, state: str, reason: str, message: str) -> None:
        """End it as REJECTED or FAILED."""
        self.state, self.reason, self.message = state, reason, message

    def described(self) -> dict[str, Any]:
        """`ItemsJobStatus` without its `report_url`.

        `fully_imported` looks at failed rows only: it is true though rows were invalid
        (observed).
        """
        return {
            "job": self,
            "status": self.state,
            "counts": asdict(self.counts),
            "progress_percentage": self._progress(),
            "failure_reason": self.reason,
            "failure_message": self.message,
            "fully_imported": self.state == "COMPLETED" and self.counts.failed == 0,
            "report_created": self.report is not None,
        }

    def _progress(self) -> int:
        if self.state == "COMPLETED":
            return 100
        return self.done * 100 // len(self.rows) if self.rows else 0

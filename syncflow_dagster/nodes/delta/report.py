"""What a build tells while it runs and when it is done."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.testing.crash import DELTA_STAGES, crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from syncflow_dagster.nodes.delta.cursor import Strategy
    from syncflow_dagster.nodes.rows import Interval

COUNTS = (
    "read",
    "records",
    "inserted",
    "updated",
    "deleted",
    "same",
    "rejected",
    "duplicates",
    "waiting",
    "superseded",
    "migrated",
)


@dataclass(frozen=True)
class Progress:
    """How far a stage is.

    Attributes:
        stage: One of the nine stages.
        rows: Rows the stage has handled.
        rows_per_s: Rows per second since the build began.
        seconds: The stage's own time so far.
        seconds_left: Time the stage still needs at that rate, where the total is known.
    """

    stage: str
    rows: int
    rows_per_s: float
    seconds: float
    seconds_left: float | None


@dataclass(frozen=True)
class StageReport:
    """Rows a stage handled, and the time it took."""

    name: str
    rows: int
    seconds: float


@dataclass(frozen=True)
class RejectedRecord:
    """A row that could not become a record.

    Attributes:
        row_number: Place in what the source gave, from 1.
        business_key: Readable key, as far as it could be read.
        customer: The customer's name, where it could be read.
        column: Source column at fault, or the field where there is no single column.
        value: The value as text, cut when very long.
        rule: Short name of the rule it breaks.
        reason: What is wrong, in plain English.
        record: The whole row, values as text.
    """

    row_number: int
    business_key: str | None
    customer: str | None
    column: str
    value: str | None
    rule: str
    reason: str
    record: dict[str, str | None]


@dataclass
class DeltaResult:
    """What a build did.

    Attributes:
        batch_id: Row of `syncflow.batch`.
        counts: By the names in `COUNTS`. `read` is the source's rows, `records` what they became
            (more with unpivot); records = inserted + updated + same + rejected + duplicates.
            `duplicates` were dropped by the rule `first` or `last`; under `reject` they count as
            rejected. `waiting` are new delta rows whose parent is not there; `superseded` are
            older delta rows that the new ones replace; `migrated` are records among the same
            ones whose stored hashes were brought to changed rules.
        stages: The nine, in order. Chunks are worked on at once, so the seconds of normalise and
            identify are those of work, not of waiting for it. The rows of normalise are those that
            were not seen before.
        seconds: From the first row to the commit.
        strategy: `hash` or `sweep` (all rows were read), or `changes`.
        resumed: Chunks that an earlier build had finished already.
        interval: The time the rows are of; None: the source does not go by intervals.
        rejected: The first 100 by row number.
        preview: Up to 20 delta rows.
    """

    batch_id: int
    counts: dict[str, int]
    stages: list[StageReport]
    rejected: list[RejectedRecord]
    preview: pl.DataFrame
    seconds: float = 0.0
    strategy: Strategy = "hash"
    resumed: int = 0
    interval: Interval | None = None


@dataclass
class Stages:
    """Times and rows of the nine stages, told to a listener as they grow.

    Several threads may measure at once.

    Args:
        listener: Called with the progress of a stage each time it ends a piece of work.
        total: Rows the source is expected to give, where known.
    """

    listener: Callable[[Progress], None] | None = None
    total: int | None = None
    _rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DELTA_STAGES, 0))
    _seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(DELTA_STAGES, 0.0))
    _started: float = field(default_factory=time.perf_counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def measure(self, stage: str) -> Iterator[Callable[[int], None]]:
        """Time a piece of a stage; the function given takes the rows it handled."""
        started = time.perf_counter()
        rows = 0

        def handled(more: int) -> None:
            nonlocal rows
            rows += more

        yield handled
        with self._lock:
            self._rows[stage] += rows
            self._seconds[stage] += time.perf_counter() - started
            self._tell(stage)
        crash_point(f"delta.{stage}")

    def add(self, stage: str, seconds: float) -> None:
        """Count time of a stage that was spent beside another one."""
        with self._lock:
            self._seconds[stage] += seconds

    @property
    def seconds(self) -> float:
        """Seconds since the build began."""
        return time.perf_counter() - self._started

    def restart(self, stages: tuple[str, ...]) -> None:
        """Forget what stages did: their transaction was rolled back and begins again."""
        for stage in stages:
            self._rows[stage] = 0

    def rows(self, stage: str) -> int:
        """Return the rows a stage handled so far."""
        return self._rows[stage]

    def reports(self) -> list[StageReport]:
        """Return the nine stages' reports."""
        return [
            StageReport(name, self._rows[name], round(self._seconds[name], 6))
            for name in DELTA_STAGES
        ]

    def as_json(self) -> list[dict[str, Any]]:
        """Return the reports as the batch row keeps them."""
        return [asdict(report) for report in self.reports()]

    def _tell(self, stage: str) -> None:
        if self.listener is None:
            return
        rows, seconds = self._rows[stage], self._seconds[stage]
        elapsed = self.seconds
        rate = rows / elapsed if elapsed else 0.0
        left = max(self.total - rows, 0) / rate if self.total is not None and rate else None
        self.listener(Progress(stage, rows, rate, seconds, left))

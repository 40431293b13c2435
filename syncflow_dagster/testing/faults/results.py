"""What each fault did, as the rows of a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

#: Real seconds from a disturbance to the end of the work that are still a kept promise.
RECOVERY_LIMIT_S = 60.0
_COLUMNS = ("duplicates", "lost", "unknown", "extra_calls", "recovery_s")
#: Characters of a fault's number.
_NUMBER_WIDTH = 6


@dataclass(slots=True)
class FaultResult:
    """What one fault did.

    Attributes:
        fault: Its name.
        number: Its kind, as in the list of the faults' page: `F3`.
        duplicates: Objects created more than once, by the sandbox's log; of a delta alone, rows
            that the undisturbed build does not have.
        lost: Records neither at the board nor explained; of a delta alone, rows that only the
            undisturbed build has.
        unknown: Effects whose outcome is still not known; of a delta alone, batches that nobody
            has ended.
        extra_calls: Requests beyond those of the undisturbed run; of a delta alone, batches of
            rows that the source was asked for again.
        recovery_s: Real seconds from the disturbance (or beyond the undisturbed run) to the end.
        second_run_writes: Writes of another run, in which nothing had changed.
        broken: Other promises that were not kept, in words.
        error: What kept the case from being judged.
        figures: Of a load, what its run took: `seconds`, `requests_per_1000` writes, `peak_mb`.
    """

    fault: str
    number: str = ""
    duplicates: int = 0
    lost: int = 0
    unknown: int = 0
    extra_calls: int = 0
    recovery_s: float = 0.0
    second_run_writes: int = 0
    broken: list[str] = field(default_factory=list)
    error: str | None = None
    figures: dict[str, float] | None = None

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        kept = not (self.duplicates or self.lost or self.unknown or self.second_run_writes)
        in_time = self.recovery_s <= RECOVERY_LIMIT_S
        return kept and in_time and not self.broken and self.error is None

    @property
    def trouble(self) -> str:
        """What a person has to know of a case that did not pass, beside its numbers."""
        return "; ".join([*self.broken, *([self.error] if self.error else [])])

    def line(self, width: int) -> str:
        """Return the row for a person, the name in so many characters."""
        numbers = "  ".join(f"{getattr(self, name):>11}" for name in _COLUMNS)
        mark = "" if self.passed else "  FAILED"
        return f"{self.number:<{_NUMBER_WIDTH}}  {self.fault:<{width}}  {numbers}{mark}"


@dataclass(slots=True)
class FaultOutcome:
    """The whole table."""

    results: list[FaultResult] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every fault was survived."""
        return all(one.passed for one in self.results)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the table as rows."""
        rows = [asdict(one) for one in self.results]
        empty: tuple[object, ...] = (None, [])
        return [{name: value for name, value in row.items() if value not in empty} for row in rows]

    def lines(self) -> list[str]:
        """Return the table for a person."""
        width = max((len(one.fault) for one in self.results), default=5)
        columns = "  ".join(f"{name:>11}" for name in _COLUMNS)
        head = f"{'number':<{_NUMBER_WIDTH}}  {'fault':<{width}}  {columns}"
        return [head, "-" * len(head), *(one.line(width) for one in self.results)]

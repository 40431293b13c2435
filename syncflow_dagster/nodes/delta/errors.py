"""Why a delta could not be built. In every case nothing of the batch was written."""

from __future__ import annotations

from syncflow_dagster.core.leaving import Left


class DeltaError(RuntimeError):
    """A delta could not be built; the text says why and what would be right."""


class DeltaBusy(DeltaError):
    """Another process builds the same node's delta right now."""


class MissingColumn(DeltaError):
    """The source gave no column that a field is read from."""


class DeleteGuard(DeltaError):
    """More records would be deleted than the node allows."""


class DeltaDefinitionError(DeltaError):
    """The node's definition cannot be used, or does not fit its tables."""


class ReadingLeft(Left):
    """A build had to stop while it read; what it has read may be of use to the next one.

    Args:
        reason: Why.
        rows: Rows of the source that are read and kept; 0: the next build reads all of them again.
    """

    def __init__(self, reason: str, rows: int) -> None:
        super().__init__(reason)
        self.rows = rows

    def in_words(self) -> str:
        """Return why it stopped, and what the next build does."""
        if self.rows:
            return f"{self.reason}; {self.rows:,} rows are read, and the next build reads on"
        return (
            f"{self.reason}; the source could not be read on from where it stopped, so the next "
            "build reads it again from its first row"
        )

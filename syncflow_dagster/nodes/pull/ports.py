"""What the pull node needs of a source, and what can go wrong there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

#: What can be bound to a statement.
BoundValue = None | bool | int | float | Decimal | str | bytes | date | datetime | time | UUID


@dataclass(frozen=True, slots=True)
class Query:
    """One SQL statement with the values bound to it.

    Attributes:
        text: SQL with `:name` for each parameter, and every other colon as the author wrote it.
        parameters: Values by name.
        path: The template it came from, for error texts.
    """

    text: str
    parameters: Mapping[str, BoundValue] = field(default_factory=dict)
    path: Path | None = None


class SourceError(Exception):
    """Rows could not be read. The text names the source and never holds a secret."""


class SourceUnavailableError(SourceError):
    """The database does not answer, or breaks off; the same pull may succeed later."""


class QueryFailedError(SourceError):
    """The database refuses the query, or what it answers cannot be used; a repeat fails too."""


class Source(Protocol):
    """A place rows are read from."""

    def read(self, query: Query, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Read the rows of a query, never holding more than a batch of them.

        Args:
            query: What to read.
            batch_rows: Rows in a batch, at least 1.

        Yields:
            Batches of one schema; but a column of dates is text in a batch where a row holds one
            that Arrow has not, such as infinity, and `DATES_AS_TEXT` marks it. At least one batch:
            an empty one where there are no rows, so that the columns are known.

        Raises:
            SourceUnavailableError: Worth another try later.
            QueryFailedError: Not worth one.
        """
        ...

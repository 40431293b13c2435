"""Rows on their way from a source to a delta: what a delta needs of whoever reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

#: A value that orders rows: of a resume column or a row version.
Mark: TypeAlias = int | str | datetime | date
#: Key of an Arrow field's metadata: the texts of this batch are dates, and some that are none. The
#: value is the name of the type the column has in other batches, such as ``timestamp[us, tz=UTC]``.
DATES_AS_TEXT = b"syncflow.dates_as_text"


def dates_type(field: pa.Field) -> str | None:
    """Return what :data:`DATES_AS_TEXT` says of a column; None for one that is as it always is."""
    kind = (field.metadata or {}).get(DATES_AS_TEXT)
    return None if kind is None else kind.decode()


class PositionLost(Exception):
    """A source cannot read on from where it was asked to; a read from the first row may do."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of the source's time.

    Attributes:
        start: Only what is later; None: from the first row on.
        end: Nothing that is later.
    """

    start: datetime | None
    end: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """Where a read begins, and what it leaves out.

    Attributes:
        after: The :attr:`Piece.resume` of the last piece that is already kept; None: from the
            first row.
        changed_since: Only rows whose row version is greater; None: all rows.
        interval: Only rows of that time, for a source that asks for it; None: all rows.
        scheduled_for: The due time of the run, for a source that asks for it.
    """

    after: Mark | None = None
    changed_since: Mark | None = None
    interval: Interval | None = None
    scheduled_for: datetime | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A batch of rows.

    Attributes:
        batch: The rows; all pieces of a read have the same columns, though a column may be text
            in some of them.
        resume: What :attr:`Position.after` must be to read on behind this batch; None where a
            read cannot go on there.
        covered: Row version up to which the whole read is sure to show every change; what is
            newer may still show rows late. None: the rows' own versions tell.
    """

    batch: pa.RecordBatch
    resume: Mark | None = None
    covered: Mark | None = None


class RowSource(Protocol):
    """Somewhere rows can be read from, more than once."""

    @property
    def fingerprint(self) -> str:
        """What is read, in a text that differs when other rows would be read.

        A read that broke off is continued only under the same fingerprint.
        """

    @property
    def selects_changes(self) -> bool:
        """Whether :attr:`Position.changed_since` is honoured."""

    def read(self, position: Position) -> Iterator[Piece]:
        """Read rows, never holding more than a batch of them.

        Yields:
            At least one piece: an empty one where there are no rows, so that the columns are
            known.

        Raises:
            PositionLost: It cannot be read on behind :attr:`Position.after`.
        """


@dataclass(frozen=True)
class GivenRows:
    """Rows that are already at hand; a read of them always begins at the first.

    Attributes:
        batches: The rows.
        fingerprint: See :class:`RowSource`; without one, no two are taken for the same.
    """

    batches: Iterable[pa.RecordBatch]
    fingerprint: str = field(default_factory=lambda: uuid4().hex)

    @property
    def selects_changes(self) -> bool:
        """No: what is given is all there is."""
        return False

    def read(self, position: Position) -> Iterator[Piece]:  # noqa: ARG002 - the port's signature
        """Give the rows."""
        for batch in self.batches:
            yield Piece(batch)

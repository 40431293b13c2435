"""The order of rows a read can go on in: what it holds to, and where a batch ends."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from syncflow_dagster.nodes.delta.source import resolve
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.pull.template import RESUME_AFTER
from syncflow_dagster.nodes.rows import dates_type

if TYPE_CHECKING:
    from pathlib import Path

    from syncflow_dagster.nodes.rows import Mark
    from syncflow_dagster.workflows.models import PullNode


class Order:
    """Holds batches to the order of a pull node's `resume` column.

    Each value must be greater than the one before: a read that goes on behind a value that is
    there twice, or out of order, would leave rows out and nobody would know. Texts are compared
    character by character, as no collation of a database is known here.

    Args:
        node: The pull node; it names a `resume` column.
        path: Its template, for error texts.
        after: The value the read goes on behind; None: it begins at the first row.
    """

    def __init__(self, node: PullNode, path: Path | None, after: Mark | None) -> None:
        assert node.resume is not None
        self._node = node.name
        self._column = node.resume
        self._where = f" ({path})" if path is not None else ""
        self._last = after
        self._fresh = after is not None

    def follow(self, batch: pa.RecordBatch) -> Mark | None:
        """Take the next batch.

        Returns:
            The value to go on behind.

        Raises:
            MissingColumn: There is no such column.
            QueryFailedError: The column's type has no order, a value is NULL, a date that is
                none, or not greater than the one before.
        """
        name = resolve(batch.schema.names, self._column, self._node, "resume")
        if dates_type(batch.schema.field(name)) is not None:
            what = "holds a date that is infinity, of no calendar or beyond the years 1 to 9999; "
            raise self._error(what + "leave those rows out in the query")
        values = batch.column(name)
        if not _has_order(values.type):
            what = f"is {values.type}, not a whole number, text, date or date-time; cast it to one"
            raise self._error(what)
        if values.null_count:
            raise self._error("holds NULL; leave those rows out in the query, or read on by a key")
        if len(values):
            self._check(values)
            self._last = _mark(values[-1])
            self._fresh = False
        return self._last

    def _check(self, values: pa.Array) -> None:
        first = _mark(values[0])
        if self._last is not None and not _less(self._last, first):
            if self._fresh:
                what = f"gives {first!r} to a read that goes on behind {self._last!r}; the query "
                raise self._error(what + f"must leave out rows up to {RESUME_AFTER}")
            raise self._unordered(self._last, first)
        rises = pc.less(values[:-1], values[1:])
        if pc.all(rises, min_count=0).as_py():
            return
        at = pc.index(rises, False).as_py()
        raise self._unordered(_mark(values[at]), _mark(values[at + 1]))

    def _unordered(self, before: Mark, after: Mark) -> QueryFailedError:
        hint = f"order the query by {self._column} alone, and let its values be unique"
        if isinstance(before, str):
            hint += "; a text is ordered by a binary collation, a number is cast to one"
        return self._error(f"has {after!r} behind {before!r}; {hint}")

    def _error(self, what: str) -> QueryFailedError:
        return QueryFailedError(
            f"the result of the query{self._where} cannot be read on: "
            f"the resume column {self._column!r} {what}"
        )


def _has_order(kind: pa.DataType) -> bool:
    if pa.types.is_decimal(kind):
        return bool(kind.scale == 0)  # the whole numbers of databases that know no others
    known = (
        pa.types.is_integer,
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_date,
        pa.types.is_timestamp,
    )
    return any(is_kind(kind) for is_kind in known)


def _mark(value: pa.Scalar) -> Mark:
    plain = value.as_py()
    return int(plain) if isinstance(plain, Decimal) else plain


def _less(before: Mark, after: Mark) -> bool:
    """Compare; values of two kinds have no order."""
    try:
        return before < after  # type: ignore[operator]
    except TypeError:
        return False

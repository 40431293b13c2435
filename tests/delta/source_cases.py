"""A source that can go on where a read broke off and select what changed; builds that read it."""

from __future__ import annotations

import pyarrow as pa
from delta_cases import NOW, WORKFLOW, delta_rows, snapshot_rows

from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta
from syncflow_dagster.nodes.pull.ports import SourceUnavailableError
from syncflow_dagster.nodes.rows import Piece, PositionLost

# What differs between two runs, or between two tables that hold the same.
UNLIKE = {"delta_id", "batch_id", "superseded_by", "state_since", "created_at", "reason"}


class ClockAt:
    """A clock that shows what it is set to."""

    def __init__(self, now=NOW):
        self.time = now

    def now(self):
        return self.time

    def sleep(self, seconds):
        raise AssertionError("a build never sleeps")


class MarkedRows:
    """Rows in memory, read in pieces in the order of a column.

    Args:
        rows: They may change between reads.
        mark: The column a read goes on behind; None: a read always begins at the first row.
        version: The column that says when a row changed; None: changes cannot be selected.
        piece: Rows in a piece.
        breaks_after: Rows after which the source does not answer any more.
        loses_position: Whether a read can only begin at the first row.
        covered: Version up to which a read shows all changes; None: the rows tell.
    """

    def __init__(
        self,
        rows,
        *,
        mark="N",
        version=None,
        piece=4,
        fingerprint="q",
        breaks_after=None,
        loses_position=False,
        covered=None,
    ):
        self.rows = rows
        self.mark = mark
        self.version = version
        self.piece = piece
        self.fingerprint = fingerprint
        self.breaks_after = breaks_after
        self.loses_position = loses_position
        self.covered = covered
        #: The positions of all reads, and the marks of the rows that were given.
        self.asked = []
        self.given = []

    @property
    def selects_changes(self):
        return self.version is not None

    def read(self, position):
        self.asked.append(position)
        if self.loses_position and position.after is not None:
            raise PositionLost("the rows behind it are not kept any more")
        schema = pa.Table.from_pylist(self.rows).schema
        rows = self.rows
        if self.mark is not None:
            rows = sorted(rows, key=lambda row: row[self.mark])
        if position.after is not None:
            rows = [row for row in rows if row[self.mark] > position.after]
        if position.changed_since is not None:
            rows = [row for row in rows if self._changed(row, position.changed_since)]
        for start in range(0, max(len(rows), 1), self.piece):
            if self.breaks_after is not None and start >= self.breaks_after:
                raise SourceUnavailableError("the source does not answer")
            some = rows[start : start + self.piece]
            self.given += some
            batch = pa.Table.from_pylist(some, schema=schema).combine_chunks().to_batches()
            empty = pa.RecordBatch.from_pylist([], schema=schema)
            resume = some[-1][self.mark] if some and self.mark is not None else None
            yield Piece(batch[0] if batch else empty, resume, self.covered)

    def _changed(self, row, since):
        version = row[self.version]
        # As `where version > :since or version is null` has it.
        return version is None or version > since


def build_from(database, node, source, *, parent=None, clock=None, workflow=WORKFLOW, **options):
    return build_delta(
        database,
        workflow,
        node,
        source,
        parent=parent,
        clock=clock or ClockAt(),
        options=DeltaOptions(**options),
    )


def outcome(database, node):
    """What a node's tables hold, without what differs from run to run."""

    def alike(rows, *order):
        kept = [{name: row[name] for name in row if name not in UNLIKE} for row in rows]
        return sorted(kept, key=lambda row: [str(row[name]) for name in order])

    rejected = database.fetch_all(
        "select row_number, business_key, rule, times, resolved_at from rejected_record"
        " where node = %s order by row_number, business_key",
        [node.name],
    )
    deltas = alike(delta_rows(database, node), "business_key", "generation", "operation", "state")
    return deltas, alike(snapshot_rows(database, node), "business_key"), rejected

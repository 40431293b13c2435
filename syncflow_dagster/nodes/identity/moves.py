"""Moves to other companies as rows of a source, for a delta node to make an entity of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from syncflow_dagster.nodes.rows import Piece
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.rows import Position
    from syncflow_dagster.store.database import Database

#: Columns of the rows, in their order.
SCHEMA = pa.schema(
    [
        ("move_id", pa.int64()),
        ("person_id", pa.string()),
        ("contact_id", pa.string()),
        ("former_contact_id", pa.string()),
        ("name", pa.string()),
        ("email", pa.string()),
        ("former_email", pa.string()),
        ("company", pa.string()),
        ("former_company", pa.string()),
        ("account_id", pa.string()),
        ("former_account_id", pa.string()),
        ("title", pa.string()),
        ("linkedin", pa.string()),
        ("moved_at", pa.timestamp("us", "UTC")),
        ("tier", pa.int64()),
        ("evidence", pa.string()),
    ]
)
BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class MoveRows:
    """The moves an identity node found, in the order of finding; a read goes on behind any of them.

    A move's number grows and is visible only after all smaller ones, so it may be a delta node's
    `rowversion`.

    Attributes:
        database: Where they are.
        workflow: The workflow's name.
        node: The identity node's name.
        batch_rows: Rows held at a time.
    """

    database: Database
    workflow: str
    node: str
    batch_rows: int = BATCH_ROWS

    @property
    def fingerprint(self) -> str:
        """Names the node whose moves these are."""
        return f"moves of {self.workflow}.{self.node}"

    @property
    def selects_changes(self) -> bool:
        """Yes: a move is never changed but where two persons turn out to be one."""
        return True

    def read(self, position: Position) -> Iterator[Piece]:
        """Read the moves behind a number, in their order."""
        marks = [one for one in (position.after, position.changed_since) if one is not None]
        after = max((int(str(one)) for one in marks), default=0)
        while True:
            rows = self._rows(after)
            after = rows[-1]["move_id"] if rows else after
            resume = after if rows else None
            yield Piece(pa.RecordBatch.from_pylist(rows, SCHEMA), resume=resume)
            if len(rows) < self.batch_rows:
                return

    def _rows(self, after: int) -> list[DictRow]:
        values = {
            "workflow": self.workflow,
            "node": self.node,
            "after": after,
            "limit": self.batch_rows,
        }
        return self.database.fetch_all(sql.load("identity")["moves"], values)

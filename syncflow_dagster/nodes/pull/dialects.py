"""How databases without a source of their own tell which types their columns have.

SQLite has no types of columns, only of values; it is asked beforehand which ones occur. For others
the first batch decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from syncflow_dagster.nodes.pull import columns
from syncflow_dagster.nodes.pull.columns import ColumnPlan
from syncflow_dagster.nodes.pull.quotes import without_end
from syncflow_dagster.nodes.pull.statement import statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from sqlalchemy import Connection

    from syncflow_dagster.nodes.pull.columns import Convert
    from syncflow_dagster.nodes.pull.ports import Query

#: Arrow types by the set of value types SQLite's `typeof` finds in a column.
_SQLITE: Mapping[frozenset[str], tuple[pa.DataType, Convert | None]] = {
    frozenset({"integer"}): (columns.INTEGER, None),
    frozenset({"real"}): (columns.FLOAT, None),
    frozenset({"text"}): (columns.TEXT, None),
    frozenset({"blob"}): (columns.BINARY, None),
}


class Dialect(Protocol):
    """Plans the columns of one statement."""

    def prepare(self, conn: Connection, query: Query) -> None:
        """Look at the statement before it runs, in the transaction it will run in."""

    def plan(self, described: Sequence[Any], first: Sequence[Sequence[Any]]) -> list[ColumnPlan]:
        """Fix the columns.

        Args:
            described: What the driver says of each column; its first part is the name.
            first: Rows of the first batch; may be empty.
        """


class SqliteDialect:
    """Asks SQLite which types of values occur in each column.

    That reads the rows twice, inside one transaction. A column of several types becomes text; so
    does one without values.
    """

    def __init__(self) -> None:
        self._types: list[frozenset[str]] = []

    def prepare(self, conn: Connection, query: Query) -> None:
        """Collect the types of every column."""
        conn.exec_driver_sql("begin")  # one state of the data for both readings
        inner = f"(\n{without_end(query.text, 'sqlite')}\n)"
        # The author's own statement stands inside; its values stay bound.
        empty = replace(query, text=f"select * from {inner} limit 0")  # noqa: S608
        names = list(conn.execute(statement(empty)).keys())
        quoted = ['"' + name.replace('"', '""') + '"' for name in names]
        kinds = ", ".join(f"group_concat(distinct typeof({name}))" for name in quoted)
        asked = replace(query, text=f"select {kinds} from {inner}")  # noqa: S608
        found = conn.execute(statement(asked)).one()
        self._types = [frozenset((kinds or "").split(",")) - {"null", ""} for kinds in found]

    def plan(
        self,
        described: Sequence[Any],
        first: Sequence[Sequence[Any]],  # noqa: ARG002
    ) -> list[ColumnPlan]:
        """Fix the columns by the types that were found."""
        text_kind = (columns.TEXT, columns.as_text)
        return [
            ColumnPlan(name, *_SQLITE.get(types, text_kind))
            for (name, *_), types in zip(described, self._types, strict=True)
        ]


class FirstBatchDialect:
    """Fixes the columns by the values of the first batch, for databases not known here.

    A column that is NULL throughout the first batch is text from then on.
    """

    def prepare(self, conn: Connection, query: Query) -> None:
        """Nothing to ask beforehand."""

    def plan(self, described: Sequence[Any], first: Sequence[Sequence[Any]]) -> list[ColumnPlan]:
        """Fix the columns by what they hold."""
        names = [name for name, *_ in described]
        values = list(zip(*first, strict=True)) if first else [()] * len(names)
        return [columns.infer(name, column) for name, column in zip(names, values, strict=True)]


def dialect(name: str) -> Dialect:
    """Return the way to plan columns for a database, by SQLAlchemy's name of it."""
    known: Mapping[str, type[Dialect]] = {
        "sqlite": SqliteDialect,
    }
    return known.get(name, FirstBatchDialect)()

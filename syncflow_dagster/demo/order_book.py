"""Load the example order book into a source database, as an ERP system would keep it.

The rows come from ``workflows/order_list/data/*.csv``, the tables from
``workflows/order_list/source.sql``. Works on PostgreSQL and SQLite.
"""

from __future__ import annotations

import csv
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    create_engine,
    func,
    inspect,
    select,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy.types import TypeEngine

#: Where the example keeps its DDL and data.
ORDER_LIST = Path(__file__).resolve().parents[2] / "workflows" / "order_list"

_BATCH = 500
_TABLE = re.compile(r"create table if not exists (?P<name>\w+) \((?P<columns>.*?)\n\)", re.DOTALL)
_COLUMN = re.compile(r"^\s+(?P<name>\w+)\s+(?P<type>timestamp with time zone|[a-z]+)", re.MULTILINE)
_BOOLEANS = {"true": True, "false": False}
#: How the DDL's types are bound, and how the CSV's text is read.
_TYPES: Mapping[str, tuple[TypeEngine[Any], Callable[[str], Any]]] = {
    "text": (Text(), str),
    "integer": (Integer(), int),
    "numeric": (Numeric(12, 2), Decimal),
    "boolean": (Boolean(), _BOOLEANS.__getitem__),
    "date": (Date(), date.fromisoformat),
    "timestamp with time zone": (DateTime(timezone=True), datetime.fromisoformat),
}


def load_order_book(
    sqlalchemy_url: str, *, reset: bool = False, folder: Path = ORDER_LIST
) -> dict[str, int]:
    """Create the order book's tables and fill them, all in one transaction.

    Tables that are there already keep their rows, so that calling it again never takes back what
    somebody changed in the meantime.

    Args:
        sqlalchemy_url: The source database, for example ``postgresql+psycopg://...``.
        reset: Drop the tables first, so that they hold exactly the example afterwards.
        folder: Holds ``source.sql`` and ``data/<table>.csv``.

    Returns:
        Number of rows in each table.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database refuses.
        FileNotFoundError: The example's files are not in the folder.
    """
    ddl = (folder / "source.sql").read_text(encoding="utf-8")
    tables = list(_tables(ddl))
    engine = create_engine(sqlalchemy_url)
    try:
        with engine.begin() as conn:
            missing = []
            for table, types in tables:
                if reset:
                    table.drop(conn, checkfirst=True)
                if not inspect(conn).has_table(table.name):
                    missing.append((table, types))
            _create(conn, ddl)
            for table, types in missing:
                _fill(conn, table, types, folder / "data" / f"{table.name}.csv")
            return {
                table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
                for table, _ in tables
            }
    finally:
        engine.dispose()


def _tables(ddl: str) -> Iterator[tuple[Table, list[tuple[str, str]]]]:
    """Yield each table of the DDL with its columns' names and types."""
    for found in _TABLE.finditer(ddl):
        types = [(column["name"], column["type"]) for column in _COLUMN.finditer(found["columns"])]
        columns = [Column(name, _TYPES[kind][0]) for name, kind in types]
        yield Table(found["name"], MetaData(), *columns), types


def _create(conn: Connection, ddl: str) -> None:
    """Run the whole DDL: each of its statements leaves alone what is there."""
    bare = "\n".join(line.partition("--")[0] for line in ddl.splitlines())
    for statement in bare.split(";"):
        if statement.strip():
            conn.execute(text(statement))


def _fill(conn: Connection, table: Table, types: list[tuple[str, str]], data: Path) -> None:
    parsers = {name: _TYPES[kind][1] for name, kind in types}
    batch: list[dict[str, Any]] = []
    with data.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            # CSV knows no NULL: in this data an empty cell is one.
            batch.append({k: parsers[k](v) if v else None for k, v in row.items()})
            if len(batch) == _BATCH:
                conn.execute(table.insert(), batch)
                batch = []
    if batch:
        conn.execute(table.insert(), batch)

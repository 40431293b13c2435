"""What every source must do, as a suite: a source's tests inherit it and give a harness.

The harness writes rows its own way, past the source; what the source reads is compared with them.
"""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil
import pyarrow as pa
import pytest

from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncflow_dagster.nodes.pull.ports import BoundValue, Query, Source

#: Kinds of columns: `integer` has 32 bits, `bigint` 64, `decimal` 38 digits with 12 after the
#: point, `local` is a date-time without a zone, `instant` one with a zone.
Kind = Literal[
    "text", "integer", "bigint", "decimal", "float", "boolean", "date", "local", "instant", "binary"
]

#: Arrow types of the kinds.
TYPES: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "bigint": pa.int64(),
    "decimal": pa.decimal128(38, 12),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "local": pa.timestamp("us"),
    "instant": pa.timestamp("us", "UTC"),
    "binary": pa.binary(),
}
_EAST = timezone(timedelta(hours=5, minutes=30))
#: Values that go wrong where somebody reads them carelessly.
VALUES: Mapping[Kind, Sequence[Any]] = {
    "text": (
        "plain", "", " ", "  two  blanks  ", "Zoë 日本 📷 e\u0301 \u2028 \ufeff", "NULL", "\\N",
        "a,b;c|d", "it's \"quoted\" \\ back", "line\nbreak\r\nand\ttab\r", "{{ 1 }} :p1 %s $1 %",
        "1", "1.50", "true", "2026-01-02", "x" * 5000,
    ),
    "integer": (0, 1, -1, 2_147_483_647, -2_147_483_648),
    "bigint": (9_223_372_036_854_775_807, -9_223_372_036_854_775_808, 9_007_199_254_740_993),
    "decimal": (
        Decimal("12345678901234567890123456.789012345678"),
        Decimal("-99999999999999999999999999.999999999999"),
        Decimal("0.000000000001"), Decimal("-1.1"), Decimal(0), Decimal("1E+20"),
    ),
    "float": (0.1, 0.0, -1.5, 1e300, -2.5e-300, 1 / 3, 123456789.123456789),
    "boolean": (True, False),
    "date": (date(1, 1, 1), date(1582, 10, 10), date(1899, 12, 31), date(2024, 2, 29),
             date(9999, 12, 31)),
    "local": (
        datetime(1850, 1, 2, 3, 4, 5), datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001
        datetime(2026, 3, 29, 2, 30), datetime(9999, 12, 31, 23, 59, 59, 1),  # noqa: DTZ001
    ),
    "instant": (
        datetime(1850, 1, 2, 3, 4, 5, 60, UTC), datetime(2026, 3, 29, 2, 30, tzinfo=_EAST),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ),
    "binary": (b"\x00\xff\n,\"'\\", b"", b"\\x00", bytes(range(256))),
}  # fmt: skip


class SourceHarness(ABC):
    """A source, and a way past it to the place it reads from.

    Attributes:
        types: The kinds the place has, with the Arrow types they are read as.
        values: Values by kind; leave out what the place itself cannot hold.
        types_are_declared: A column without any value still has its type.
        huge_rows: Rows of two megabytes that are far more together than the source may hold.
        secret: A password in what the source was made of; no message may show it.
    """

    types: Mapping[Kind, pa.DataType] = TYPES
    values: Mapping[Kind, Sequence[Any]] = VALUES
    types_are_declared: bool = True
    huge_rows: int = 24
    secret: str = "hunter2"  # noqa: S105 - made up for the tests

    @abstractmethod
    def source(self) -> Source:
        """Return the source under test."""

    @abstractmethod
    def unreachable(self) -> Source:
        """Return one whose server does not answer, or whose file is not there."""

    @abstractmethod
    def fill(self, columns: Mapping[str, Kind], rows: Iterable[Sequence[Any]]) -> Query:
        """Put rows into a new table.

        Args:
            columns: Kinds by name. The first is an `integer` that numbers the rows.
            rows: Values in the columns' order.

        Returns:
            A query of all columns in their order, and all rows in the order of the first column;
            for SQL its text has one `order by`.
        """

    @abstractmethod
    def broken(self, path: Path) -> Query:
        """Return a query from a template called `path` that the place refuses."""

    @abstractmethod
    def left_open(self) -> int:
        """Return what sources still hold: connections, statements, files.

        Waits a few seconds for a server to notice that somebody left.
        """

    def only(self, query: Query, column: str, value: BoundValue) -> Query | None:
        """Return a query of the rows where a column equals a bound value, None if none binds."""
        text = query.text.replace(" order by ", f" where {column} = :p1 order by ", 1)
        return replace(query, text=text, parameters={"p1": value})

    def read_as(self, kind: Kind, value: Any) -> Any:
        """Return how a value is read, where the place keeps it in another form."""
        del kind
        return value


class SourceConformance:
    """The suite; a subclass gives the fixture `harness`."""

    @pytest.mark.parametrize("kind", list(TYPES))
    def test_values_arrive_as_they_were_written(self, harness: SourceHarness, kind: Kind) -> None:
        """Each with its type, and NULL among them."""
        _skip_without(harness, kind)
        values = [None, *harness.values[kind], None]
        table = _read(harness, harness.fill({"n": "integer", "v": kind}, enumerate(values)))
        assert table.schema.field(1).type == harness.types[kind]
        wanted = [None if value is None else harness.read_as(kind, value) for value in values]
        assert _comparable(table.column(1).to_pylist()) == _comparable(wanted)

    def test_a_row_of_nulls_is_one(self, harness: SourceHarness) -> None:
        """Every column can be NULL at once, and an empty text beside it stays one."""
        columns, row = _one_of_each(harness)
        rows = [(0, *row), (1, *(None for _ in row)), (2, *row)]
        table = _read(harness, harness.fill(columns, rows))
        assert [name.lower() for name in table.schema.names] == list(columns)
        second = harness.read_as("integer", 1)
        assert [set(found.values()) for found in table.slice(1, 1).to_pylist()] == [{second, None}]
        assert table.slice(0, 1).drop([table.schema.names[0]]) == table.slice(2, 1).drop(
            [table.schema.names[0]]
        )

    def test_a_column_filled_late_has_its_type_from_the_first_batch_on(
        self, harness: SourceHarness
    ) -> None:
        """The schema of the first batch is the schema of all."""
        columns, row = _one_of_each(harness)
        empty = [(n, *(None for _ in row)) for n in range(10)]
        query = harness.fill(columns, [*empty, (10, *row)])
        batches = list(harness.source().read(query, 4))
        assert {batch.schema for batch in batches} == {batches[0].schema}
        assert list(batches[0].schema.types) == [harness.types[kind] for kind in columns.values()]

    def test_no_rows_still_tell_the_columns(self, harness: SourceHarness) -> None:
        """One empty batch."""
        columns, _ = _one_of_each(harness)
        (batch,) = harness.source().read(harness.fill(columns, []), 100)
        assert batch.num_rows == 0
        assert [name.lower() for name in batch.schema.names] == list(columns)
        if harness.types_are_declared:
            assert list(batch.schema.types) == [harness.types[kind] for kind in columns.values()]

    @pytest.mark.parametrize("rows", [1, 7, 30, 100])
    def test_a_batch_has_the_rows_that_were_asked_for(
        self, harness: SourceHarness, rows: int
    ) -> None:
        """None is larger, none but an only one is empty, and the order is the query's."""
        query = harness.fill({"n": "integer", "v": "text"}, [(n, f"v{n}") for n in range(30)])
        batches = list(harness.source().read(query, rows))
        assert all(0 < batch.num_rows <= rows for batch in batches)
        assert pa.Table.from_batches(batches).column(0).to_pylist() == _numbers(harness, 30)

    def test_huge_texts_are_read_whole_and_never_all_at_once(self, harness: SourceHarness) -> None:
        """What is held grows with a batch, not with the result."""
        size, count = 2_000_000, harness.huge_rows
        few, many = (
            harness.fill({"n": "integer", "v": "text"}, ((n, _huge(n, size)) for n in range(rows)))
            for rows in (2, count)
        )
        list(harness.source().read(few, 1))  # modules and pools, which stay
        gc.collect()
        process = psutil.Process()
        before, most, n = process.memory_info().rss, 0, 0
        for n, batch in enumerate(harness.source().read(many, 1), start=1):
            assert batch.column(1)[0].as_py() == _huge(n - 1, size)
            most = max(most, process.memory_info().rss)
        assert n == count
        assert most - before < size * count * 0.7

    def test_a_value_is_bound_whatever_it_holds(self, harness: SourceHarness) -> None:
        """No value becomes part of a statement, and each meets its equal."""
        for kind in ("text", "bigint", "decimal", "date", "local", "instant"):
            if kind not in harness.types:
                continue
            values = harness.values[kind]
            query = harness.fill({"n": "integer", "v": kind}, enumerate(values))
            for n, value in enumerate(values):
                asked = harness.only(query, "v", value)
                if asked is None:
                    pytest.skip("binds no values")
                found = _read(harness, asked).column(0).to_pylist()
                assert n in found, f"{kind} {value!r}"

    def test_a_reader_may_stop_half_way(self, harness: SourceHarness) -> None:
        """Nothing stays open, and the next read begins at the first row."""
        query = harness.fill({"n": "integer", "v": "text"}, ((n, "x" * 200) for n in range(20_000)))
        source = harness.source()
        rows = source.read(query, 10)
        next(rows)
        next(rows)
        rows.close()  # type: ignore[attr-defined]
        assert harness.left_open() == 0
        first = next(iter(source.read(query, 10)))
        assert first.column(0).to_pylist() == _numbers(harness, 10)
        del source, rows
        gc.collect()
        assert harness.left_open() == 0

    def test_a_finished_read_leaves_nothing_open(self, harness: SourceHarness) -> None:
        """Also where the query fails."""
        _read(harness, harness.fill({"n": "integer"}, [(0,)]))
        with pytest.raises(QueryFailedError):
            list(harness.source().read(harness.broken(Path("orders.sql.j2")), 10))
        assert harness.left_open() == 0

    def test_a_refused_query_names_its_template_and_no_secret(self, harness: SourceHarness) -> None:
        """The same read would fail again, so it is not called passing."""
        path = Path("orders/orders.sql.j2")
        with pytest.raises(QueryFailedError) as caught:
            list(harness.source().read(harness.broken(path), 10))
        assert str(path) in str(caught.value)
        assert harness.secret not in str(caught.value)

    def test_a_source_that_does_not_answer_is_worth_another_try(
        self, harness: SourceHarness
    ) -> None:
        """Nothing is connected to before the first read."""
        query = harness.fill({"n": "integer"}, [(0,)])
        source = harness.unreachable()
        with pytest.raises(SourceUnavailableError) as caught:
            list(source.read(query, 10))
        assert harness.secret not in str(caught.value)

    def test_a_batch_without_rows_cannot_be_asked_for(self, harness: SourceHarness) -> None:
        """It would never end."""
        query = harness.fill({"n": "integer"}, [(0,)])
        with pytest.raises(ValueError, match="at least 1"):
            list(harness.source().read(query, 0))


def _skip_without(harness: SourceHarness, kind: Kind) -> None:
    if kind not in harness.types:
        pytest.skip(f"has no {kind}")


def _read(harness: SourceHarness, query: Query) -> pa.Table:
    return pa.Table.from_batches(harness.source().read(query, 100))


def _numbers(harness: SourceHarness, count: int) -> list[Any]:
    """Return the first rows' numbers as they are read."""
    return [harness.read_as("integer", n) for n in range(count)]


def _one_of_each(harness: SourceHarness) -> tuple[dict[str, Kind], list[Any]]:
    """Return a column for each kind behind the row's number, and a value for each."""
    columns: dict[str, Kind] = {f"c_{kind}": kind for kind in harness.types}
    return {"n": "integer", **columns}, [harness.values[kind][0] for kind in harness.types]


def _comparable(values: Sequence[Any]) -> list[Any]:
    """Keep 1, 1.0, True and Decimal(1) apart."""
    return [(type(value), value) for value in values]


def _huge(number: int, size: int) -> str:
    """Return a text of `size` characters that differs by row and holds quotes and line ends."""
    unit = f"{number:04}é,\"'\n"
    return (unit * (size // len(unit) + 1))[:size]

"""Very many records that are not stored: each is computed from its number.

For measuring: a million records take no memory until somebody changes one, and a query of a range
of them is rendered without making records first. Records stand in the order of their stamps, fifty
in each second.
"""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.bulk_csv import Form, lines
from syncflow_dagster.sandbox.salesforce.bulk_results import Sheet
from syncflow_dagster.sandbox.salesforce.ids import make_id
from syncflow_dagster.sandbox.salesforce.store import Record, Table
from syncflow_dagster.sandbox.salesforce.users import INTEGRATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from syncflow_dagster.sandbox.salesforce.org import Org
    from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PAIRS = tuple(a + b for a in _DIGITS for b in _DIGITS)
_SUFFIX = string.ascii_uppercase + "012345"
_PER_SECOND = 50
# Above all numbers that single records get.
_FIRST = 50_000_000
# Ids of a block differ in their last five places only, for which this is room enough.
MOST_ROWS = 100_000_000
_STAMPS = frozenset({"CreatedDate", "LastModifiedDate", "SystemModstamp"})
_NAMES = ("Zoë Müller GmbH", 'Ng "Blue" Ltd', "Ørsted, Søn & Co", "Plain Company", "株式会社 Tokyo")
_DAY = date(2026, 1, 1)


class Block:
    """The records of one object with numbers from 0 up to `count`.

    Args:
        definition: The object.
        count: How many there are.
        until: The moment behind the last record's stamp.
    """

    def __init__(self, definition: ObjectDef, count: int, until: datetime) -> None:
        self.definition = definition
        self.count = count
        self._begin = until - timedelta(seconds=count // _PER_SECOND + 1)
        first = make_id(definition.key_prefix, _FIRST)
        self._head, self._checks = first[:10], first[15:17]
        self._cells = {one.name: self._cell(one) for one in definition.fields.values()}
        self._sheets: dict[tuple[tuple[str, ...], Form, range], Sheet] = {}

    def record(self, number: int) -> Record:
        """One record."""
        return {name: cell(number) for name, cell in self._cells.items()}

    def value(self, name: str, number: int) -> Any:
        """The value of one field of a record."""
        return self._cells[name](number)

    def id(self, number: int) -> str:
        """Its Id; as `make_id` has it, ten times as fast."""
        rest, low = divmod(_FIRST + number, len(_PAIRS))
        high, middle = divmod(rest, len(_PAIRS))
        tail = _DIGITS[high] + _PAIRS[middle] + _PAIRS[low]
        bits = sum(1 << place for place, one in enumerate(tail) if one.isupper())
        return f"{self._head}{tail}{self._checks}{_SUFFIX[bits]}"

    def number(self, record_id: str) -> int | None:
        """The number of the record with this Id; None when it is none of the block's."""
        if record_id[:10] != self._head:
            return None
        found = 0
        for one in record_id[10:15]:
            found = found * len(_DIGITS) + _DIGITS.index(one)
        return found - _FIRST if 0 <= found - _FIRST < self.count else None

    def stamp(self, number: int) -> datetime:
        """When a record was written."""
        return self._begin + timedelta(seconds=number // _PER_SECOND)

    def first_at(self, moment: datetime) -> int:
        """The number of the first record that was written at a moment or later."""
        seconds = -((self._begin - moment) // timedelta(seconds=1))
        return min(max(seconds * _PER_SECOND, 0), self.count)

    def first_behind(self, moment: datetime) -> int:
        """The number of the first record that was written later than at a moment."""
        seconds = (moment - self._begin) // timedelta(seconds=1) + 1
        return min(max(seconds * _PER_SECOND, 0), self.count)

    def sheet(self, names: Sequence[str], form: Form, numbers: range) -> Sheet:
        """Fields of a range of records as CSV; the same sheet each time."""
        key = tuple(names), form, numbers
        if key not in self._sheets:
            cells = [self._cells[name] for name in names]

            def made(start: int, until: int) -> Iterator[str]:
                rows = ([cell(n) for cell in cells] for n in numbers[start:until])
                return lines(rows, form)

            header = next(lines([names], form))
            self._sheets[key] = Sheet(header, made, len(numbers))
        return self._sheets[key]

    def _cell(self, field: FieldDef) -> Callable[[int], Any]:
        """What a field's value is made with."""
        if field.name in _STAMPS:
            return self.stamp
        if field.type == "id":
            return self.id
        if field.type == "reference":
            return _constant(INTEGRATION.id if "User" in field.reference_to else None)
        if field.name == "IsDeleted":
            return _constant(value=False)
        if field.unique or field.external_id:
            return lambda n: f"{field.name}-{n:08d}"
        if field.picklist:
            picks = field.picklist
            return lambda n: picks[n % len(picks)]
        make = _VALUES.get(field.type)
        return _constant(None) if make is None else make


def _constant(value: object) -> Callable[[int], Any]:
    return lambda _: value


_VALUES: dict[str, Callable[[int], Any]] = {
    "string": lambda n: None if n % 11 == 0 else f"{_NAMES[n % len(_NAMES)]} {n}",
    "email": lambda n: f"person.{n}@company{n % 997}.example",
    "phone": lambda n: f"+49 30 {n:08d}",
    "url": lambda n: f"https://www.company{n % 997}.example/{n}",
    "boolean": lambda n: n % 3 == 0,
    "int": lambda n: n * 7 % 10_000,
    "double": lambda n: n * 37 % 1_000_003 / 4,
    "currency": lambda n: n * 7_919 % 20_000_003 / 4,
    "percent": lambda n: float(n % 100),
    "date": lambda n: None if n % 13 == 0 else _DAY + timedelta(days=n % 365),
    "datetime": lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n % 500_000),
    "time": lambda n: time(n % 24, n % 60),
}


class _Records(dict[str, Record]):
    """The newest versions by Id: those that were written, and behind them the block's."""

    def __init__(self, block: Block, written: dict[str, Record]) -> None:
        super().__init__(written)
        self._block = block
        self.gone: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        found = super().get(key)
        if found is not None or key in self.gone:
            return found
        number = self._block.number(key)
        return default if number is None else self._block.record(number)

    def pop(self, key: str, default: Any = None) -> Any:
        self.gone.add(key)
        return super().pop(key, default)


class BlockTable(Table):
    """A table with a block of computed records behind those that were written.

    Args:
        table: What the object had before.
        block: The computed records.
    """

    def __init__(self, table: Table, block: Block) -> None:
        super().__init__(table.definition)
        for record in table.latest.values():
            self.load(record)
        self._records = _Records(block, self.latest)
        self.latest = self._records
        self.block = block

    @property
    def untouched(self) -> bool:
        """Whether nothing but the block is there."""
        return not self._records and not self._records.gone

    def rows(self, moment: float) -> Iterator[Record]:
        """All records as a reader saw them at a real second, deleted ones too."""
        for number in range(self.block.count):
            record_id = self.block.id(number)
            if record_id not in self._records and record_id not in self._records.gone:
                yield self.block.record(number)
        yield from super().rows(moment)

    def matches(self, field: FieldDef, value: object) -> tuple[str, ...]:
        """Ids of the records, not deleted, that have this value in an indexed field."""
        found = super().matches(field, value)
        name, _, digits = str(value).rpartition("-")
        if found or name != field.name or not digits.isdecimal() or int(digits) >= self.block.count:
            return found
        record_id = self.block.id(int(digits))
        return () if record_id in self._records else (record_id,)


def add_rows(org: Org, definition: ObjectDef, count: int) -> None:
    """Put computed records behind an object's others; a second time, there are so many instead."""
    block = Block(definition, count, org.now())
    org.tables[definition.name] = BlockTable(org.tables[definition.name], block)

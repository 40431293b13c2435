"""The loads, as data: what the source holds before and at the measured run, and what is right."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from syncflow_dagster.testing.faults.load_books import Order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Customers of the updates: 5,000 items in four groups are enough for bulk jobs.
_GROUPS = 4
_OTHER_PRICE = Decimal("13.75")
_NAMES = ("Müller & Söhne", "Weiß Café", "شرکت نمونه", "Plain Sports")


@dataclass(frozen=True, slots=True)
class Load:
    """One load.

    Attributes:
        name: As the table shows it.
        books: Makes what the source holds, run by run; the last run is the one that is measured.
        writes: Fewest writes of that run.
        by_hand: Titles of groups that a person makes before that run.
        only: Column that alone may be written.
        quarter: Name of the load that is a quarter of this one, whose memory is to be enough.
        number: The kind of fault it is a row of.
    """

    name: str
    books: Callable[[], Sequence[Sequence[Order]]]
    writes: int
    by_hand: tuple[str, ...] = ()
    only: str | None = None
    quarter: str | None = None
    number: str = "F29"


def one_order(lines: int, quarter: str | None = None) -> Load:
    """Return one order with many lines, each with a status."""

    def books() -> list[list[Order]]:
        return [[Order("SO-1", "Big Buyer", lines=lines, staged=True)]]

    name = f"one order of {lines:,} lines"
    return Load(name, books, 2 + 2 * lines, quarter=quarter, number="F27")


def new_customers(customers: int) -> Load:
    """Return many customers that nobody has heard of, each with an order of a line or two."""
    orders = [
        Order(f"SO-{n:06}", f"{_NAMES[n % len(_NAMES)]} {n}", lines=n % 2 + 1)
        for n in range(customers)
    ]
    writes = 2 * customers + sum(order.lines for order in orders)
    return Load(f"{customers:,} new customers at once", lambda: [orders], writes)


def updates(items: int, quarter: str | None = None) -> Load:
    """Return many items of which one column changes."""

    def books() -> list[list[Order]]:
        return [_priced(items, Decimal("12.5")), _priced(items, _OTHER_PRICE)]

    name = f"{items:,} updates of one column"
    return Load(name, books, items, only="unit_price", quarter=quarter)


def _priced(items: int, price: Decimal) -> list[Order]:
    return [Order(f"SO-{n:06}", f"Customer {n % _GROUPS}", price) for n in range(items)]


def mixed_customers(customers: int) -> Load:
    """Return customers that are there, made by hand, and new, all in one run and many spellings.

    Args:
        customers: How many of each of the three.
    """
    names = [f"{_NAMES[n % len(_NAMES)]} {n}" for n in range(3 * customers)]
    there, made, new = names[::3], names[1::3], names[2::3]
    before, after = [], []
    for n, (name, other) in enumerate(zip(there, new, strict=True)):
        known = [Order(f"SO-{n:05}-{what}", name, lines=1) for what in ("SAME", "OTHER", "MOVED")]
        before += [*known, Order(f"SO-{n:05}-GONE", name, lines=1)]
        again, upper, apart = _spellings(name)
        after += [
            Order(known[0].number, apart, lines=1),
            Order(known[1].number, again, _OTHER_PRICE, lines=1),
            Order(known[2].number, _spellings(other)[n % 3], lines=1),
            Order(f"SO-{n:05}-NEW", upper, lines=1),
        ]
    for number, name in enumerate((*made, *new)):
        after += [
            Order(f"SO-{number:05}-{place}", spelled, lines=1)
            for place, spelled in enumerate(_spellings(name))
        ]
    each = {
        "of those there: a change, a move, a new item with its line, an item archived": 5,
        "of those made by hand: three items with a line": 6,
        "of the new: those too, and a group": 7,
    }
    return Load(
        f"{customers:,} customers there, {customers:,} made by hand, {customers:,} new, in one run",
        lambda: [before, after],
        customers * sum(each.values()),
        by_hand=tuple(_by_hand(name) for name in made),
    )


def _spellings(name: str) -> tuple[str, str, str]:
    """Return a name as three people write it, one of them with accents apart."""
    return name, f"  {name.upper().replace(' ', '  ')}", f"{_decomposed(name.lower())} "


def _by_hand(name: str) -> str:
    return _decomposed(name.upper()).replace(" ", "  ")


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def load_cases() -> list[Load]:
    """Return all loads; one that is held against its quarter comes after it."""
    lines, changes = one_order(2_500), updates(1_250)
    return [
        lines,
        one_order(10_000, quarter=lines.name),
        new_customers(500),
        mixed_customers(60),
        changes,
        updates(5_000, quarter=changes.name),
    ]

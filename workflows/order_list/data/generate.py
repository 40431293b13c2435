#!/usr/bin/env python3
"""Generate the example order book: the same files on every machine, from one seed.

Writes ``order_list.csv`` (one row per order), ``order_list_sizes.csv`` (wide size columns) and
``expected.json`` (what must become of every row) beside this script. ``README.md`` explains the
dirty rows. Only the standard library is needed::

    python workflows/order_list/data/generate.py
"""

from __future__ import annotations

import csv
import json
import random
import sys
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = 20260105
FIRST_ORDER = 410001
COMPANY = "US01"

ALPHA_SIZES = ("xs", "s", "m", "l", "xl", "xxl")
NUMERIC_SIZES = ("s_28", "s_30", "s_32", "s_34", "s_36", "s_38", "s_40")
ONE_SIZE = ("one_size",)
SIZES = ALPHA_SIZES + NUMERIC_SIZES + ONE_SIZE

Row = dict[str, str]


@dataclass(frozen=True)
class Customer:
    """A buyer with the number of clean orders and clean lines it must have."""

    name: str
    code: str
    country: str
    buyer: str
    orders: int
    lines: int


CUSTOMERS = (
    Customer("GREYSON CLOTHIERS", "GREY", "US", "buying@greyson.example", 69, 317),
    Customer("ALDER & FINCH", "ALDF", "GB", "orders@alderfinch.example", 26, 118),
    Customer("BLUE HARBOUR TRADING", "BLUH", "AU", "import@blueharbour.example", 24, 106),
    Customer("CASA LINO", "CASL", "ES", "compras@casalino.example", 22, 97),
    Customer("DØRUM SPORT", "DORU", "NO", "innkjop@dorumsport.example", 25, 112),
    Customer("EVERLINE DENIM", "EVER", "US", "denim@everline.example", 28, 127),
    Customer("FJORD & FIELD", "FJOR", "SE", "buying@fjordfield.example", 20, 90),
    Customer("HOUSE OF MARLOWE", "MARL", "GB", "trade@marlowe.example", 23, 104),
    Customer("KESTREL GOLF", "KEST", "US", "proshop@kestrelgolf.example", 27, 121),
    Customer("LUMIÈRE PARIS", "LUMI", "FR", "achats@lumiere.example", 21, 95),
    Customer("MERIDIAN UNIFORMS", "MERI", "CA", "supply@meridian.example", 24, 109),
    Customer("NORTHBOUND OUTFITTERS", "NORT", "DE", "einkauf@northbound.example", 22, 99),
    Customer("PALOMA KIDS", "PALO", "IT", "ordini@palomakids.example", 17, 74),
    Customer("TIDEWATER SURF", "TIDE", "JP", "buying@tidewater.example", 16, 71),
)

#: Category: style prefix, names of styles, sizes, and the price range in cents.
CATEGORIES: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[int, int]]] = {
    "Polos": ("PL", ("Piqué polo", "Jersey polo", "Striped polo"), ALPHA_SIZES, (1450, 3200)),
    "Knitwear": ("KN", ("Merino crew", "Cashmere ½-zip", "Cable vest"), ALPHA_SIZES, (2800, 9900)),
    "Outerwear": ("OW", ("Rain shell", "Quilted gilet", "Wind jacket"), ALPHA_SIZES, (3900, 12900)),
    "Trousers": (
        "TR",
        ("Slim chino", "Five-pocket", "Pleated chino"),
        NUMERIC_SIZES,
        (1900, 5400),
    ),
    "Shorts": ("SH", ("Tailored short", "Swim short 7″"), NUMERIC_SIZES, (1300, 2900)),
    "Accessories": ("AC", ("Rope cap", "Leather belt", "Tote bag"), ONE_SIZE, (600, 3500)),
}
COLOURS = ("Navy", "Crème", "Forest", "Slate", "Black", "Coral", "Sky", "Écru", "Rust", "White")
SEASONS = ("SS26", "FW26", "SS27")
ORDER_TYPES = ("Pre-book", "Replenishment", "Sample")
SHIP_MODES = ("SEA", "AIR", "ROAD")
STATUSES = ("OPEN", "CONFIRMED", "IN_PRODUCTION", "SHIPPED", "CANCELLED")
PRIORITIES = ("H", "M", "L")
STAGES = ("PLANNED", "CUT", "SEWN", "PACKED")
CURRENCIES = {"US": "USD", "GB": "GBP", "AU": "AUD", "CA": "CAD", "JP": "JPY"}
NOTES = (
    "Hangtags in French & English, “lavage à froid”.",
    "Größenetikett innen, nicht außen.",
    "Carton max 18 kg; no staples ✂",
    "日本向け: ケアラベルは日本語で。",
    "Buyer Zoë asks for a pre-shipment photo 📷 of each colour.",
    "Ship complete; no partials.\nCall the warehouse the day before.",
)


@dataclass
class Book:
    """Everything that is generated."""

    rng: random.Random
    headers: list[Row] = field(default_factory=list)
    sizes: list[Row] = field(default_factory=list)
    items: dict[str, int] = field(default_factory=dict)
    subitems: dict[str, int] = field(default_factory=dict)
    dirty: list[dict[str, object]] = field(default_factory=list)
    next_order: int = FIRST_ORDER

    def order_number(self) -> str:
        """Take the next order number."""
        number = f"SO-{self.next_order}"
        self.next_order += 1
        return number

    def arrives(self, customer: Customer, *, items: int = 0, subitems: int = 0) -> None:
        """Count what must be on the board in the end."""
        self.items[customer.name] = self.items.get(customer.name, 0) + items
        self.subitems[customer.name] = self.subitems.get(customer.name, 0) + subitems

    def explain(self, order_number: str, fate: str, reason: str, **counts: int) -> None:
        """Note what must become of a dirty row, and why."""
        entry: dict[str, object] = {"order_number": order_number, "fate": fate, "reason": reason}
        self.dirty.append(entry | counts)


def line_counts(rng: random.Random, categories: list[str], total: int) -> list[int]:
    """Choose how many sizes each order has, so that they sum up to `total`."""
    limits = [len(CATEGORIES[name][2]) for name in categories]
    counts = [min(limit, rng.randint(3, 6)) for limit in limits]
    while sum(counts) != total:
        step = 1 if sum(counts) < total else -1
        at = rng.randrange(len(counts))
        if 1 <= counts[at] + step <= limits[at]:
            counts[at] += step
    return counts


def header(book: Book, customer: Customer, category: str) -> Row:
    """Make the row of one clean order."""
    rng = book.rng
    prefix, styles, _, (low, high) = CATEGORIES[category]
    ordered = date(2026, 1, 5) + timedelta(days=rng.randrange(150))
    leaves = ordered + timedelta(days=rng.randrange(45, 120))
    status = rng.choice(STATUSES)
    updated = datetime(ordered.year, ordered.month, ordered.day, tzinfo=timezone.utc)  # noqa: UP017
    updated += timedelta(seconds=rng.randrange(30 * 86_400))
    number = book.order_number()
    return {
        "company": COMPANY,
        "order_number": number,
        "customer_name": customer.name,
        "customer_code": customer.code,
        "po_number": f"PO{rng.randrange(100_000, 999_999)}",
        "style": f"{prefix}{rng.randrange(100, 999)}",
        "style_description": rng.choice(styles),
        "colour": rng.choice(COLOURS),
        "season": rng.choice(SEASONS),
        "category": category,
        "order_type": rng.choice(ORDER_TYPES),
        "order_date": ordered.isoformat(),
        "ex_factory_date": leaves.isoformat(),
        "customer_due_date": (leaves + timedelta(days=rng.randrange(7, 40))).isoformat(),
        "destination_country": customer.country,
        "ship_mode": rng.choice(SHIP_MODES),
        "unit_price": f"{rng.randrange(low, high) / 100:.2f}",
        "currency": CURRENCIES.get(customer.country, "EUR"),
        "order_status": status,
        "priority": rng.choice(PRIORITIES),
        "buyer_email": customer.buyer if rng.random() < 0.9 else "",
        "tracking_url": f"https://track.example/{number}" if status == "SHIPPED" else "",
        "approved": rng.choice(("true", "false")),
        "notes": rng.choice(NOTES) if rng.random() < 0.4 else "",
        "updated_at": updated.isoformat(),
    }


def size_row(book: Book, order: Row, count: int) -> Row:
    """Make the wide row of one order with `count` sizes in it."""
    rng = book.rng
    family = CATEGORIES[order["category"]][2]
    start = rng.randrange(len(family) - count + 1)
    row = {
        "company": COMPANY,
        "order_number": order["order_number"],
        "style": order["style"],
        "production_stage": rng.choice(STAGES),
        **dict.fromkeys(SIZES, ""),
        "updated_at": order["updated_at"],
    }
    for name in family:
        # A size that is offered but not ordered is a zero in the source, not an empty cell.
        row[name] = "0" if rng.random() < 0.3 else ""
    for name in family[start : start + count]:
        row[name] = str(rng.randrange(1, 40) * 6)
    return row


def add_clean_orders(book: Book) -> None:
    """Add the orders of all customers, in an order as mixed as in real life."""
    rng = book.rng
    wanted: list[tuple[Customer, str, int]] = []
    for customer in CUSTOMERS:
        categories = [rng.choice(tuple(CATEGORIES)) for _ in range(customer.orders)]
        counts = line_counts(rng, categories, customer.lines)
        wanted += [(customer, *order) for order in zip(categories, counts, strict=True)]
    rng.shuffle(wanted)
    for customer, category, count in wanted:
        row = header(book, customer, category)
        book.headers.append(row)
        book.sizes.append(size_row(book, row, count))
        book.arrives(customer, items=1, subitems=count)


def add_noise(book: Book) -> None:
    """Blur some texts the way people do; normalising must see through all of it."""
    for row in book.headers:
        if row["customer_name"] == CUSTOMERS[0].name or book.rng.random() >= 0.06:
            continue
        row["customer_name"] = f" {row['customer_name'].title().replace(' ', '  ')}"
        row["style_description"] = f"{row['style_description']}\u00a0 "
        row["po_number"] = row["po_number"].lower()


def dirty_order(book: Book, customer: Customer, count: int) -> tuple[Row, Row]:
    """Add one order, still clean, for its caller to spoil."""
    row = header(book, customer, "Knitwear")
    sizes = size_row(book, row, count)
    book.headers.append(row)
    book.sizes.append(sizes)
    return row, sizes


def add_dirty_orders(book: Book) -> None:
    """Add one order for each kind of mistake, never of the first customer."""
    _, alder, blue, casa, dorum, everline, fjord, marlowe, *_ = CUSTOMERS
    orphan = header(book, alder, "Polos")
    book.sizes.append(size_row(book, orphan, 3))
    reason = "no order has this number, so its lines wait for their parent"
    book.explain(orphan["order_number"], "waiting", reason, headers=0, lines=3)

    row, _ = dirty_order(book, blue, 4)
    row["customer_name"] = ""
    reason = "customer_name is missing: the order is rejected and its lines wait for it"
    book.explain(row["order_number"], "rejected", reason, headers=1, lines=4)

    row, _ = dirty_order(book, casa, 3)
    row["notes"] = "Revisión pendiente. " * 105
    reason = "notes is longer than 2000 characters: the order is rejected and its lines wait for it"
    book.explain(row["order_number"], "rejected", reason, headers=1, lines=3)

    row, _ = dirty_order(book, dorum, 4)
    row["order_status"] = "AWAITING_LAB_DIP"
    book.arrives(dorum, items=1, subitems=4)
    reason = "the board has no status label AWAITING_LAB_DIP: item and subitems arrive without it"
    book.explain(row["order_number"], "status_dead", reason, headers=1, lines=4)

    row, _ = dirty_order(book, everline, 5)
    book.headers.append(row | {"po_number": "PO000001", "colour": "Stone"})
    reason = "two orders share this number: both are rejected and their lines wait"
    book.explain(row["order_number"], "rejected", reason, headers=2, lines=5)

    row, _ = dirty_order(book, fjord, 4)
    row["customer_due_date"] = "31/02/2026"
    reason = "customer_due_date 31/02/2026 is no date: the order is rejected and its lines wait"
    book.explain(row["order_number"], "rejected", reason, headers=1, lines=4)

    row, sizes = dirty_order(book, marlowe, 3)
    sizes["production_stage"] = "CUT"
    book.sizes.append(sizes | {"production_stage": "PACKED"})
    book.arrives(marlowe, items=1)
    reason = "sizes are listed twice: the lines are rejected, the item arrives without them"
    book.explain(row["order_number"], "lines_rejected", reason, headers=1, lines=6)


def expected(book: Book) -> dict[str, object]:
    """Say what a first run must have brought to the board."""
    return {
        "customers": {
            name: {"items": items, "subitems": book.subitems[name]}
            for name, items in sorted(book.items.items())
        },
        "groups": len(book.items),
        "headers": sum(book.items.values()),
        "lines": sum(book.subitems.values()),
        "source_rows": {"order_list": len(book.headers), "order_list_sizes": len(book.sizes)},
        "dirty": book.dirty,
    }


def write_csv(path: Path, rows: list[Row]) -> None:
    """Write rows with line ends that do not depend on the machine."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def generate(folder: Path) -> None:
    """Write the three files into a folder."""
    book = Book(random.Random(SEED))  # noqa: S311 - repeatable test data, nothing secret
    add_clean_orders(book)
    add_noise(book)
    add_dirty_orders(book)
    book.headers.sort(key=lambda row: (row["order_number"], row["po_number"]))
    book.sizes.sort(key=lambda row: (row["order_number"], row["production_stage"]))
    write_csv(folder / "order_list.csv", book.headers)
    write_csv(folder / "order_list_sizes.csv", book.sizes)
    text = json.dumps(expected(book), indent=2, ensure_ascii=False) + "\n"
    (folder / "expected.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)

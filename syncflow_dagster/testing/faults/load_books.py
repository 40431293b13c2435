"""Order books of the loads, as the example's source holds them, and the board they are to lead to.

What an order stands for follows from its number, so that every count is known beforehand.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_COMPANY, _TOUCHED = "US01", "2026-11-01T00:00:00+00:00"
#: The source's size columns in its order, and how the workflow names them.
_SIZES = {
    **{name: name.upper() for name in ("xs", "s", "m", "l", "xl", "xxl")},
    **{f"s_{size}": str(size) for size in range(28, 42, 2)},
    "one_size": "One size",
}
_ORDER = (
    *("company", "order_number", "customer_name", "customer_code", "po_number", "style"),
    *("style_description", "colour", "season", "category", "order_type", "order_date"),
    *("ex_factory_date", "customer_due_date", "destination_country", "ship_mode", "unit_price"),
    *("currency", "order_status", "priority", "buyer_email", "tracking_url", "approved", "notes"),
    "updated_at",
)
_LINES = ("company", "order_number", "style", "production_stage", *_SIZES, "updated_at")
_STAGES = {"PLANNED": "Planned", "CUT": "Cut", "SEWN": "Sewn", "PACKED": "Packed"}

Line = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Order:
    """One order.

    Attributes:
        number: Its number.
        customer: Its customer, as somebody spelled it.
        price: Its price.
        lines: How many lines it has.
        staged: Whether its lines have a stage of production.
    """

    number: str
    customer: str
    price: Decimal = Decimal("12.5")
    lines: int = 0
    staged: bool = False

    def below(self) -> list[Line]:
        """Return style, size, quantity and stage of each line as the board shows them, in order."""
        sizes, stages = list(_SIZES.values()), list(_STAGES.values())
        found = []
        for n in range(self.lines):
            row, place = divmod(n, len(sizes))
            stage = stages[row % len(stages)] if self.staged else ""
            found.append((_style(row), sizes[place], str(_quantity(n)), stage))
        return found


@dataclass(slots=True)
class Shown:
    """A board, as far as it is compared.

    Attributes:
        groups: How often each title is there, all spellings of it taken together.
        items: Title of the group and price of each order number's items.
        lines: The lines of each order number, in their order.
    """

    groups: Counter[str] = field(default_factory=Counter)
    items: dict[str, list[tuple[str, Decimal]]] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=dict)


def same(title: str) -> str:
    """Return what all spellings of a customer have in common."""
    return " ".join(unicodedata.normalize("NFC", title).split()).upper()


def wanted_board(orders: Iterable[Order], titles: Iterable[str]) -> Shown:
    """Return the board that a book is to lead to.

    Args:
        orders: The book.
        titles: Titles of the groups that the board has in any case.
    """
    shown = Shown(groups=Counter({same(title) for title in titles}))
    for order in orders:
        group = same(order.customer)
        shown.groups[group] = 1
        shown.items[order.number] = [(group, order.price)]
        if order.lines:
            shown.lines[order.number] = order.below()
    return shown


def board_shown(state: Mapping[str, Any]) -> Shown:
    """Return the example's board from the control endpoint's picture of the boards."""
    board, below = state["boards"]
    titles = {one["id"]: same(one["title"]) for one in board["groups"] if _is_there(one)}
    shown = Shown(groups=Counter(titles.values()))
    numbers = {}
    for item in _active(board):
        number = numbers[item["id"]] = item["values"].get("order_number", "")
        price = Decimal(item["values"].get("unit_price") or 0)
        shown.items.setdefault(number, []).append((titles.get(item["group_id"], ""), price))
    for item in _active(below):
        values = [item["values"].get(name) or "" for name in ("style", "size", "quantity", "stage")]
        line = (values[0], values[1], values[2], values[3])
        shown.lines.setdefault(numbers.get(item["parent_item_id"], ""), []).append(line)
    return shown


def write(folder: Path, orders: Sequence[Order]) -> None:
    """Write a book as the files that the example's source is filled from, replacing others."""
    folder.mkdir(exist_ok=True)
    _write(folder / "order_list.csv", _ORDER, map(_header, orders))
    rows = (row for order in orders for row in _rows(order))
    _write(folder / "order_list_sizes.csv", _LINES, rows)


def _is_there(group: Mapping[str, Any]) -> bool:
    return not (group["archived"] or group["deleted"])


def _active(board: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in board["items"] if item["state"] == "active"]


def _style(row: int) -> str:
    # Sorted as text, they come in the order of their numbers.
    return f"ST{row:05}"


def _quantity(n: int) -> int:
    return n % 97 + 1


def _header(order: Order) -> dict[str, Any]:
    return {
        "company": _COMPANY,
        "order_number": order.number,
        "customer_name": order.customer,
        "style": _style(0),
        "colour": "Navy",
        "unit_price": order.price,
        "updated_at": _TOUCHED,
    }


def _rows(order: Order) -> Iterable[dict[str, Any]]:
    stages = list(_STAGES)
    for row, start in enumerate(range(0, order.lines, len(_SIZES))):
        numbers = range(start, min(start + len(_SIZES), order.lines))
        yield {
            "company": _COMPANY,
            "order_number": order.number,
            "style": _style(row),
            "production_stage": stages[row % len(stages)] if order.staged else "",
            # A size without a quantity is no line.
            **{size: _quantity(n) for size, n in zip(_SIZES, numbers, strict=False)},
            "updated_at": _TOUCHED,
        }


def _write(path: Path, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)

"""What happens in the small world on the day of the fault: answers, records, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from syncflow_dagster.testing.faults.board_book import Book, line, number, order
from syncflow_dagster.testing.faults.board_world import OneTime
from syncflow_dagster.testing.faults.wire import Trouble, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.testing.faults.board_world import Desk

    #: What happens on the day of the fault; it returns what is wrong, if anything.
    Act = Callable[[Desk, Book], str | None]

#: Requests that a service which asks for patience may get in a minute.
_MOST_A_MINUTE = 60
#: Requests of one run that a refused token may see: quick tries lock an account.
_MOST_REFUSED = 2
#: Orders whose lines come a day before them.
_LATE = range(40, 46)

ZWNJ, ZWJ, RLM = "\u200c", "\u200d", "\u200f"
#: Titles, and what the board is to show of them.
TEXTS: Mapping[str, str] = {
    f"پیراهن{ZWNJ}ها": f"پیراهن{ZWNJ}ها",  # noqa: RUF001 - Persian
    f"{RLM}abc אבג": f"{RLM}abc אבג",
    f"👩{ZWJ}👩{ZWJ}👧 👍🏽": f"👩{ZWJ}👩{ZWJ}👧 👍🏽",
    "Gro\u0308ße": "Größe",
    "é e\u0301": "é é",
    '=cmd|"/c calc"!A1, "b"': '=cmd|"/c calc"!A1, "b"',
    "İstanbul ﬁ Ⅷ": "İstanbul ﬁ Ⅷ",
    "x" * 65_536: "x" * 65_536,
}


def push(desk: Desk, book: Book) -> str | None:
    """Find what is new, and push until nothing is left."""
    desk.build(book)
    return desk.settle()


def throttled_for_a_minute(desk: Desk, book: Book) -> str | None:
    """Every write is refused for a minute."""
    desk.build(book)
    clock = desk.clock
    assert isinstance(clock, OneTime)
    until = clock.now().timestamp() + 60
    fault = {"service": "monday", "kind": "throttle", "limit": "ip", "op": "mutation"}
    desk.control.faults(fault, retry_after=False)
    before = desk.requests()
    asked: list[int] = []

    def relent() -> None:
        if not asked and clock.now().timestamp() >= until:
            asked.append(desk.requests() - before)
            desk.control.clear_faults()

    clock.when_moved = relent
    error = desk.settle()
    clock.when_moved = None
    if error is None and asked[0] > _MOST_A_MINUTE:
        return f"{asked[0]} requests in the minute in which every write was refused"
    return error


def token_revoked(desk: Desk, book: Book) -> str | None:
    """The token is refused from the middle of a run on, in the next one too, then taken again."""
    desk.build(book)
    refused = {"service": "monday", "kind": "error_before", "status": 401}
    desk.control.faults(refused, op="mutation", text=number(45))
    first = desk.push()
    desk.control.clear_faults()
    desk.control.faults(refused)
    second = desk.push()
    (fault,) = desk.control.list_faults()
    desk.control.clear_faults()
    for told in (first, second):
        if told is None or "Not authenticated" not in told:
            return f"the run does not say that the token is refused: {told}"
    if fault["hits"] > _MOST_REFUSED:
        return f"a refused token was tried {fault['hits']} times in one run"
    return desk.settle()


def late_parents(desk: Desk, book: Book) -> str | None:
    """Lines come a day before their orders."""
    late = {number(n) for n in _LATE}
    early = Book(tuple(one for one in book.orders if one["number"] not in late), book.lines)
    desk.build(early)
    error = desk.settle()
    waiting = sum(row["state"] == "WAITING" for row in desk.rows("small_lines"))
    desk.clock.sleep(60.0)
    if error is None and waiting != 2 * len(late):
        return f"{waiting} lines wait for their order, not {2 * len(late)}"
    return error or push(desk, book)


def texts() -> Book:
    """Return orders of strange titles, with a line each, and one that cannot be stored."""
    titles = [*TEXTS, "a\0b"]
    orders = tuple(order(n, title=title) for n, title in enumerate(titles))
    return Book(orders, tuple(line(n, "M", 1) for n in range(len(titles))))


def push_texts(desk: Desk, book: Book) -> str | None:
    """Push them, and see what the board shows."""
    error = push(desk, book)
    (board,) = (one for one in desk.control.state()["boards"] if not one["parent_board_id"])
    shown = {one["name"]: one["values"].get("title") for one in board["items"]}
    wanted = {number(n): text for n, text in enumerate(TEXTS.values())}
    wrong = [name for name in wanted.keys() | shown.keys() if wanted.get(name) != shown.get(name)]
    return error or (f"the texts of {', '.join(sorted(wrong))} are not right" if wrong else None)


def over_wire(trouble: Trouble) -> Act:
    """Return the act in which mutations meet trouble on their way.

    Args:
        trouble: Which.
    """

    def act(desk: Desk, book: Book) -> str | None:
        there = desk.monday
        with Wire(there, trouble) as wire:
            desk.monday = wire.url
            error = push(desk, book)
        desk.monday = there
        return error or (None if wire.hits else "no mutation met trouble")

    return act


def unreachable_by(url: str) -> Act:
    """Return the act in which a whole run has a wrong way to the service.

    Args:
        url: The address; `{port}` stands for the service's port.
    """

    def act(desk: Desk, book: Book) -> str | None:
        desk.build(book)
        there = desk.monday
        desk.monday = url.format(port=urlsplit(there).port)
        writes = len(desk.control.log())
        told = desk.push()
        desk.monday = there
        if told is None or len(desk.control.log()) != writes:
            return f"a run went on without the service: {told}"
        desk.clock.sleep(60.0)
        return desk.settle()

    return act

"""Pages of lists: the newest first, with the vendor's cursors."""

from __future__ import annotations

from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.unipile.cursors import decode, encode
from syncflow_dagster.sandbox.unipile.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from starlette.responses import Response

    from syncflow_dagster.sandbox.unipile.call import Call


def by_place(
    call: Call,
    name: str,
    place: str,
    sizes: tuple[int, int],
    read: Callable[[int, int], Sequence[Any]],
) -> Response:
    """A page of a list whose cursor is a place in it: what is added meanwhile shifts it.

    Args:
        call: The request.
        name: `object` of the answer.
        place: Name of the place in the cursor.
        sizes: Usual and greatest number of rows.
        read: Gives rows, from a place on, so many.
    """
    start, limit = 0, call.number("limit", *sizes)
    if (cursor := call.query.get("cursor")) is not None:
        known = decode(cursor)
        start, limit = _whole(known.get(place)), _whole(known.get("limit"))
    if "repeat_page" in call.faults:
        return _endless(call, name, list(read(0, limit)), {"limit": limit, place: start})
    rows = list(read(start, limit + 1))
    following = {"limit": limit, place: start + limit} if len(rows) > limit else None
    return call.listed(name, rows[:limit], None if following is None else encode(following))


def _endless(
    call: Call, name: str, rows: list[dict[str, Any]], carried: dict[str, Any]
) -> Response:
    """The first page once more, or an empty one; under the next cursor, or always the same.

    Args:
        call: The request.
        name: `object` of the answer.
        rows: The first page.
        carried: What the cursor carries; its last number goes up.
    """
    spelling = call.faults["repeat_page"].spelling
    [*_, number] = carried
    step = 0 if spelling == "same_cursor" else 1
    again = encode({**carried, number: carried[number] + step})
    first = "cursor" not in call.query
    return call.listed(name, rows if first or spelling != "empty" else [], again)


def by_row(
    call: Call,
    name: str,
    rows: Iterable[dict[str, Any]],
    filters: dict[str, Any],
    known: dict[str, Any] | None,
) -> Response:
    """A page of a list whose cursor is its last row.

    Args:
        call: The request.
        name: `object` of the answer.
        rows: All rows from the cursor's moment on, newest first.
        filters: What the request asked for, for the next page's cursor.
        known: What this page's cursor carries.
    """
    limit = _whole(known.get("limit")) if known else call.number("limit", 100, 250)
    rest = iter(rows)
    if "repeat_page" in call.faults:
        before = decode(call.query["cursor"]) if "cursor" in call.query else {}
        carried = {**filters, "again": _whole(before.get("again", 0))}
        return _endless(call, name, list(islice(rest, limit)), carried)
    if known:
        last = last_row(known)
        # Rows of the cursor's own moment come again, up to the row itself.
        rest = dropwhile(lambda row: row["timestamp"] == last[1] and row["id"] != last[0], rest)
        rest = dropwhile(lambda row: row["id"] == last[0], rest)
    page = list(islice(rest, limit + 1))
    if len(page) <= limit:
        return call.listed(name, page, None)
    end = page[limit - 1]
    cursor = {"last_id": end["id"], "last_date": end["timestamp"]}
    return call.listed(name, page[:limit], encode({**filters, "limit": limit, "cursor": cursor}))


def last_row(known: dict[str, Any]) -> tuple[str, str]:
    """Id and moment of the row at which a cursor's page ended.

    Raises:
        ApiError: The cursor is none of such a list.
    """
    cursor = known.get("cursor")
    if isinstance(cursor, dict):
        found = cursor.get("last_id"), cursor.get("last_date")
        if isinstance(found[0], str) and isinstance(found[1], str):
            return found[0], found[1]
    raise ApiError("invalid_parameters", "The cursor is not valid.")


def _whole(number: object) -> int:
    if type(number) is not int or number < 0:
        raise ApiError("invalid_parameters", "The cursor is not valid.")
    return number

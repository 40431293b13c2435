"""Finding items on a board: rules, look-up by column values, order, cursors."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.columns import CODECS, cell_text
from syncflow_dagster.sandbox.monday.errors import MondayError, bad_argument, bad_column
from syncflow_dagster.sandbox.monday.model import Board, Column, Item

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.clock import Clock

PAGE_LIMIT = 500
IDS_LIMIT = 100
CURSOR_S = 3_600.0

Test = Callable[[Item], bool]


class MalformedRuleError(Exception):
    """A rule that cannot be applied. The service answers such a search with nothing."""


@dataclass(frozen=True)
class _Subject:
    """What a rule looks at: a column, the name or the group."""

    text: Callable[[Item], str]
    terms: Callable[[Item], frozenset[Any]]
    order: Callable[[Item], Any] | None


def _subject(board: Board, column_id: str) -> _Subject:
    if column_id == "name":
        return _Subject(lambda i: i.name, lambda i: frozenset({i.name}), lambda i: i.name)
    if column_id == "group":
        return _Subject(lambda i: i.group_id, lambda i: frozenset({i.group_id}), None)
    column = board.columns.get(column_id)
    if column is None:
        raise MalformedRuleError(column_id)
    if column.type == "mirror":
        raise MondayError(
            "Filtering by this column type is not supported",
            "InvalidColumnTypeException",
            data={"column_id": column_id},
        )
    return _column_subject(column)


def _column_subject(column: Column) -> _Subject:
    codec = CODECS[column.type]

    def terms(item: Item) -> frozenset[Any]:
        value = item.values.get(column.id)
        # An empty cell is found by the empty text.
        return frozenset({""}) if value is None else codec.terms(value, column)

    def order(item: Item) -> Any:
        value = item.values.get(column.id)
        return None if value is None or codec.order is None else codec.order(value)

    has_order = order if codec.order is not None else None
    return _Subject(lambda item: cell_text(item, column) or "", terms, has_order)


def _compared(value: Any) -> list[Any]:
    listed = value if isinstance(value, list) else [value]
    return ["" if one is None else one for one in listed if not isinstance(one, dict | list)]


_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "contains_text": lambda text, wanted: wanted in text,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains_terms": lambda text, wanted: all(term in text.split() for term in wanted.split()),
}
_ORDER_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "greater_than": lambda a, b: a > b,
    "greater_than_or_equals": lambda a, b: a >= b,
    "lower_than": lambda a, b: a < b,
    "lower_than_or_equal": lambda a, b: a <= b,
}


def _test(board: Board, rule: Mapping[str, Any]) -> Test:
    subject = _subject(board, rule["column_id"])
    operator = rule.get("operator") or "any_of"
    wanted = _compared(rule["compare_value"])
    if operator in ("is_empty", "is_not_empty"):
        return lambda item: (subject.terms(item) == {""}) == (operator == "is_empty")
    if not wanted:
        raise MalformedRuleError(operator)
    if operator in ("any_of", "not_any_of"):
        # "EXACT" only marks that the next value is a date.
        values = {one for one in wanted if one != "EXACT"}
        return lambda item: bool(subject.terms(item) & values) == (operator == "any_of")
    if operator in _TEXT_TESTS or operator == "not_contains_text":
        return _text_test(subject, operator, str(wanted[0]).casefold())
    return _order_test(subject, operator, wanted)


def _text_test(subject: _Subject, operator: str, wanted: str) -> Test:
    if operator == "not_contains_text":
        return lambda item: wanted not in subject.text(item).casefold()
    compare = _TEXT_TESTS[operator]
    return lambda item: compare(subject.text(item).casefold(), wanted)


def _order_test(subject: _Subject, operator: str, wanted: Sequence[Any]) -> Test:
    order = subject.order
    if order is None:
        raise MalformedRuleError(operator)
    bounds = [_bound(one) for one in wanted if one != "EXACT"]
    if operator == "between" and len(bounds) == 2:
        low, high = bounds
        return lambda item: _safely(lambda: low <= order(item) <= high)
    compare = _ORDER_TESTS.get(operator)
    if compare is None or len(bounds) != 1:
        raise MalformedRuleError(operator)
    return lambda item: _safely(lambda: compare(order(item), bounds[0]))


def _bound(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _safely(comparison: Callable[[], bool]) -> bool:
    """An empty cell, or a bound of another kind, compares as false."""
    try:
        return comparison()
    except TypeError:
        return False


def matching(board: Board, items: Sequence[Item], query: Mapping[str, Any] | None) -> list[Item]:
    """The items that a `query_params` selects, in its order.

    Raises:
        MondayError: More than 100 ids are asked for, or a column type cannot be searched.
    """
    query = query or {}
    ids = query.get("ids")
    if ids is not None:
        if len(ids) > IDS_LIMIT:
            msg = f"query_params.ids takes at most {IDS_LIMIT} ids"
            raise bad_argument(msg)
        items = [item for item in items if item.id in set(ids)]
    try:
        tests = [_test(board, rule) for rule in query.get("rules") or ()]
        order = [(_subject(board, o["column_id"]), o) for o in query.get("order_by") or ()]
    except MalformedRuleError:
        return []
    if tests:
        combined = any if query.get("operator") == "or" else all
        items = [item for item in items if combined(test(item) for test in tests)]
    found = list(items)
    for subject, how in reversed(order):
        _sort(found, subject, descending=how.get("direction") == "desc")
    return found


def _sort(items: list[Item], subject: _Subject, *, descending: bool) -> None:
    def key(item: Item) -> tuple[bool, Any]:
        value = subject.order(item) if subject.order else subject.text(item)
        return (value is not None, value if value is not None else 0)

    items.sort(key=key, reverse=descending)


def by_column_values(
    board: Board, items: Sequence[Item], columns: Sequence[Mapping[str, Any]]
) -> list[Item]:
    """Items whose texts equal one of the values in every column asked for.

    Raises:
        MondayError: The board has no such column.
    """
    found = list(items)
    for wanted in columns:
        values = {"" if value is None else value for value in wanted["column_values"]}
        column = board.columns.get(wanted["column_id"])
        if column is None:
            raise bad_column(wanted["column_id"])
        if column.id == "name":
            found = [item for item in found if item.name in values]
        else:
            found = [item for item in found if (cell_text(item, column) or "") in values]
    return found


@dataclass
class Cursors:
    """Open result lists. A cursor is valid for an hour from its first page."""

    clock: Clock
    _open: dict[str, tuple[float, tuple[str, ...]]] = field(default_factory=dict)

    def page(
        self, item_ids: Sequence[str], limit: int, expires: float | None = None
    ) -> tuple[Sequence[str], str | None]:
        """The first `limit` ids, and a cursor for the rest if there is one.

        Raises:
            MondayError: The limit is not from 1 to 500.
        """
        if not 1 <= limit <= PAGE_LIMIT:
            msg = f"limit must be from 1 to {PAGE_LIMIT}, not {limit}"
            raise bad_argument(msg)
        rest = tuple(item_ids[limit:])
        if not rest:
            return item_ids[:limit], None
        until = self.clock.real() + CURSOR_S if expires is None else expires
        cursor = "MSw" + secrets.token_urlsafe(18)
        self._open[cursor] = (until, rest)
        return item_ids[:limit], cursor

    def next(self, cursor: str, limit: int) -> tuple[Sequence[str], str | None]:
        """The page behind a cursor.

        Raises:
            MondayError: The cursor is unknown or has expired.
        """
        now = self.clock.real()
        self._open = {c: entry for c, entry in self._open.items() if entry[0] > now}
        found = self._open.get(cursor)
        if found is None:
            # Recorded in these words, and without any `data`.
            raise MondayError(
                "CursorExpiredError: The cursor provided for pagination has expired. Please "
                "refresh your query and obtain a new cursor to continue fetching items",
                "CursorException",
                whole=True,
            )
        expires, item_ids = found
        return self.page(item_ids, limit, expires)

"""Queries too long for the service, split into several that together find the same records.

A list under IN is cut into pieces, as is an OR: every record the query finds is found by one of its
parts. What is negated cannot be cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from syncflow_dagster.core.soql.where import (
    ALWAYS,
    NEVER,
    And,
    Comparison,
    Or,
    Relation,
    both,
    comparisons,
    either,
)
from syncflow_dagster.core.soql.write import where_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.core.soql.where import Where
    from syncflow_dagster.core.soql.write import Query

#: Longest query, in characters
#: (https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_soslsoql.htm).
LONGEST_QUERY = 100_000
#: Longest address of a request, in bytes: address and headers may have 16,384, and an access token
#: that is a JWT has up to 2,000 of them.
LONGEST_ADDRESS = 14_000
#: Ids in one list of a query that goes in an address.
MOST_IDS = 500
#: Bytes of the address that are not the query: host, path, and how it is marked.
_ADDRESS_REST = 200
#: Queries a split may end in; more of them are a mistake in the file.
MOST_QUERIES = 1_000
_LISTS = frozenset({Relation.IN, Relation.INCLUDES})


class TooLongError(ValueError):
    """A query that is too long and cannot be split."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A query in parts.

    Attributes:
        queries: The parts; none where no record can meet the query.
        is_disjoint: Whether no record is in two of them; else the rows' ids have to tell.
        is_fixed: Whether that stays so while they are read one after another: a record may change
            so that it is in another of them, unless they are cut by its Id.
    """

    queries: tuple[Query, ...]
    is_disjoint: bool
    is_fixed: bool


def for_rest(query: Query, reserve: str = "") -> Parts:
    """Split a query so that each part fits into the address of a request.

    Args:
        query: The query.
        reserve: Text as long as what will be added to it: a window, an order.

    Raises:
        TooLongError: Something in it is too long, and cannot be split.
    """

    def over(where: Where) -> float:
        text = replace(query, where=where).text() + reserve
        size = (len(quote_plus(text)) + _ADDRESS_REST) / LONGEST_ADDRESS
        size = max(size, len(text) / LONGEST_QUERY)
        lists = [len(one.values) / MOST_IDS for one in comparisons(where) if _is_ids(one)]
        return max(size, *lists, 0)

    return _split(query, over)


def for_bulk(query: Query, reserve: str = "") -> Parts:
    """Split a query so that each part fits into a job of Bulk API 2.0; see `for_rest`.

    Raises:
        TooLongError: Something in it is too long, and cannot be split.
    """

    def over(where: Where) -> float:
        return len(replace(query, where=where).text() + reserve) / LONGEST_QUERY

    return _split(query, over)


def _split(query: Query, over: Callable[[Where], float]) -> Parts:
    if query.is_empty:
        return Parts((), is_disjoint=True, is_fixed=True)
    left, done = [query.where], []
    disjoint = fixed = True
    while left:
        where = left.pop()
        excess = over(where)
        if excess <= 1:
            done.append(where)
            continue
        place = _widest(where)
        if place is None:
            raise TooLongError(_too_long(query, excess))
        list_cut = _list_at(where, place)
        disjoint = disjoint and list_cut is not None
        fixed = fixed and list_cut is not None and list_cut.path.text == "Id"
        left += reversed(_cut(where, place, excess))
        if len(left) + len(done) > MOST_QUERIES:
            msg = f"the conditions would take more than {MOST_QUERIES:,} queries"
            raise TooLongError(msg)
    return Parts(tuple(replace(query, where=one) for one in done), disjoint, fixed)


def _too_long(query: Query, excess: float) -> str:
    why = "a query written by hand is not split"
    if not query.raw:
        why = "there is no list left to split; one under a negative operator cannot be"
    return f"the query is {excess:.1f} times as long as it may be, and {why}"


def _is_ids(one: Comparison) -> bool:
    return one.relation is Relation.IN and one.path.field.type in {"id", "reference"}


def _width(where: Where) -> int:
    return 0 if where in (ALWAYS, NEVER) else len(where_text(where))


def _widest(where: Where) -> tuple[int, ...] | None:
    """Return the way to the longest part that can be cut; None if nothing can."""
    if isinstance(where, Comparison):
        can = where.relation in _LISTS and not where.negated and len(where.values) > 1
        return () if can else None
    ways = {at: way for at, part in enumerate(where.parts) if (way := _widest(part)) is not None}
    widest = max(ways, key=lambda at: _width(where.parts[at]), default=None)
    # A list that is most of an OR is cut itself; else the OR is.
    is_or = isinstance(where, Or) and len(where.parts) > 1
    if is_or and (widest is None or _width(where.parts[widest]) * 2 < _width(where)):
        return ()
    return None if widest is None else (widest, *ways[widest])


def _list_at(where: Where, way: tuple[int, ...]) -> Comparison | None:
    """Return the list that is cut, where no record meets two of its pieces; else None."""
    for at in way:
        if not isinstance(where, And):
            return None
        where = where.parts[at]
    if not isinstance(where, Comparison):
        return None
    return where if where.relation is Relation.IN and not where.on_null else None


def _cut(where: Where, way: tuple[int, ...], excess: float) -> list[Where]:
    """Cut what stands at the end of a way, and return the whole with each of its pieces."""
    if way:
        assert not isinstance(where, Comparison)
        at, *rest = way
        share = _width(where.parts[at]) / _width(where)
        room = 1 / excess - (1 - share)
        needed = share / room if room > 0 else excess
        pieces = _cut(where.parts[at], tuple(rest), max(needed, excess))
        join = both if isinstance(where, And) else either
        return [join([*where.parts[:at], piece, *where.parts[at + 1 :]]) for piece in pieces]
    if isinstance(where, Comparison):
        return [
            replace(where, values=where.values[a:b]) for a, b in _cuts(len(where.values), excess)
        ]
    return [either(where.parts[a:b]) for a, b in _cuts(len(where.parts), excess)]


def _cuts(count: int, excess: float) -> list[tuple[int, int]]:
    """Return where to cut so many things into even runs, each of them smaller than the whole."""
    number = min(count, max(2, math.ceil(excess * 1.02)))
    edges = [count * at // number for at in range(number + 1)]
    return list(pairwise(edges))

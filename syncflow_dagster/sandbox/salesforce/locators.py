"""Query cursors: `/query/01g...-2000` gives the rows from 2,000 on, again if asked again."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.ids import make_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.salesforce.rest_rows import RowShape
    from syncflow_dagster.sandbox.salesforce.settings import Settings
    from syncflow_dagster.sandbox.salesforce.soql import ResultRow

# A user may have ten cursors open; an eleventh closes the oldest.
_MOST_OPEN = 10


@dataclass(frozen=True)
class Cursor:
    """One open query.

    Attributes:
        rows: All rows of the result.
        size: Rows of a page.
        shape: Shows the rows.
    """

    id: str
    user_id: str
    rows: Sequence[ResultRow]
    size: int
    shape: RowShape
    expires_at: float


class Locators:
    """All open cursors.

    Args:
        clock: The sandbox's; cursors live in real seconds.
        settings: Tells how long.
    """

    def __init__(self, clock: Clock, settings: Callable[[], Settings]) -> None:
        self._clock = clock
        self._settings = settings
        self._open: dict[str, Cursor] = {}
        self._numbers = itertools.count(1)

    def clear(self) -> None:
        """Close all cursors."""
        self._open.clear()

    def open(self, user_id: str, rows: Sequence[ResultRow], size: int, shape: RowShape) -> Cursor:
        """Keep a result; closes the user's oldest cursor where there are ten."""
        own = [one for one in self._open.values() if one.user_id == user_id]
        for oldest in own[: max(0, len(own) - _MOST_OPEN + 1)]:
            del self._open[oldest.id]
        expires_at = self._clock.real() + self._settings().locator_ttl_s
        new = Cursor(make_id("01g", next(self._numbers)), user_id, rows, size, shape, expires_at)
        self._open[new.id] = new
        return new

    def find(self, locator: str, user_id: str) -> tuple[Cursor, int]:
        """The cursor of a locator, and the place it goes on from.

        Raises:
            ApiError: There is no such cursor of this user, or no longer.
        """
        cursor_id, _, place = locator.rpartition("-")
        found = self._open.get(cursor_id)
        if found is None or found.user_id != user_id or not place.isdecimal():
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if found.expires_at <= self._clock.real():
            del self._open[cursor_id]
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return found, int(place)

"""Reading a list page by page, to an end that is sure to come."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from syncflow_dagster.nodes.linkedin.shapes import Page

T = TypeVar("T")


@dataclass(slots=True)
class TimeLeft:
    """How long an account may still be asked.

    Attributes:
        longest_s: Seconds after which no further request is begun.
        timer: Seconds, monotonic, of the real world: a request that hangs takes these.
    """

    longest_s: float
    timer: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.timer()

    @property
    def is_up(self) -> bool:
        """Whether the time is used up."""
        return self.timer() - self._began >= self.longest_s


@dataclass(slots=True)
class Listing(Generic[T]):
    """A list that is read.

    Attributes:
        fetch: Reads the page a cursor leads to.
        key: What tells one item from another.
        most: Pages at most.
        time: Time that is left.
        pages: Pages read.
        stopped: Why reading ended before the list's end; None if it did not.
    """

    fetch: Callable[[str | None], Page[T]]
    key: Callable[[T], Hashable]
    most: int
    time: TimeLeft
    pages: int = 0
    stopped: str | None = None

    def read(self) -> Iterator[tuple[T, ...]]:
        """Give page after page, as far as it is a list that goes on."""
        cursor: str | None = None
        cursors: set[str] = set()
        seen: set[Hashable] = set()
        while True:
            if self.time.is_up:
                self.stopped = f"{self.time.longest_s:g} s were over"
                return
            page = self.fetch(cursor)
            self.pages += 1
            keys = {self.key(one) for one in page.items}
            if keys and keys <= seen:
                self.stopped = f"page {self.pages} has nothing that was not on those before"
                return
            seen |= keys
            yield page.items
            cursor = page.cursor
            if cursor is None or not page.items:
                return
            if cursor in cursors:
                self.stopped = f"the cursor of page {self.pages} had come before"
                return
            cursors.add(cursor)
            if self.pages >= self.most:
                self.stopped = f"{self.most} pages were read"
                return

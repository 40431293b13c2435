"""The rows of a finished query job, kept compressed and cut into pages.

Every page begins with the header line. A page is made once and then kept as it goes over the
wire, so that a second download of it costs the sandbox nothing.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHUNK_ROWS = 5_000
# Fast and good enough: CSV of records shrinks to a sixth.
_LEVEL = 1
# Ids of result files; the rest of the locator is the place.
_RESULT_PREFIX = "0Ga"


class LocatorError(ValueError):
    """A locator that this job never gave."""


@dataclass(frozen=True)
class Page:
    """One page as it goes over the wire.

    Attributes:
        packed: Header and rows, compressed with gzip.
        rows: How many rows there are.
        locator: Where the next page begins; None behind the last one.
    """

    packed: bytes
    rows: int
    locator: str | None

    @property
    def plain(self) -> bytes:
        """The same, not compressed."""
        return gzip.decompress(self.packed)


class Results:
    """Rows of one job, in their order.

    Args:
        job_id: The job, whose Id is a part of each locator.
        header: The header line with its ending.
    """

    def __init__(self, job_id: str, header: str) -> None:
        self._name = _RESULT_PREFIX + job_id[3:]
        self._header = header.encode()
        self._chunks: list[tuple[bytes, Sequence[int]]] = []
        self._pages: dict[tuple[int, int], Page] = {}
        self.rows = 0
        self.size = len(self._header)

    def add(self, lines: Iterable[str]) -> None:
        """Append at most `CHUNK_ROWS` rows; every chunk but the last is full."""
        encoded = [line.encode() for line in lines]
        if not encoded:
            return
        ends = tuple(itertools.accumulate(map(len, encoded)))
        self._chunks.append((zlib.compress(b"".join(encoded), _LEVEL), ends))
        self.rows += len(encoded)
        self.size += ends[-1]

    def page(self, start: int, count: int) -> Page:
        """At most `count` rows from a place on."""
        key = start, count
        if key not in self._pages:
            until = min(start + count, self.rows)
            parts = [self._header, *self._lines(start, until)]
            packed = gzip.compress(b"".join(parts), _LEVEL, mtime=0)
            following = self.locator(until) if until < self.rows else None
            self._pages[key] = Page(packed, until - start, following)
        return self._pages[key]

    def _lines(self, start: int, until: int) -> Iterable[bytes]:
        for number in range(start // CHUNK_ROWS, -(-until // CHUNK_ROWS)):
            packed, ends = self._chunks[number]
            first = max(start - number * CHUNK_ROWS, 0)
            last = min(until - number * CHUNK_ROWS, len(ends))
            begins = ends[first - 1] if first else 0
            yield zlib.decompress(packed)[begins : ends[last - 1]]

    def starts(self, count: int, begin: int = 0) -> Sequence[int]:
        """Where pages of `count` rows begin; there is one page even without rows."""
        return range(begin, max(self.rows, 1), count)

    def locator(self, start: int, count: int | None = None) -> str:
        """The locator of a place, with the number of rows the service chose for the page.

        Its form is that of a real one: base64 of `0:0GaHn000005s2T4KAI:1`, without padding
        (github.com/forcedotcom/cli/issues/2968).
        """
        size = "" if count is None else f":{count}"
        text = f"{start}:{self._name}{size}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def place(self, locator: str) -> tuple[int, int | None]:
        """Where a page begins that a locator names, and its number of rows when it tells one.

        Raises:
            LocatorError: It is none of this job's.
        """
        try:
            padded = locator + "=" * (-len(locator) % 4)
            start, name, *count = base64.urlsafe_b64decode(padded).decode().split(":")
            place = int(start), int(count[0]) if count else None
        except ValueError as error:
            raise LocatorError(locator) from error
        if name != self._name or not 0 <= place[0] < max(self.rows, 1):
            raise LocatorError(locator)
        return place

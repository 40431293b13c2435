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
    from collections.abc import Callable, Iterable, Iterator, Sequence

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
        until: Where the next page would begin.
    """

    packed: bytes
    rows: int
    until: int

    @property
    def plain(self) -> bytes:
        """The same, not compressed."""
        return gzip.decompress(self.packed)


class Sheet:
    """A header and rows in their order, as CSV.

    Args:
        header: The header line with its ending.
        lines: Gives the lines of the rows from one place up to another, when they are asked for
            the first time; absent where all rows are added with `add`.
        rows: How many rows `lines` can give.
    """

    def __init__(
        self,
        header: str,
        lines: Callable[[int, int], Iterable[str]] | None = None,
        rows: int = 0,
    ) -> None:
        self._header = header.encode()
        self._make = lines
        self._chunks: dict[int, tuple[bytes, Sequence[int]]] = {}
        self._pages: dict[tuple[int, int], Page] = {}
        self.rows = rows

    def add(self, lines: Iterable[str]) -> None:
        """Append rows."""
        rest = iter(lines)
        while True:
            assert self.rows % CHUNK_ROWS == 0, "rows were added behind a chunk that is not full"
            count = self._keep(len(self._chunks), itertools.islice(rest, CHUNK_ROWS))
            self.rows += count
            if count < CHUNK_ROWS:
                return

    def page(self, start: int, count: int) -> Page:
        """At most `count` rows from a place on."""
        key = start, count
        if key not in self._pages:
            until = min(start + count, self.rows)
            packed = gzip.compress(b"".join(self._between(start, until)), _LEVEL, mtime=0)
            self._pages[key] = Page(packed, until - start, until)
        return self._pages[key]

    def _between(self, start: int, until: int) -> Iterator[bytes]:
        yield self._header
        for number in range(start // CHUNK_ROWS, -(-until // CHUNK_ROWS)):
            packed, ends = self._chunk(number)
            first = max(start - number * CHUNK_ROWS, 0)
            last = min(until - number * CHUNK_ROWS, len(ends))
            yield zlib.decompress(packed)[ends[first - 1] if first else 0 : ends[last - 1]]

    def _chunk(self, number: int) -> tuple[bytes, Sequence[int]]:
        if number not in self._chunks and self._make is not None:
            begin = number * CHUNK_ROWS
            self._keep(number, self._make(begin, min(begin + CHUNK_ROWS, self.rows)))
        return self._chunks[number]

    def _keep(self, number: int, lines: Iterable[str]) -> int:
        """Store a chunk; the number of its rows."""
        encoded = [line.encode() for line in lines]
        if encoded:
            ends = tuple(itertools.accumulate(map(len, encoded)))
            self._chunks[number] = zlib.compress(b"".join(encoded), _LEVEL), ends
        return len(encoded)


def locator(job_id: str, start: int, count: int | None = None) -> str:
    """The locator of a place, with the number of rows where the service chose it for the page.

    Its form is that of a real one: base64 of `0:0GaHn000005s2T4KAI:1`, without padding
    (github.com/forcedotcom/cli/issues/2968).
    """
    size = "" if count is None else f":{count}"
    text = f"{start}:{_RESULT_PREFIX}{job_id[3:]}{size}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(job_id: str, rows: int, given: str) -> tuple[int, int | None]:
    """Where the page begins that a locator names, and its number of rows when it tells one.

    Args:
        job_id: Whose results they are.
        rows: How many rows the job has.
        given: The locator.

    Raises:
        LocatorError: It is none of this job's.
    """
    try:
        padded = given + "=" * (-len(given) % 4)
        start, name, *count = base64.urlsafe_b64decode(padded).decode().split(":")
        found = int(start), int(count[0]) if count else None
    except ValueError as error:
        raise LocatorError(given) from error
    if name != _RESULT_PREFIX + job_id[3:] or not 0 <= found[0] < max(rows, 1):
        raise LocatorError(given)
    return found

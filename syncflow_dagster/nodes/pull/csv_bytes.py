"""A CSV file's bytes on their way to the parser: as UTF-8, counted, and not far ahead."""

from __future__ import annotations

import codecs
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

#: Blocks the parser may be ahead of its reader. It needs two to know where the rows of one end,
#: and three to see that a row does not end in two; left alone it would fetch thirty-two.
_BLOCKS_AHEAD = 3
#: Seconds until it gets a block more all the same: a block may hold no row at all.
_PATIENCE_S = 10
_UTF_8 = frozenset({"utf-8", "utf-8-sig"})


class NoText(ValueError):
    """Bytes that are no text in the file's encoding.

    Attributes:
        line: The line they stand in, counted from 1.
        encoding: The encoding.
    """

    def __init__(self, line: int, encoding: str) -> None:
        super().__init__(f"line {line}: no {encoding} text")
        self.line = line
        self.encoding = encoding


class CsvBytes:
    """A stream for pyarrow's CSV reader, which calls it from a thread of its own.

    Args:
        stream: The file, unpacked.
        encoding: Its encoding; UTF-8 is left to the parser to check, which can name the row.
        block: Bytes the parser takes at once.

    Attributes:
        closed: Whether nothing more is given.
        quotes: Quotes so far.
        tail: The last byte so far.

    Raises:
        LookupError: There is no such encoding.
    """

    def __init__(self, stream: pa.NativeFile, encoding: str, block: int) -> None:
        found = codecs.lookup(encoding)
        self._stream = stream
        self._encoding = found.name
        self._decoder = None if found.name in _UTF_8 else codecs.getincrementaldecoder(encoding)()
        self._block = block
        self._lines = 0
        self._waiting = b""
        self._sent = 0
        self._room = _BLOCKS_AHEAD * block
        self._turn = threading.Condition()
        self.closed = False
        self.quotes = 0
        self.tail = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def paced(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the parser's batches, and let it go on by a block for each."""
        for batch in batches:
            with self._turn:
                self._room += self._block
                self._turn.notify_all()
            yield batch

    def close(self) -> None:
        """End the file, for a parser that still wants more."""
        with self._turn:
            self.closed = True
            self._turn.notify_all()

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`; none at the end.

        Raises:
            NoText: They are no text.
        """
        with self._turn:
            self._turn.wait_for(lambda: self.closed or self._sent < self._room, _PATIENCE_S)
            if self.closed:
                return b""
        while len(self._waiting) < size:
            piece: bytes = self._stream.read(size)
            self._waiting += self._in_utf_8(piece)
            if not piece:
                break
        given, self._waiting = self._waiting[:size], self._waiting[size:]
        self._sent += len(given)
        self.quotes += given.count(b'"')
        self.tail = given[-1:] or self.tail
        return given

    def _in_utf_8(self, piece: bytes) -> bytes:
        if self._decoder is None:
            return piece
        try:
            text = self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            line = self._lines + error.object[: error.start].count(b"\n") + 1
            raise NoText(line, self._encoding) from None
        self._lines += text.count("\n")
        return text.encode()

"""Rows of the files of a folder, one after the other by name."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pyarrow as pa

from syncflow_dagster.nodes.pull.file_formats import SUFFIXES, open_file
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.rows import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncflow_dagster.nodes.pull.file_formats import RowFile
    from syncflow_dagster.nodes.rows import Mark, Position
    from syncflow_dagster.workflows.models import FilesConnection


@dataclass(frozen=True, slots=True)
class _Found:
    """A file as it was when it was found."""

    name: str
    path: Path
    size: int
    modified_ns: int


class FileRows:
    """The rows of the files a pattern names; see `nodes.rows.RowSource`.

    A read goes on behind a file's name and a number of its rows, such as `orders-2.csv#000150000`.

    Args:
        connection: The folder, and how its files are written.
        pattern: Which files, relative to the folder; see `bad_pattern`.
        batch_rows: Most rows held at once, at least 1.

    Raises:
        ValueError: The pattern or `batch_rows` cannot be used.
    """

    def __init__(self, connection: FilesConnection, pattern: str, batch_rows: int) -> None:
        problem = bad_pattern(pattern)
        if problem is not None:
            msg = f"{pattern!r} {problem}"
            raise ValueError(msg)
        if batch_rows < 1:
            msg = f"batch_rows must be at least 1, not {batch_rows}"
            raise ValueError(msg)
        self._connection = connection
        self._folder = Path(connection.folder)
        self._pattern = pattern
        self._batch_rows = batch_rows

    @property
    def fingerprint(self) -> str:
        """A hash of the files' names, sizes and times, and of how they are read.

        Raises:
            SourceUnavailableError: The folder or its files are not there.
        """
        files = [(one.name, one.size, one.modified_ns) for one in self._find()]
        parts = [self._connection.model_dump(mode="json"), self._pattern, files]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def selects_changes(self) -> bool:
        """No: a file is read as a whole."""
        return False

    def read(self, position: Position) -> Iterator[Piece]:
        """Read the rows behind a position.

        Args:
            position: Its `after` is the `resume` of a piece, or None.

        Yields:
            Pieces of at most `batch_rows` rows; an empty one where there are no rows.

        Raises:
            SourceUnavailableError: Files are not there, cannot be opened, or change meanwhile.
            QueryFailedError: A file is none of its format, or has other columns than the first.
        """
        found = self._find()
        files = [open_file(one.path, one.name, self._connection) for one in found]
        schema = _common_schema(found, files)
        begin, skip = _place(found, position.after)
        empty = True
        for one, file in zip(found[begin:], files[begin:], strict=True):
            for piece in self._pieces(one, file, schema, skip):
                empty = False
                yield piece
            skip = 0
            _check_unchanged(one)
        if empty:
            yield Piece(pa.RecordBatch.from_pylist([], schema=schema), position.after)

    def _pieces(self, one: _Found, file: RowFile, schema: pa.Schema, skip: int) -> Iterator[Piece]:
        at = 0
        with _readable(one):
            for batch in file.batches(self._batch_rows):
                at += batch.num_rows
                fresh = batch.slice(max(0, batch.num_rows - (at - skip)))
                if fresh.num_rows:
                    arrays = [fresh.column(name) for name in schema.names]
                    ordered = pa.RecordBatch.from_arrays(arrays, schema=schema)
                    yield Piece(ordered, f"{one.name}#{at:09d}")

    def _find(self) -> list[_Found]:
        """Return the files by name; none is as bad as none that can be read: rows would vanish."""
        try:
            found = [self._look(path) for path in self._folder.glob(self._pattern)]
        except OSError as error:
            msg = f"{self._folder} cannot be read: {error.strerror}"
            raise SourceUnavailableError(msg) from error
        files = sorted((one for one in found if one is not None), key=lambda one: one.name)
        if not files:
            there = "there is no such folder" if not self._folder.is_dir() else "no file is there"
            msg = f"{self._folder / self._pattern} cannot be read: {there}"
            raise SourceUnavailableError(msg)
        return files

    def _look(self, path: Path) -> _Found | None:
        if not path.is_file():
            return None
        name = path.relative_to(self._folder).as_posix()
        if not path.resolve().is_relative_to(self._folder.resolve()):
            msg = f"{name} in {self._folder} is a link that leads out of the folder"
            raise QueryFailedError(msg)
        state = path.stat()
        return _Found(name, path, state.st_size, state.st_mtime_ns)


def bad_pattern(pattern: str) -> str | None:
    """Say what is wrong with a pattern of files; None if it can be used.

    `*` and `?` stand for signs of a name, `**` for folders; its end tells the format.
    """
    parts = PurePath(pattern)
    if "\0" in pattern or parts.is_absolute() or ".." in parts.parts:
        return "does not lie under the connection's folder"
    if not pattern.endswith(SUFFIXES):
        return f"names no format; it must end with {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
    if any("**" in part and part != "**" for part in parts.parts):
        return "has a '**' that is no folder of its own, as in **/orders-*.csv"
    return None


def _common_schema(found: Sequence[_Found], files: Sequence[RowFile]) -> pa.Schema:
    """Return the columns of the first file, which all others must have; in any order."""
    schemas = []
    for one, file in zip(found, files, strict=True):
        with _readable(one):
            schemas.append(file.schema)
    schema = schemas[0]
    for one, other in zip(found[1:], schemas[1:], strict=True):
        for name in schema.names:
            if name not in other.names:
                msg = f"{one.name} has no column {name!r}, which {found[0].name} has"
                raise QueryFailedError(msg)
            kinds = other.field(name).type, schema.field(name).type
            if kinds[0] != kinds[1]:
                msg = f"the column {name!r} of {one.name} is {kinds[0]}, but {kinds[1]} in "
                raise QueryFailedError(msg + found[0].name)
        more = [name for name in other.names if name not in schema.names]
        if more:
            msg = f"{one.name} has a column {more[0]!r}, which {found[0].name} has not"
            raise QueryFailedError(msg)
    return schema


def _place(found: Sequence[_Found], after: Mark | None) -> tuple[int, int]:
    """Return which file a read begins in, and how many of its rows it leaves out."""
    if after is None:
        return 0, 0
    name, _, rows = str(after).rpartition("#")
    for number, one in enumerate(found):
        if one.name == name and rows.isdigit():
            return number, int(rows)
    msg = f"a read cannot go on behind {after!r}: there is no such file any more"
    raise QueryFailedError(msg)


@contextmanager
def _readable(one: _Found) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"{one.name} cannot be read: {error.strerror or error}"
        raise SourceUnavailableError(msg) from error


def _check_unchanged(one: _Found) -> None:
    with _readable(one):
        state = one.path.stat()
    if (state.st_size, state.st_mtime_ns) != (one.size, one.modified_ns):
        msg = f"{one.name} was changed while it was read"
        raise SourceUnavailableError(msg)

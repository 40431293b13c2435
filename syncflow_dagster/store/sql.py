"""Named SQL statements kept in ``store/queries/*.sql``.

A file holds several statements, each under a line ``-- name: statement_name``. Keeping them out
of Python lets a database person read, run and review them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

_HEADER = re.compile(r"^--\s*name:\s*(?P<name>\S+)\s*$")


class Statements(Mapping[str, str]):
    """The statements of one file, by name.

    Args:
        source: The file's name, used in error texts.
        statements: Text per name.
    """

    def __init__(self, source: str, statements: Mapping[str, str]) -> None:
        self._source = source
        self._statements = dict(statements)

    def __getitem__(self, name: str) -> str:
        """Return the statement; a ``KeyError`` names the ones the file holds."""
        try:
            return self._statements[name]
        except KeyError:
            known = ", ".join(sorted(self._statements)) or "none"
            msg = f"{self._source} has no statement {name!r}; it has: {known}"
            raise KeyError(msg) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def parse(text: str, source: str) -> Statements:
    """Split a file's text at its ``-- name:`` lines.

    Args:
        text: The whole file. Lines above the first name are the file's own comment.
        source: The file's name, for error texts.

    Returns:
        The statements, in the file's order.

    Raises:
        ValueError: A name is given twice, or a name has no statement under it.
    """
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header is None:
            lines.append(line)
            continue
        name = header["name"]
        if name in found:
            msg = f"{source}:{number}: statement {name!r} is already in this file"
            raise ValueError(msg)
        lines = found[name] = []
    statements = {name: "\n".join(body).strip() for name, body in found.items()}
    empty = [name for name, body in statements.items() if not body]
    if empty:
        msg = f"{source}: no SQL under the name {empty[0]!r}"
        raise ValueError(msg)
    return Statements(source, statements)


@cache
def load(name: str) -> Mapping[str, str]:
    """Read ``store/queries/<name>.sql`` once.

    Args:
        name: The file's name without ``.sql``.

    Returns:
        The file's statements by name.

    Raises:
        KeyError: There is no such file; the text lists the ones that exist.
        ValueError: The file repeats a name or leaves one without SQL.
    """
    folder = resources.files("syncflow_dagster.store") / "queries"
    file = folder / f"{name}.sql"
    if not file.is_file():
        known = sorted(
            entry.name.removesuffix(".sql")
            for entry in (folder.iterdir() if folder.is_dir() else ())
            if entry.name.endswith(".sql")
        )
        msg = f"no query file {name!r}; there are: {', '.join(known) or 'none'}"
        raise KeyError(msg)
    return parse(file.read_text(encoding="utf-8"), f"queries/{name}.sql")

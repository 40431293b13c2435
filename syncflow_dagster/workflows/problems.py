"""What is wrong with a workflow file: one problem, one line, with the place and what is right."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Where something stands in a file: keys and list indexes from the top.
Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one file.

    Attributes:
        path: The file, as a person would name it.
        line: Line of the mistake, counted from 1.
        column: Column of the mistake, counted from 1.
        where: Dotted path of the part that is wrong, for example `nodes.0.query`.
        message: What is wrong.
        hint: What would be right; may be empty.
    """

    path: Path
    line: int
    column: int
    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return the problem as one line that editors and terminals can jump to."""
        text = f"{display_path(self.path)}:{self.line}:{self.column}: {self.where}: {self.message}"
        text = f"{text}; {self.hint}" if self.hint else text
        return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file that is no usable workflow, with every reason.

    Attributes:
        path: The file.
        problems: At least one, in the file's order.
        name: The workflow's name where it can be read, else the file's.
    """

    path: Path
    problems: tuple[Problem, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake that knows its place by path, before it is given line and column.

    Attributes:
        loc: Path of the part that is wrong.
        message: What is wrong.
        hint: What would be right.
        at_key: The key itself is wrong, not what it holds.
        is_warning: It is no mistake, but somebody should know.
    """

    loc: Loc
    message: str
    hint: str = ""
    at_key: bool = False
    is_warning: bool = False


def dotted(loc: Loc) -> str:
    """Return a path as people read it; the empty one is the workflow itself."""
    return ".".join(str(part) for part in loc) or "workflow"


def display_path(path: Path) -> str:
    """Return a path relative to the working folder where it lies inside it."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except (ValueError, OSError):
        return path.as_posix()


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word a misspelt one most likely stands for, if any is close."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], what: str) -> str:
    """Return a hint: the nearest known word, then all of them.

    Args:
        word: What the file says.
        known: What it could say.
        what: Names the known words, for example `known keys`.
    """
    names = list(known)
    close = nearest(word, names)
    listed = f"{what}: {', '.join(names)}" if names else f"{what}: none"
    return f"did you mean {close!r}? {listed}" if close else listed

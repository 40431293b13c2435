"""A workflow or policy file from disk as a document, or the reasons why it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows import document
from syncflow_dagster.workflows.problems import BrokenFile, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from syncflow_dagster.workflows.document import Document
    from syncflow_dagster.workflows.environment import Environment

#: No workflow is larger; what is, is another kind of file.
MAX_BYTES = 1_000_000


class UnreadableFileError(ValueError):
    """A file whose text cannot be had.

    Attributes:
        problem: Why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read_document(path: Path, environment: Environment, kind: str) -> Document | BrokenFile:
    """Read a file whose YAML is a mapping, or tell what is wrong with it.

    Args:
        path: The file.
        environment: Variables for `${NAME}`.
        kind: What it is, `workflow` or `policy`; it is the key such a file begins with, too.
    """
    beginning = f"{kind}: its_name"
    try:
        parsed = document.parse(read_text(path, beginning), environment)
    except UnreadableFileError as error:
        return BrokenFile(path, (error.problem,), path.stem)
    except document.NotReadableError as error:
        place = error.place
        problem = Problem(path, place.line, place.column, "file", str(error), error.hint)
        return BrokenFile(path, (problem,), path.stem)
    if isinstance(parsed.data, dict):
        return parsed
    message = f"a {kind} is a mapping of keys to values, but this is {parsed.kind(())}"
    problem = Problem(path, 1, 1, "file", message, f"begin it with '{beginning}'")
    return BrokenFile(path, (problem,), path.stem)


def read_text(path: Path, beginning: str = "workflow: its_name") -> str:
    """Return a file's text, without a byte order mark.

    Args:
        path: The file.
        beginning: How such a file begins, for who left it empty.

    Raises:
        UnreadableFileError: It is no file, too large, or no UTF-8 text.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except IsADirectoryError as error:
        hint = "name a .yaml file in it"
        raise _error(path, "this is a folder, not a file", hint) from error
    except FileNotFoundError as error:
        raise _error(path, "there is no such file", "check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not allowed"
        raise _error(path, f"the file cannot be read: {reason}") from error
    if len(raw) > MAX_BYTES:
        hint = "data does not belong into a workflow file"
        raise _error(path, f"the file is larger than {MAX_BYTES:,} bytes", hint)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        hint = "save the file as UTF-8"
        raise _error(path, "the file is not UTF-8 text", hint, line, column) from error
    if not text.strip():
        raise _error(path, "the file is empty", f"begin it with '{beginning}'")
    return text


def _error(
    path: Path, message: str, hint: str = "", line: int = 1, column: int = 1
) -> UnreadableFileError:
    return UnreadableFileError(Problem(path, line, column, "file", message, hint))

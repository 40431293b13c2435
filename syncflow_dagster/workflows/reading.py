"""Text of a workflow file from disk, or a plain reason why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

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

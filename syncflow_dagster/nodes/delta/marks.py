"""Marks (values that order rows) as texts that are kept and read back with their type."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.nodes.rows import Mark

_READERS: dict[str, Callable[[str], Mark]] = {
    "integer": int,
    "text": str,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


def to_text(mark: Mark | None) -> str | None:
    """Write a mark with its type, such as ``integer:42``; None stays None."""
    match mark:
        case None:
            return None
        case datetime():
            return f"datetime:{mark.isoformat()}"
        case date():
            return f"date:{mark.isoformat()}"
        case int():
            return f"integer:{mark}"
        case str():
            return f"text:{mark}"


def from_text(text: str | None) -> Mark | None:
    """Read what :func:`to_text` wrote.

    Raises:
        ValueError: It is not such a text.
    """
    if text is None:
        return None
    kind, _, value = text.partition(":")
    if kind not in _READERS:
        msg = f"{text!r} is no mark; right would be one of {', '.join(_READERS)} and a value"
        raise ValueError(msg)
    return _READERS[kind](value)

"""What a tag does to one cell of a record: a field, a topic, a membership, a junction record.

A cell's value is what JSON can hold: None where it is empty, true or false, a text, the sorted
values of a multi-select picklist, the fields of a junction record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: JSON value of a cell.
Value = Any


class ConflictingTagsError(ValueError):
    """Two rules want of one cell what cannot both be; the text says what."""


@dataclass(frozen=True, slots=True)
class Put:
    """Give the cell a value."""

    value: Value

    def on(self, _current: Value) -> Value:
        """Return the cell's value afterwards."""
        return self.value


@dataclass(frozen=True, slots=True)
class Mix:
    """Add values to a multi-select picklist and take values out; the others stay."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()

    def on(self, current: Value) -> Value:
        """Return the cell's value afterwards."""
        return normal([*(frozenset(current or ()) - self.remove | self.add)])


@dataclass(frozen=True, slots=True)
class Back:
    """Give the cell a value where it still holds what is expected; else leave it alone."""

    expected: Value
    value: Value

    def on(self, current: Value) -> Value:
        """Return the cell's value afterwards."""
        return self.value if same(current, self.expected) else current


Change = Put | Mix | Back


def normal(value: Value) -> Value:
    """Return a cell's value in the one form in which it is compared, kept and hashed.

    Salesforce keeps no empty texts and no blanks at the ends of one.
    """
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, list | tuple | set | frozenset):
        return sorted(set(value)) or None
    if isinstance(value, Mapping):
        return {str(name): normal(value[name]) for name in sorted(value)}
    return value


def same(one: Value, other: Value) -> bool:
    """Tell whether two values are the same; an unset checkbox is a false one."""
    one, other = normal(one), normal(other)
    if one is None or other is None:
        # By identity: the number 0 equals False, and is no empty value.
        return all(value is None or value is False for value in (one, other))
    return bool(one == other)


def both(one: Change, other: Change, cell: str) -> Change:
    """Return a change that does what two rules want of one cell.

    Raises:
        ConflictingTagsError: It cannot do both.
    """
    if isinstance(one, Mix) and isinstance(other, Mix):
        add, remove = one.add | other.add, one.remove | other.remove
        if torn := add & remove:
            listed = ", ".join(sorted(torn))
            msg = f"one rule adds to {cell} what another takes out: {listed}"
            raise ConflictingTagsError(msg)
        return Mix(add, remove)
    if one == other:
        return one
    msg = f"rules want different values of {cell}"
    raise ConflictingTagsError(msg)

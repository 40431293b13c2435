"""Conditions as a workflow file states them: nothing is known of their fields yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

#: Where something stands in a file: keys and list indexes from the top.
Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison.

    Attributes:
        attribute: A field, or one of a parent: `Account.Name`.
        operator: `equals`, `less`, `in` and so on.
        value: A value, a list of values, or None.
        null_matches: Whether a negative operator is true of an empty field too.
        loc: Where it stands.
    """

    attribute: str
    operator: str
    value: Any = None
    null_matches: bool = False
    loc: Loc = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all, any or none must be true."""

    kind: Literal["all", "any", "none"]
    parts: tuple[Tree, ...]
    loc: Loc = ()


Tree = Condition | Group


@dataclass(frozen=True, slots=True)
class Mistake:
    """What does not fit the org, or is worth knowing.

    Attributes:
        loc: Where it stands in the file.
        kind: Short name of the kind of mistake, such as `no_such_field`.
        message: What is wrong.
        hint: What would be right.
        warning: Whether it can be read all the same.
    """

    loc: Loc
    kind: str
    message: str
    hint: str = ""
    warning: bool = False

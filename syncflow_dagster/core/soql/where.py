"""Checked conditions: every test is true or false of every record, an empty field included.

A test is of a path that is known, with values of the right type, and says itself what it is of an
empty field (or of a field of a parent that is not there). So the opposite of a test is a test, and
no NOT ever meets a null, about which Salesforce's documents and practice disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql.date_literals import DateLiteral
from syncflow_dagster.core.soql.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncflow_dagster.core.soql.schema import FieldInfo

#: A value of a test; several texts are values of a multi-select picklist that must all be there.
Operand = (
    bool | int | Decimal | str | date | datetime | time | DateLiteral | Pattern | tuple[str, ...]
)


class Relation(StrEnum):
    """How a field and a value stand to each other; `NOTHING` is true of no value at all."""

    EQUAL = "="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LIKE = "LIKE"
    IN = "IN"
    INCLUDES = "INCLUDES"
    NOTHING = "NOTHING"


@dataclass(frozen=True, slots=True)
class Path:
    """A field of the object or of a parent, in the names' own case.

    Attributes:
        names: Relationships from the object up, then the field.
        field: The field.
    """

    names: tuple[str, ...]
    field: FieldInfo

    @property
    def text(self) -> str:
        """The path as SOQL has it."""
        return ".".join(self.names)

    @property
    def parent(self) -> str | None:
        """The path of the parent the field is of; None for the object's own."""
        return ".".join(self.names[:-1]) or None

    @property
    def is_never_empty(self) -> bool:
        """Whether every record has a value: of ids and checkboxes of the object itself."""
        return self.parent is None and self.field.type in {"id", "boolean"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One test of one field.

    Attributes:
        path: The field.
        relation: How field and value stand to each other.
        values: One value, or any number for `IN` and `INCLUDES`.
        negated: Whether it is true where the comparison is not.
        on_null: What it is of an empty field.
    """

    path: Path
    relation: Relation
    values: tuple[Operand, ...] = ()
    negated: bool = False
    on_null: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """True where all parts are; without any it is always true."""

    parts: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """True where a part is; without any it is never true."""

    parts: tuple[Where, ...] = ()


Where = Comparison | And | Or

_IDS = frozenset({"id", "reference"})

ALWAYS = And()
NEVER = Or()


def both(parts: Iterable[Where]) -> Where:
    """Return what is true where all parts are, without needless groups."""
    flat = [one for part in parts for one in (part.parts if isinstance(part, And) else (part,))]
    if NEVER in flat:
        return NEVER
    return flat[0] if len(flat) == 1 else And(tuple(dict.fromkeys(flat)))


def either(parts: Iterable[Where]) -> Where:
    """Return what is true where a part is, without needless groups."""
    flat = [one for part in parts for one in (part.parts if isinstance(part, Or) else (part,))]
    if ALWAYS in flat:
        return ALWAYS
    return flat[0] if len(flat) == 1 else Or(tuple(dict.fromkeys(flat)))


def opposite(where: Where) -> Where:
    """Return what is true where this is not."""
    if isinstance(where, And):
        return either(opposite(part) for part in where.parts)
    if isinstance(where, Or):
        return both(opposite(part) for part in where.parts)
    return settled(replace(where, negated=not where.negated, on_null=not where.on_null))


def settled(test: Comparison) -> Where:
    """Return a test, or what it comes to where it is the same for every record."""
    if test.relation is not Relation.NOTHING:
        if test.negated and test.path.field.type == "boolean":  # of two values the other one
            return replace(test, values=(not test.values[0],), negated=False)
        return test
    if test.negated and (test.on_null or test.path.is_never_empty):
        return ALWAYS
    if not test.negated and (not test.on_null or test.path.is_never_empty):
        return NEVER
    return test


def comparisons(where: Where) -> Iterator[Comparison]:
    """Return every test in it."""
    if isinstance(where, Comparison):
        yield where
    else:
        for part in where.parts:
            yield from comparisons(part)


def folded(value: object, field: FieldInfo) -> object:
    """Return what a value is compared by: texts without their case, but for ids and such fields."""
    if isinstance(value, str) and not field.case_sensitive and field.type not in _IDS:
        return value.lower()
    return value

"""Checked conditions as SOQL.

Groups always stand in parentheses, since SOQL mixes no AND with OR; what a test is of an empty
field is written out, since `!=`, NOT IN, EXCLUDES and NOT LIKE are not relied on to know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql import literals
from syncflow_dagster.core.soql.where import ALWAYS, NEVER, And, Comparison, Relation, both

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.core.soql.where import Path, Where

_NEGATED = {
    Relation.EQUAL: "!=",
    Relation.LESS: ">=",
    Relation.LESS_OR_EQUAL: ">",
    Relation.GREATER: "<=",
    Relation.GREATER_OR_EQUAL: "<",
    Relation.IN: "NOT IN",
    Relation.INCLUDES: "EXCLUDES",
}
#: Negated relations that are known to be false of an empty field: they have an opposite operator.
_ORDERED = frozenset(
    {Relation.LESS, Relation.LESS_OR_EQUAL, Relation.GREATER, Relation.GREATER_OR_EQUAL}
)


class NeverTrueError(ValueError):
    """Conditions that no record meets, or all do, which SOQL has no words for."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query of one object.

    Attributes:
        owner: The object's name.
        fields: Dotted names of the fields it selects.
        where: Its conditions.
        raw: Conditions written by a person, met as well; empty for none.
    """

    owner: str
    fields: tuple[str, ...]
    where: Where = ALWAYS
    raw: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether no record can meet it, so that it needs no asking."""
        return self.where == NEVER

    def text(self, *also: str, tail: str = "") -> str:
        """Return it as SOQL.

        Args:
            also: Further conditions, each a comparison or in parentheses, that must be met.
            tail: What follows the conditions, such as `ORDER BY Id`.

        Raises:
            NeverTrueError: See `is_empty`.
        """
        return self._from(", ".join(self.fields), also, tail)

    def count_text(self, *also: str) -> str:
        """Return the query that counts its records.

        Raises:
            NeverTrueError: See `is_empty`.
        """
        return self._from("COUNT()", also, "")

    def narrowed(self, where: Where) -> Query:
        """Return it with further conditions."""
        return replace(self, where=both([self.where, where]))

    def _from(self, selected: str, also: Sequence[str], tail: str) -> str:
        parts = (
            []
            if self.where == ALWAYS
            else [where_text(self.where, alone=not self.raw + "".join(also))]
        )
        parts += [f"({self.raw})"] if self.raw else []
        conditions = " AND ".join([*parts, *also])
        text = f"SELECT {selected} FROM {self.owner}"  # noqa: S608 - SOQL of checked parts
        text = f"{text} WHERE {conditions}" if conditions else text
        return f"{text} {tail}" if tail else text


def where_text(where: Where, *, alone: bool = True) -> str:
    """Return conditions as SOQL.

    Args:
        where: The conditions.
        alone: Whether nothing is put beside them, so that they need no parentheses.

    Raises:
        NeverTrueError: They are true of every record, or of none.
    """
    text, is_group = _written(where)
    return f"({text})" if is_group and not alone else text


def _written(where: Where) -> tuple[str, bool]:
    """Return conditions, and whether they are several that need parentheses beside others."""
    if isinstance(where, Comparison):
        parts, word = _comparison(where)
    elif not where.parts:
        msg = f"the conditions are {'always' if where == ALWAYS else 'never'} true"
        raise NeverTrueError(msg)
    else:
        word = "AND" if isinstance(where, And) else "OR"
        parts = [where_text(part, alone=False) for part in where.parts]
    return f" {word} ".join(parts), len(parts) > 1


def _comparison(test: Comparison) -> tuple[list[str], str]:
    """Return a test as comparisons, and the word between them."""
    path = test.path
    if test.relation is Relation.NOTHING:
        return [_null(path, empty=test.on_null)], "AND"
    itself = _itself(test)
    if path.is_never_empty:
        return [itself], "AND"
    if test.on_null:
        return [itself, _null(path, empty=True)], "OR"
    unsure = test.negated and test.relation not in _ORDERED
    # A checkbox of a parent that is not there counts as false at Salesforce.
    if unsure or (path.field.type == "boolean" and test.values == (False,)):
        return [itself, _null(path, empty=False)], "AND"
    return [itself], "AND"


def _itself(test: Comparison) -> str:
    path, values = test.path.text, [literals.write(value) for value in test.values]
    if test.relation is Relation.LIKE:
        text = f"{path} LIKE {values[0]}"
        return f"(NOT {text})" if test.negated else text
    sign = _NEGATED[test.relation] if test.negated else str(test.relation)
    if test.relation in {Relation.IN, Relation.INCLUDES}:
        return f"{path} {sign} ({', '.join(values)})"
    return f"{path} {sign} {values[0]}"


def _null(path: Path, *, empty: bool) -> str:
    """Return the test of a field for being empty; a checkbox's parent is asked instead."""
    asked = f"{path.parent}.Id" if path.field.type == "boolean" else path.text
    return f"{asked} {'=' if empty else '!='} null"

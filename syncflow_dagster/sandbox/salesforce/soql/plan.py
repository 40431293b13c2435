"""A checked query: names are fields of the schema, values have their field's type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef
    from syncflow_dagster.sandbox.salesforce.soql.dates import Formula


@dataclass(frozen=True, slots=True)
class Span:
    """A date formula with its number; it becomes days when the query runs."""

    formula: Formula
    number: int | None


#: A value to compare with; text, Ids and picklist values are `str`, None is null.
Operand: TypeAlias = str | bool | int | float | date | datetime | time | Span | None


@dataclass(frozen=True, slots=True)
class Path:
    """A field of the queried object or of a parent.

    Attributes:
        parents: From the queried object upwards: the reference and where it leads.
        field: The field at the end.
    """

    parents: tuple[tuple[FieldDef, ObjectDef], ...]
    field: FieldDef

    @property
    def name(self) -> str:
        """The dotted name in the schema's own case, such as `Account.Owner.Name`."""
        return ".".join([*(str(one.relationship_name) for one, _ in self.parents), self.field.name])


@dataclass(frozen=True, slots=True)
class Equals:
    """The field has one of these values (`=` and IN); negated: `!=` and NOT IN."""

    path: Path
    values: tuple[Operand, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Ordered:
    """The field is `<`, `<=`, `>` or `>=` a value."""

    path: Path
    operator: str
    value: Operand


@dataclass(frozen=True, slots=True)
class Like:
    """The text matches a pattern (see `lexer.pattern`)."""

    path: Path
    pattern: str


@dataclass(frozen=True, slots=True)
class Includes:
    """A multipicklist has all values of one of these sets; negated: of none (EXCLUDES)."""

    path: Path
    sets: tuple[frozenset[str], ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Within:
    """An Id is among those a query finds (a semi-join); negated: is not."""

    path: Path
    query: Checked
    negated: bool


@dataclass(frozen=True, slots=True)
class Combined:
    """Filters joined by AND or OR; NOT has one part."""

    word: Literal["AND", "OR", "NOT"]
    parts: tuple[Filter, ...]


Filter: TypeAlias = "Equals | Ordered | Like | Includes | Within | Combined"


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a result row.

    Attributes:
        label: Its key in the row: the dotted name, or for an aggregate its alias or `expr0`.
        path: The field; None only for an aggregate over whole records.
        aggregate: COUNT, COUNT_DISTINCT, SUM, AVG, MIN or MAX; None for the plain value.
    """

    label: str
    path: Path
    aggregate: str | None = None


@dataclass(frozen=True, slots=True)
class Sorting:
    """One key that rows are sorted by."""

    column: Column
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """A query that can be run.

    Attributes:
        object: The queried object.
        columns: What is selected, in the query's order; empty for `SELECT COUNT()`.
        where: The filter, if any.
        group_by: Fields of GROUP BY.
        aggregated: Whether rows are `AggregateResult`s: there are groups or aggregates.
        counts: Whether it is `SELECT COUNT()`, which gives a number and no rows.
        offset: Rows to leave out; None when the query does not say.
    """

    object: ObjectDef
    columns: tuple[Column, ...]
    where: Filter | None = None
    group_by: tuple[Path, ...] = ()
    order_by: tuple[Sorting, ...] = ()
    limit: int | None = None
    offset: int | None = None
    aggregated: bool = False
    counts: bool = False

"""Reads a record's values along a path, and says how values of a type compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.schema import PICK_TYPES, TEXT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.sandbox.salesforce.schema import FieldDef
    from syncflow_dagster.sandbox.salesforce.soql.plan import Path

_NUMBERS = frozenset({"int", "double", "currency", "percent"})


def reader(
    path: Path, get: Callable[[str, str], Mapping[str, Any] | None]
) -> Callable[[Mapping[str, Any]], Any]:
    """The function from a record to a path's value; a parent that is missing gives null."""
    name = path.field.name
    if not path.parents:
        return lambda record: record.get(name)
    climb = parent_reader(path, get)

    def read(record: Mapping[str, Any]) -> Any:
        parent = climb(record)
        return None if parent is None else parent.get(name)

    return read


def parent_reader(
    path: Path, get: Callable[[str, str], Mapping[str, Any] | None]
) -> Callable[[Mapping[str, Any]], Mapping[str, Any] | None]:
    """The function from a record to the parent a path's field belongs to."""
    steps = [(reference.name, target.name) for reference, target in path.parents]

    def climb(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
        here: Mapping[str, Any] | None = record
        for reference, target in steps:
            if here is None:
                return None
            parent_id = here.get(reference)
            here = None if parent_id is None else get(target, parent_id)
        return here

    return climb


def key_of(field: FieldDef) -> Callable[[Any], Any]:
    """How values of a field are made comparable: texts without case, numbers as float.

    Documented under "Comparison Operators": only fields that are unique by case mind it.
    """
    if field.type in TEXT_TYPES | PICK_TYPES:
        return str if field.case_sensitive else str.lower
    return float if field.type in _NUMBERS else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value

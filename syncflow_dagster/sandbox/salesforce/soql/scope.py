"""Finds the objects and fields that a query names, with Salesforce's words when there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.schema import COMPOUND_TYPES
from syncflow_dagster.sandbox.salesforce.soql.errors import (
    NotInSandboxError,
    SoqlError,
    at_place,
)
from syncflow_dagster.sandbox.salesforce.soql.plan import Path
from syncflow_dagster.sandbox.salesforce.soql.tree import Call, Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef, Schema
    from syncflow_dagster.sandbox.salesforce.soql.tree import Query

# Parents of parents that a path may climb; the number is not verified.
_MOST_PARENTS = 5
_SEE_DESCRIBE = "Please reference your WSDL or the describe call for the appropriate names."
_NO_OBJECT = (
    "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to "
    f"append the '__c' after the entity name. {_SEE_DESCRIBE}"
)
_NO_COLUMN = (
    "No such column '{}' on entity '{}'. If you are attempting to use a custom field, be sure to "
    f"append the '__c' after the custom field name. {_SEE_DESCRIBE}"
)
_NO_RELATIONSHIP = (
    "Didn't understand relationship '{}' in field path. If you are attempting to use a custom "
    f"relationship, be sure to append the '__r' after the custom relationship name. {_SEE_DESCRIBE}"
)
NO_CHILDREN = (
    "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use "
    "a custom relationship, be sure to append the '__r' after the custom relationship name. "
    f"{_SEE_DESCRIBE}"
)


@dataclass(frozen=True)
class Scope:
    """What a query can name.

    Attributes:
        text: The query's text, for messages.
        schema: The org's objects.
        object: The queried object.
        alias: Its other name in the query.
        hidden: Tells whether a field (object, field) is hidden from who asks.
    """

    text: str
    schema: Schema
    object: ObjectDef
    alias: str | None
    hidden: Callable[[str, str], bool]

    def error(self, place: int, detail: str, code: str = "INVALID_FIELD") -> SoqlError:
        """The error for a place of the query."""
        return at_place(code, self.text, place, detail)

    def path(self, what: Name | Call) -> Path:
        """The field that is named.

        Raises:
            SoqlError: There is no such field or relationship for who asks.
            NotInSandboxError: It is a function.
        """
        if isinstance(what, Call):
            unknown = f"the function {what.function} here"
            raise NotInSandboxError(unknown)
        *steps, last = self._parts(what)
        if len(steps) > _MOST_PARENTS:
            raise self.error(what.at, f"A path climbs at most {_MOST_PARENTS} relationships")
        here, parents = self.object, []
        for step in steps:
            found = self.schema.parent(here, step)
            if found is None or self.hidden(here.name, found[0].name):
                raise self.error(what.at, _NO_RELATIONSHIP.format(step))
            parents.append(found)
            here = found[1]
        field = here.field(last)
        if field is None or self.hidden(here.name, field.name):
            raise self.error(what.at, _NO_COLUMN.format(last, here.name))
        return Path(tuple(parents), field)

    def filterable(self, what: Name | Call) -> Path:
        """The field that is named, if WHERE may name it."""
        return self._usable(what, "filtered", lambda field: field.filterable)

    def sortable(self, what: Name | Call) -> Path:
        """The field that is named, if ORDER BY may name it."""
        return self._usable(what, "sorted", lambda field: field.sortable)

    def groupable(self, what: Name | Call) -> Path:
        """The field that is named, if GROUP BY may name it."""
        return self._usable(what, "grouped", lambda field: field.groupable)

    def _usable(self, what: Name | Call, verb: str, allowed: Callable[[FieldDef], bool]) -> Path:
        path = self.path(what)
        # An address says in describe that it is filterable, and still is not.
        if path.field.type in COMPOUND_TYPES or not allowed(path.field):
            detail = f"field '{path.field.name}' can not be {verb} in a query call"
            raise self.error(what.at, detail)
        return path

    def _parts(self, name: Name) -> list[str]:
        parts = name.text.split(".")
        if not all(parts):
            raise self.error(name.at, f"unexpected token: '{name.text}'", "MALFORMED_QUERY")
        if len(parts) > 1 and self._is_own_name(parts[0]):
            return parts[1:]
        return parts

    def _is_own_name(self, word: str) -> bool:
        if self.alias is not None and word.lower() == self.alias.lower():
            return True
        same = word.lower() == self.object.name.lower()
        return same and self.schema.parent(self.object, word) is None


def scope_of(query: Query, schema: Schema, hidden: Callable[[str, str], bool]) -> Scope:
    """What a query can name, from its FROM clause.

    Raises:
        SoqlError: There is no such object, or it cannot be queried.
    """
    found = schema.object(query.source.text)
    if found is None:
        detail = _NO_OBJECT.format(query.source.text)
        raise at_place("INVALID_TYPE", query.text, query.source.at, detail)
    if not found.queryable:
        message = f"entity type {found.name} does not support query"
        raise SoqlError("INVALID_TYPE_FOR_OPERATION", message)
    return Scope(query.text, schema, found, query.alias, hidden)

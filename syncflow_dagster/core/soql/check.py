"""Conditions and fields of a workflow, checked against what a describe tells of the object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.soql import paths, values
from syncflow_dagster.core.soql.date_literals import DateLiteral
from syncflow_dagster.core.soql.operators import (
    ALLOWED,
    LISTED,
    NEGATIVE,
    PATTERNS,
    RELATIONS,
    UNARY,
)
from syncflow_dagster.core.soql.tree import Condition, Mistake
from syncflow_dagster.core.soql.where import (
    NEVER,
    Comparison,
    Path,
    Relation,
    both,
    either,
    folded,
    opposite,
    settled,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo, Schema
    from syncflow_dagster.core.soql.tree import Loc, Tree
    from syncflow_dagster.core.soql.where import Operand, Where

#: Fields that hold several others, and cannot be compared or read in a table.
COMPOUND = frozenset({"address", "location"})
#: Types of fields that are no columns of a table either.
UNREADABLE = frozenset({"base64", "anyType", "complexvalue", "json"})
_UNSEEN = "a read of changes sees that only when it reads all rows again"


@dataclass(slots=True)
class Checker:
    """Checks conditions and fields of one object.

    Attributes:
        owner: The object.
        schema: The org's objects.
        incremental: Whether only changed records are read: what changes without a record's time
            stamp is worth a warning then.
        mistakes: What was found.
    """

    owner: ObjectInfo
    schema: Schema
    incremental: bool = False
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether something was found that keeps the object from being read."""
        return any(not one.warning for one in self.mistakes)

    def where(self, tree: Tree | None) -> Where:
        """Return conditions with their fields and typed values; a mistake counts as never true."""
        if tree is None:
            return both(())
        if isinstance(tree, Condition):
            return self._condition(tree)
        parts = [self.where(part) for part in tree.parts]
        if tree.kind == "all":
            return both(parts)
        return either(parts) if tree.kind == "any" else both(opposite(part) for part in parts)

    def fields(self, names: Sequence[str], loc: Loc) -> list[Path]:
        """Return the fields to read, those that can be."""
        found = [self.readable(name, (*loc, at)) for at, name in enumerate(names)]
        return [path for path in found if path is not None]

    def path(self, name: str, loc: Loc) -> Path | None:
        """Return the field a name means."""
        found = paths.find_field(name, self.owner, self.schema, loc)
        if isinstance(found, Mistake):
            self.mistakes.append(found)
            return None
        return found

    def filterable(self, path: Path, loc: Loc) -> bool:
        """Say whether a condition can use a field, and tell what stands against it."""
        info, name = path.field, path.text
        if info.type in COMPOUND:
            self.find(loc, "compound_field", f"{name} is a compound field", self._parts(path))
        elif info.type not in ALLOWED:
            self.find(loc, "not_filterable", f"{name} is {info.type}, which cannot be compared")
        elif not info.filterable:
            hint = "Salesforce filters by no long text; use another field"
            self.find(loc, "not_filterable", f"{name} cannot be filtered by", hint)
        else:
            self._changes_unseen(path, loc, "a condition on it")
            return True
        return False

    def readable(self, name: str, loc: Loc) -> Path | None:
        """Return the field a name means, if it can be a column of a table."""
        path = self.path(name, loc)
        if path is None:
            return None
        if path.field.type in COMPOUND:
            message = f"{path.text} is a compound field, which is no column of a table"
            self.find(loc, "compound_field", message, self._parts(path))
            return None
        if path.field.type in UNREADABLE:
            message = f"{path.text} is {path.field.type}, which is not read"
            self.find(loc, "not_readable", message, "leave it out")
            return None
        self._changes_unseen(path, loc, "it")
        return path

    def _condition(self, one: Condition) -> Where:
        at = (*one.loc, "attribute")
        path = self.path(one.attribute, at)
        if path is None or not self.filterable(path, at) or not self._allowed(one, path):
            return NEVER
        if one.operator in UNARY:
            return self._null_test(one, path)
        if one.operator in LISTED:
            return self._listed(one, path)
        if one.value is None or isinstance(one.value, list):
            hint = "use operator: is_null" if one.value is None else "use operator: in"
            self.find((*one.loc, "value"), "wrong_value", f"{one.operator} needs one value", hint)
            return NEVER
        value = self._value(one, path.field, one.value, (*one.loc, "value"))
        return NEVER if value is None else _comparison(one, path, (value,))

    def _allowed(self, one: Condition, path: Path) -> bool:
        allowed = ALLOWED[path.field.type]
        if one.operator in allowed:
            return True
        message = f"{one.operator} cannot be used with {path.text}, which is {path.field.type}"
        listed = ", ".join(name for name in RELATIONS if name in allowed)
        self.find((*one.loc, "operator"), "wrong_operator", message, f"it takes: {listed}")
        return False

    def _null_test(self, one: Condition, path: Path) -> Where:
        if path.is_never_empty:
            message = f"{path.text} is never empty: it is {path.field.type}"
            self.find((*one.loc, "operator"), "wrong_operator", message, "remove the condition")
        is_null = one.operator == "is_null"
        return settled(Comparison(path, Relation.NOTHING, negated=not is_null, on_null=is_null))

    def _listed(self, one: Condition, path: Path) -> Where:
        at = (*one.loc, "value")
        given = one.value if isinstance(one.value, list) else [one.value]
        if one.value is None or None in given:
            hint = "for empty fields add a condition with operator: is_null to an 'any' group"
            self.find(at, "wrong_value", f"{one.operator} needs a list of values", hint)
            return NEVER
        read = [
            self._value(one, path.field, value, (*at, index) if given is one.value else at)
            for index, value in enumerate(given)
        ]
        found: dict[object, Operand] = {}
        for value in read:
            if value is not None:
                found.setdefault(_key(value, path.field), value)
        literals = [value for value in found.values() if isinstance(value, DateLiteral)]
        if not literals:
            return _comparison(one, path, tuple(found.values()))
        # SOQL takes literals alone, not in lists.
        negative = one.operator in NEGATIVE
        each = [
            Comparison(path, Relation.EQUAL, (value,), negative, negative and one.null_matches)
            for value in found.values()
        ]
        return both(each) if negative else either(each)

    def _value(self, one: Condition, info: FieldInfo, value: Any, loc: Loc) -> Operand | None:
        try:
            if one.operator in PATTERNS:
                return PATTERNS[one.operator](values.text_of(value, info))
            found = values.fitting(value, info)
        except values.UnfitValueError as error:
            self.find(loc, "wrong_value", str(error), error.hint)
            return None
        prefix = self.owner.key_prefix
        if info.type == "id" and info is self.owner.field("Id") and prefix:
            if not str(found).startswith(prefix):
                message = f"{value} is no id of {self.owner.name}: those begin with {prefix}"
                self.find(loc, "wrong_value", message)
        elif info.type in {"picklist", "multipicklist"} and values.is_unlisted(found, info):
            hint = paths.near(str(value), info.picklist) or f"listed: {', '.join(info.picklist)}"
            message = f"{value!r} is not among the values of {info.name}, which takes others too"
            self._warn(loc, "unlisted_value", message, hint)
        if isinstance(found, DateLiteral):
            self.moving_date(found, loc)
        return found

    def moving_date(self, literal: DateLiteral, loc: Loc) -> None:
        """Warn of a date literal, where only changes are read."""
        if self.incremental:
            message = f"{literal.text} moves: records meet the condition or not, without a change"
            self._warn(loc, "moving_date", message, _UNSEEN)

    def joined(self, name: str, loc: Loc) -> None:
        """Warn of a semi-join or an anti-join, where only changes are read."""
        if self.incremental:
            message = f"{name} stands in a sub-query of other records, which change by themselves"
            self._warn(loc, "joined_records", message, _UNSEEN)

    def _changes_unseen(self, path: Path, loc: Loc, what: str) -> None:
        if not self.incremental:
            return
        hint = f"a read of changes sees {what} anew only when it reads all rows again"
        if path.field.calculated:
            message = f"{path.text} is calculated: it changes without the record's time stamp"
            self._warn(loc, "calculated_field", message, hint)
        elif path.parent is not None:
            message = f"{path.text} is the parent's: it changes without the record's time stamp"
            self._warn(loc, "parent_field", message, hint)

    def _parts(self, path: Path) -> str:
        holder: ObjectInfo | None = self.owner
        for step in path.names[:-1]:
            reference = holder.relationship(step) if holder else None
            holder = self.schema.object(reference.reference_to[0]) if reference else None
        before = f"{path.parent}." if path.parent else ""
        parts = [
            f"{before}{one.name}"
            for one in (holder.fields if holder else ())
            if one.compound == path.field.name
        ]
        return f"name its parts: {', '.join(parts)}" if parts else "name its parts"

    def find(self, loc: Loc, kind: str, message: str, hint: str = "") -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(loc, kind, message, hint))

    def _warn(self, loc: Loc, kind: str, message: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(loc, kind, message, hint, warning=True))


def _comparison(one: Condition, path: Path, operands: tuple[Operand, ...]) -> Where:
    relation = RELATIONS[one.operator] if operands else Relation.NOTHING
    negative = one.operator in NEGATIVE
    test = Comparison(path, relation, operands, negative, negative and one.null_matches)
    if path.field.type == "boolean" and operands:
        return _checkbox(test)
    return settled(test)


def _checkbox(test: Comparison) -> Where:
    """Return a test of a checkbox as one for true or for false alone, or for any value."""
    accepted = {True, False} - set(test.values) if test.negated else set(test.values)
    if len(accepted) == 1:
        return Comparison(test.path, Relation.EQUAL, tuple(accepted), on_null=test.on_null)
    nothing = Comparison(test.path, Relation.NOTHING, (), bool(accepted), test.on_null)
    return settled(nothing)


def _key(value: Operand | None, info: FieldInfo) -> object:
    if isinstance(value, tuple):
        return frozenset(folded(one, info) for one in value)
    return folded(value, info)

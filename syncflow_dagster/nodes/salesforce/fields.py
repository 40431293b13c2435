"""Fields of a delta node and fields of a Salesforce object: one declaration, read both ways.

A field of a delta node whose column is a field of the object mirrors it. Read, the object's value
has to fit the field's type and length, as the table's column does; written (`way_back`), the
field's value has to fit the object's, and what a new record must have has to come from somewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql.paths import find_field
from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.workflows.models.delta import LookupTransform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo, Schema
    from syncflow_dagster.core.soql.tree import Loc
    from syncflow_dagster.core.soql.where import Path
    from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule

_WHOLE = ("int", "long")
_DECIMAL = ("double", "currency", "percent")
#: Types of delta fields that hold every value of a field of Salesforce, the best one first; a type
#: that is not here holds texts.
HOLDING: Mapping[str, tuple[str, ...]] = {
    "boolean": ("boolean", "text"),
    **dict.fromkeys(_WHOLE, ("integer", "decimal", "text")),
    **dict.fromkeys(_DECIMAL, ("decimal", "text")),
    "date": ("date", "datetime", "text"),
    "datetime": ("datetime", "text"),
}
_TEXT = ("text",)
#: Types of delta fields that hold some of its values; others reject the record.
_NEARLY: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_DECIMAL, ("integer",)),
    "datetime": ("date",),
}
_ONLY_TEXTS = frozenset({"id", "reference", "picklist", "multipicklist", "email", "url", "phone"})
#: Whose texts have one length, or are of a list.
_SIZED = frozenset({"id", "reference", "picklist", "multipicklist"})
#: Fields of Salesforce that take the values of a type of a delta field.
_TAKING: Mapping[str, frozenset[str]] = {
    "integer": frozenset({*_WHOLE, *_DECIMAL}),
    "decimal": frozenset(_DECIMAL),
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date"}),
    "datetime": frozenset({"datetime"}),
}


@dataclass(frozen=True, slots=True)
class Mirror:
    """A field of a delta node and the field of the object it mirrors.

    Attributes:
        rule: The delta node's field.
        path: The object's.
        loc: Where the field stands in the file.
    """

    rule: FieldRule
    path: Path
    loc: Loc


def best_type(info: FieldInfo) -> str:
    """Return the type a field of a delta node should have to hold a field of Salesforce."""
    if info.type in _DECIMAL and info.scale == 0 and 0 < info.precision <= 18:
        return "integer"
    return HOLDING.get(info.type, _TEXT)[0]


def mirrors(delta: DeltaNode, owner: ObjectInfo, schema: Schema, loc: Loc) -> list[Mirror]:
    """Return the fields of a delta node that mirror fields of an object.

    Args:
        delta: The node.
        owner: The object.
        schema: The org's objects.
        loc: Where the node stands in the file.
    """
    made = {delta.unpivot.name_to, delta.unpivot.value_to} if delta.unpivot else set()
    found = []
    for at, rule in enumerate(delta.fields):
        own = rule.transform is None or isinstance(rule.transform, LookupTransform)
        if not own or rule.source_column in made:
            continue
        path = find_field(rule.source_column, owner, schema, loc)
        if not isinstance(path, Mistake):
            found.append(Mirror(rule, path, (*loc, "fields", at)))
    return found


def check_reading(delta: DeltaNode, mirrored: Iterable[Mirror]) -> Iterator[Mistake]:
    """Report fields that do not hold what the object's fields hold.

    Args:
        delta: The delta node.
        mirrored: Its fields, by `mirrors`.
    """
    for one in mirrored:
        rule, info = one.rule, one.path.field
        if rule.transform is None:
            yield from _unfit_type(one)
            yield from _unfit_size(one)
        if rule.name in delta.key and info.nillable and info.type != "id":
            message = f"{rule.name!r} is of the key, and {one.path.text} may be empty"
            hint = "records without it are rejected; Id is never empty"
            yield Mistake(one.loc, "empty_key", message, hint, warning=True)


def missing_fields(owner: ObjectInfo, given: Iterable[str], loc: Loc) -> Iterator[Mistake]:
    """Report fields a new record must have that nothing gives.

    Args:
        owner: The object.
        given: Names of the fields that are given, in any case.
        loc: Where the mapping stands in the file.
    """
    names = {name.lower() for name in given}
    for info in owner.fields:
        if is_required(info) and info.name.lower() not in names:
            message = f"a new {owner.name} needs {info.name} ({info.type}), which nothing gives"
            yield Mistake(loc, "missing_field", message, "map a field to it")


def is_required(info: FieldInfo) -> bool:
    """Say whether a record cannot be made without the field."""
    never_empty = info.type == "boolean"
    return info.createable and not (info.nillable or info.defaulted_on_create or never_empty)


def unfit_value(rule: FieldRule, info: FieldInfo, loc: Loc) -> Iterator[Mistake]:
    """Report what Salesforce would refuse of a field's values."""
    taken = _TAKING.get(rule.type)
    if taken is not None and info.type not in taken and not is_text(info):
        message = f"{info.name} is {info.type}, and takes no {rule.type}"
        hint = f"give {rule.name!r} type: {best_type(info)}"
        yield Mistake(loc, "wrong_type", message, hint)
    elif rule.type == "text" and not is_text(info):
        message = f"{info.name} is {info.type}, and takes no texts"
        yield Mistake(loc, "wrong_type", message, f"give {rule.name!r} type: {best_type(info)}")
    elif rule.type == "text" and _may_be_too_long(rule, info):
        longest = f"up to {rule.max_length}" if rule.max_length else "of any length"
        message = f"{info.name} takes {info.length} characters, {rule.name!r} holds texts {longest}"
        hint = f"add max_length: {info.length}: a longer one is refused by Salesforce"
        yield Mistake(loc, "too_long", message, hint, warning=True)
    elif rule.type == "decimal" and info.type in _DECIMAL and rule.scale > info.scale:
        message = f"{info.name} keeps {info.scale} digits after the point, not {rule.scale}"
        yield Mistake(loc, "too_fine", message, f"add scale: {info.scale}", warning=True)
    if info.restricted and info.picklist:
        message = f"{info.name} takes only: {', '.join(info.picklist)}"
        hint = "a lookup transform brings other texts to them"
        yield Mistake(loc, "restricted_picklist", message, hint, warning=True)


def _may_be_too_long(rule: FieldRule, info: FieldInfo) -> bool:
    longest = rule.max_length or info.length + 1
    return info.length > 0 and info.type not in _SIZED and longest > info.length


def _unfit_type(one: Mirror) -> Iterator[Mistake]:
    rule, info = one.rule, one.path.field
    holding = HOLDING.get(info.type, _TEXT)
    place = (*one.loc, "type")
    if rule.type in holding or (rule.type == "integer" and best_type(info) == "integer"):
        return
    hint = f"use type: {best_type(info)}"
    if rule.type in _NEARLY.get(info.type, ()):
        what = "fractions are rejected" if rule.type == "integer" else "the time of day is lost"
        message = f"{one.path.text} is {info.type}, {rule.name!r} is {rule.type}: {what}"
        yield Mistake(place, "nearly_fits", message, hint, warning=True)
    elif info.type in HOLDING or info.type in _ONLY_TEXTS:
        message = f"{one.path.text} is {info.type}, which a field of type {rule.type} cannot hold"
        yield Mistake(place, "wrong_type", message, hint)
    else:
        message = f"{one.path.text} holds texts: one that is no {rule.type} rejects the record"
        yield Mistake(place, "nearly_fits", message, hint, warning=True)


def _unfit_size(one: Mirror) -> Iterator[Mistake]:
    rule, info = one.rule, one.path.field
    if rule.type == "text" and rule.max_length and info.length > rule.max_length:
        message = f"{one.path.text} holds {info.length} characters, {rule.max_length} are allowed"
        hint = f"records with longer texts are rejected: max_length: {info.length} takes all"
        yield Mistake((*one.loc, "max_length"), "too_short", message, hint, warning=True)
    if rule.type == "decimal" and info.type in _DECIMAL and rule.scale < info.scale:
        message = f"{one.path.text} has {info.scale} digits after the point, and is rounded"
        yield Mistake(one.loc, "rounded", message, f"add scale: {info.scale}", warning=True)


def is_text(info: FieldInfo) -> bool:
    """Say whether a field of Salesforce holds texts."""
    return info.type not in HOLDING

"""Names of fields, found in what a describe tells."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.core.soql.where import Path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo, Schema
    from syncflow_dagster.core.soql.tree import Loc

#: Steps from a record up to a parent's parent and so on.
MOST_STEPS = 5
_MOST_NAMED = 3
_CLOSE = 0.6
#: Object with the fields that all objects share which a polymorphic reference can point to.
_ANY_OWNER = "Name"


def near(word: str, known: Iterable[str]) -> str:
    """Return a hint with the known names that are most like a word; empty if none is."""
    by_lower = {name.lower(): name for name in known}
    lower = word.lower()
    found = difflib.get_close_matches(lower, by_lower, _MOST_NAMED, _CLOSE)
    found += [name for name in (f"{lower}id", f"{lower}__c") if name in by_lower]
    names = [repr(by_lower[name]) for name in dict.fromkeys(found)]
    if not names:
        return ""
    last = names[-1]
    return f"did you mean {' or '.join(filter(None, (', '.join(names[:-1]), last)))}?"


def find_object(name: str, schema: Schema, loc: Loc) -> ObjectInfo | Mistake:
    """Return an object that can be queried, or what is wrong with its name."""
    found = schema.object(name)
    if found is None:
        message = f"there is no object {name!r} that the user can see"
        hint = near(name, schema.names()) or "custom objects end with __c"
        return Mistake(loc, "no_such_object", message, hint)
    if not found.queryable:
        return Mistake(loc, "not_queryable", f"{found.name} cannot be queried", "name another")
    return found


def find_field(text: str, owner: ObjectInfo, schema: Schema, loc: Loc) -> Path | Mistake:
    """Return the field a dotted name means, or what is wrong with it.

    Args:
        text: `Email`, or `Account.Owner.Name` over relationships.
        owner: The object the name begins at.
        schema: The org's objects.
        loc: Where the name stands.
    """
    *steps, last = text.split(".")
    if len(steps) > MOST_STEPS:
        message = f"{text!r} goes over {len(steps)} relationships; SOQL allows {MOST_STEPS}"
        return Mistake(loc, "path_too_long", message)
    names: list[str] = []
    here = [owner]
    for step in steps:
        reference = here[0].relationship(step)
        if reference is None:
            return _no_relationship(step, here[0], loc)
        names.append(reference.relationship_name or step)
        here = _targets(reference, schema)
        if not here:
            objects = ", ".join(reference.reference_to) or "no object"
            message = f"{step!r} leads to {objects}, which the user cannot see"
            return Mistake(loc, "no_such_object", message)
    found = [one.field(last) for one in here]
    if found[0] is None or any(one is None for one in found):
        missing = here[found.index(None)]
        return _no_field(last, missing, loc)
    return Path((*names, found[0].name), found[0])


def _targets(reference: FieldInfo, schema: Schema) -> list[ObjectInfo]:
    """Return the objects a relationship leads to; of several kinds, what all of them share."""
    if len(reference.reference_to) > 1 and (shared := schema.object(_ANY_OWNER)) is not None:
        return [shared]
    return [one for name in reference.reference_to if (one := schema.object(name)) is not None]


def _no_relationship(name: str, owner: ObjectInfo, loc: Loc) -> Mistake:
    field = owner.field(name)
    if field is not None and field.relationship_name:
        hint = f"the relationship is called {field.relationship_name!r}"
    else:
        known = [one.relationship_name for one in owner.fields if one.relationship_name]
        hint = near(name, known) or f"its relationships: {', '.join(known) or 'none'}"
    message = f"{owner.name} has no relationship {name!r} to a parent"
    return Mistake(loc, "no_such_relationship", message, hint)


def _no_field(name: str, owner: ObjectInfo, loc: Loc) -> Mistake:
    message = f"{owner.name} has no field {name!r} that the user can see"
    if owner.relationship(name) is not None:
        hint = f"{name!r} is a relationship: name a field of the parent, such as {name}.Name"
    else:
        hint = near(name, (one.name for one in owner.fields))
    return Mistake(loc, "no_such_field", message, hint or "custom fields end with __c")

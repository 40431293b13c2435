"""A first mapping between a Salesforce object and a delta node, as YAML to paste."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING

from syncflow_dagster.core.records import RESERVED_COLUMNS
from syncflow_dagster.core.soql.check import COMPOUND, UNREADABLE
from syncflow_dagster.nodes.salesforce.fields import best_type, missing_fields, unfit_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo
    from syncflow_dagster.core.soql.where import Path
    from syncflow_dagster.workflows.models import DeltaNode
    from syncflow_dagster.workflows.models.delta import FieldRule

#: How alike two names must be to be called close, from 0 to 1.
CLOSE = 0.8
_LONGEST = 55
_CUSTOM = re.compile(r"__(c|r)\b", re.IGNORECASE)
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: Fields of Salesforce that a tag of each type can be written to.
_TAGS = {
    "picklist": "picklist",
    "multipicklist": "multipicklist",
    "boolean": "checkbox",
    **dict.fromkeys(("string", "textarea", "url", "phone", "email", "combobox"), "text"),
}
_STAMP, _DELETED = "SystemModstamp", "IsDeleted"
_PLAIN_SCALE = 2


def readable_fields(owner: ObjectInfo) -> list[FieldInfo]:
    """Return the fields of an object that can be columns of a table."""
    return [one for one in owner.fields if one.type not in COMPOUND | UNREADABLE]


def pull_lines(owner: ObjectInfo) -> Iterator[str]:
    """Return what a pull node has to say to read a whole object."""
    yield f"object: {owner.name}"
    yield "fields:"
    yield from (f"  - {one.name}" for one in readable_fields(owner))


def delta_lines(owner: ObjectInfo, columns: Sequence[Path]) -> Iterator[str]:
    """Return fields of a delta node for columns of an object.

    Args:
        owner: The object.
        columns: The fields that are read, by their paths.
    """
    names: dict[str, str] = {}
    for path in columns:
        names[path.text] = _free(field_name(path.text), set(names.values()))
    yield f"# {owner.name}: {len(columns)} fields"
    if "Id" in names:
        yield f"key: [{names['Id']}]"
    if _STAMP in names:
        yield f"detection: {{strategy: auto, rowversion: {names[_STAMP]}, overlap: 600}}"
    if _DELETED in names:
        yield f"deletes: {{marker: {names[_DELETED]}}}"
    yield "fields:"
    yield from (_field_line(names[path.text], path) for path in columns)


def field_name(path: str) -> str:
    """Return a name for a field of a delta node: `Account.Name` becomes `account_name`."""
    words = _HUMPS.sub("_", _CUSTOM.sub("", path).replace(".", "_"))
    name = re.sub(r"[^a-z0-9_]+", "_", words.lower()).strip("_")
    name = re.sub(r"_+", "_", name)[:_LONGEST].rstrip("_")
    return f"{name}_value" if name in RESERVED_COLUMNS else name


def tag_lines(delta: DeltaNode, owner: ObjectInfo) -> Iterator[str]:
    """Return rules of a tag node that write fields of a delta node to an object's fields.

    Args:
        delta: The node whose records are written.
        owner: The object.
    """
    found = matching(delta.fields, owner)
    yield f"# {delta.name} to {owner.name}; put the field with the record's id for RECORD,"
    yield "# and a purpose of the policy for PURPOSE"
    yield "rules:"
    others = []
    for rule, info, how in found:
        kind = _TAGS.get(info.type)
        wrong = list(unfit_value(rule, info, ()))
        hard = [one for one in wrong if not one.warning]
        if kind != "text" or hard:
            reason = hard[0].message if hard else f"{info.name} is {info.type}: tag it by a value"
            others.append(f"  # not as a text: {rule.name} and {info.name} ({how}): {reason}")
            continue
        notes = [f"{info.type}({info.length})", how, *(one.message for one in wrong)]
        value = json.dumps(f"{{{rule.name}}}")
        yield f"  - name: {rule.name}"
        yield "    record: RECORD"
        yield "    purpose: PURPOSE"
        yield f"    tag: {{type: text, field: {info.name}, value: {value}}}  # {'; '.join(notes)}"
    yield from others
    taken = {rule.name for rule, _, _ in found}
    if left := [one.name for one in delta.fields if one.name not in taken]:
        yield f"  # no field of {owner.name} for {', '.join(left)}"
    given = {info.name for _, info, _ in found}
    yield from (f"  # {one.message}" for one in missing_fields(owner, given, ()))


def matching(
    rules: Sequence[FieldRule], owner: ObjectInfo
) -> list[tuple[FieldRule, FieldInfo, str]]:
    """Find the fields of an object that fields of a delta node belong in, by names and types.

    Returns:
        Each field with the object's, and how it was found: `exact` (its column is the field),
        `same but for case and separators`, or `close`. A field is found once.
    """
    left = [one for one in owner.fields if one.updateable and one.type not in COMPOUND]
    found: dict[str, tuple[FieldRule, FieldInfo, str]] = {}
    for how in ("exact", "same but for case and separators", "close"):
        for rule in rules:
            if rule.name in found:
                continue
            info = _found(rule, left, how)
            if info is not None:
                found[rule.name] = (rule, info, how)
                left.remove(info)
    return [found[rule.name] for rule in rules if rule.name in found]


def _found(rule: FieldRule, left: Sequence[FieldInfo], how: str) -> FieldInfo | None:
    if how == "exact":
        return next((one for one in left if rule.source_column == one.name), None)
    by_fold: dict[str, list[FieldInfo]] = {}
    for one in left:
        for name in dict.fromkeys((_fold(one.name), _fold(one.label))):
            by_fold.setdefault(name, []).append(one)
    near = [_fold(rule.name)]
    if how == "close":
        near = difflib.get_close_matches(_fold(rule.name), list(by_fold), 3, CLOSE)
    fitting = [one for name in near for one in by_fold.get(name, ())]
    # Of several names alike, the one whose type fits is meant.
    fitting.sort(key=lambda one: any(not wrong.warning for wrong in unfit_value(rule, one, ())))
    return fitting[0] if fitting else None


def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", _CUSTOM.sub("", text).casefold())


def _free(name: str, taken: set[str]) -> str:
    """Return a name that is not taken: with a number, if it has to be."""
    number = 2
    free = name
    while free in taken:
        free = f"{name[: _LONGEST - 4]}_{number}"
        number += 1
    return free


def _field_line(name: str, path: Path) -> str:
    info, kind = path.field, best_type(path.field)
    parts = [f"name: {name}"]
    parts += [f"type: {kind}"] if kind != "text" else []
    parts += [f"column: {path.text}"] if path.text != name else []
    parts += [f"scale: {info.scale}"] if kind == "decimal" and info.scale != _PLAIN_SCALE else []
    parts += ["whitespace: keep"] if info.type == "textarea" else []
    parts += ["required: true"] if info.type == "id" else []
    notes = [" ".join(info.label.split()) or info.name, _sized(info)]
    notes += ["calculated: changes without a time stamp"] if info.calculated else []
    notes += [f"values: {', '.join(info.picklist)}"] if info.picklist else []
    return f"  - {{{', '.join(parts)}}}  # {'; '.join(' '.join(one.split()) for one in notes)}"


def _sized(info: FieldInfo) -> str:
    return f"{info.type}({info.length})" if info.length else info.type

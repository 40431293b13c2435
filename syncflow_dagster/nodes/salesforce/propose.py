"""A first mapping between a Salesforce object and a delta node, as YAML to paste."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING

from syncflow_dagster.core.records import RESERVED_COLUMNS
from syncflow_dagster.core.soql.check import COMPOUND, UNREADABLE
from syncflow_dagster.core.soql.where import Path
from syncflow_dagster.nodes.salesforce.fields import best_type, missing_fields, unfit_value
from syncflow_dagster.nodes.salesforce.way_back import WayBack, check_writing, no_way_back

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo
    from syncflow_dagster.workflows.models import DeltaNode
    from syncflow_dagster.workflows.models.delta import FieldRule

#: How alike two names must be to be called close, from 0 to 1.
CLOSE = 0.8
#: How a field is found whose name is only like.
CLOSELY = "close"
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


def tag_lines(delta: DeltaNode, deltas: Sequence[DeltaNode], owner: ObjectInfo) -> Iterator[str]:
    """Return rules of a tag node that write fields of a delta node to an object's fields.

    What a delta node of the workflow declares as read from the object is written by that
    declaration; a text of like name by a rule of its own, as a comment where it is only close.

    Args:
        delta: The node whose records are written.
        deltas: The workflow's delta nodes, any of which may be the mapping.
        owner: The object.
    """
    mapping = max([delta, *deltas], key=lambda one: len(_declared(delta, one, owner)))
    ways = _declared(delta, mapping, owner)
    written = {way.rule.name for way in ways}
    taken = {way.info.name for way in ways}
    record = next((way.rule.name for way in ways if way.info.type == "id"), "RECORD")
    yield f"# {delta.name} to {owner.name}; put a purpose of the policy for PURPOSE"
    if record == "RECORD":
        yield "# and the field with the record's id for RECORD"
    yield "rules:"
    yield from _fields_rule(delta, mapping, ways, record)
    rest = [rule for rule in delta.fields if rule.name not in written]
    found = matching(rest, owner, taken)
    yield from (line for one in found for line in _text_rule(*one, record))
    matched = {rule.name for rule, _, _ in found}
    if left := [rule.name for rule in rest if rule.name not in matched]:
        yield f"  # no field of {owner.name} for {', '.join(left)}"
    given = taken | {info.name for _, info, _ in found}
    yield from (f"  # {one.message}" for one in missing_fields(owner, given, ()))


def _declared(delta: DeltaNode, mapping: DeltaNode, owner: ObjectInfo) -> list[WayBack]:
    """Return the fields of a delta node that a mapping can write to an object, and its Id."""
    given = {rule.name: rule for rule in delta.fields}
    found: dict[str, WayBack] = {}
    for rule in mapping.fields:
        info, own = owner.field(rule.source_column), given.get(rule.name)
        if info is None or own is None or own.type != rule.type or no_way_back(mapping, rule):
            continue
        way = WayBack(rule, own, Path((info.name,), info), (), ())
        fits = way.blocked is None and all(one.warning for one in check_writing([way]))
        if fits or info.type == "id":
            found.setdefault(info.name, way)
    return list(found.values())


def _fields_rule(
    delta: DeltaNode, mapping: DeltaNode, ways: Sequence[WayBack], record: str
) -> Iterator[str]:
    written = [way for way in ways if way.info.type != "id"]
    if not written:
        return
    yield f"  - name: {delta.name}_fields"
    yield f"    record: {record}"
    yield "    purpose: PURPOSE"
    yield "    tag:"
    yield "      type: fields"
    yield f"      mapping: {mapping.name}"
    yield "      only:"
    for way in written:
        notes = [f"{way.info.name}: {_sized(way.info)}"]
        notes += [one.message for one in check_writing([way])]
        yield f"        - {way.rule.name}  # {'; '.join(notes)}"


def _text_rule(rule: FieldRule, info: FieldInfo, how: str, record: str) -> Iterator[str]:
    wrong = list(unfit_value(rule, info, ()))
    hard = [one for one in wrong if not one.warning]
    if _TAGS.get(info.type) != "text" or hard:
        reason = hard[0].message if hard else f"{info.name} is {info.type}: tag it by a value"
        yield f"  # not as a text: {rule.name} and {info.name} ({how}): {reason}"
        return
    mark = "# " if how == CLOSELY else ""
    notes = [f"{info.type}({info.length})", how, *(one.message for one in wrong)]
    value = json.dumps(f"{{{rule.name}}}")
    yield f"  {mark}- name: {rule.name}"
    yield f"  {mark}  record: {record}"
    yield f"  {mark}  purpose: PURPOSE"
    yield f"  {mark}  tag: {{type: text, field: {info.name}, value: {value}}}  # {'; '.join(notes)}"


def matching(
    rules: Sequence[FieldRule], owner: ObjectInfo, taken: Collection[str] = ()
) -> list[tuple[FieldRule, FieldInfo, str]]:
    """Find the fields of an object that fields of a delta node belong in, by names and types.

    Args:
        rules: The delta node's fields.
        owner: The object.
        taken: Names of its fields that are not to be found.

    Returns:
        Each field with the object's, and how it was found: `exact` (its column is the field),
        `same but for case and separators`, or `close`. A field is found once.
    """
    free = [one for one in owner.fields if one.updateable and one.type not in COMPOUND]
    left = [one for one in free if one.name not in taken]
    found: dict[str, tuple[FieldRule, FieldInfo, str]] = {}
    for how in ("exact", "same but for case and separators", CLOSELY):
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
    if how == CLOSELY:
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

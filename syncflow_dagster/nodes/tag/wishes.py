"""From rows of the source to what the rules want of which cell of which record. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from syncflow_dagster.core import templates
from syncflow_dagster.core.soql.record_ids import BadIdError, long_id
from syncflow_dagster.nodes.salesforce.way_back import NoWayBackError
from syncflow_dagster.nodes.tag.cells import Back, Change, Mix, Put
from syncflow_dagster.workflows.models.tag import (
    CampaignTag,
    FieldsTag,
    FieldTag,
    JunctionTag,
    MultiPicklistTag,
    TopicTag,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncflow_dagster.nodes.salesforce.way_back import WayBack
    from syncflow_dagster.nodes.tag.cells import Value
    from syncflow_dagster.nodes.tag.mapping import Ways
    from syncflow_dagster.workflows.models.salesforce import ConditionTree
    from syncflow_dagster.workflows.models.tag import TagNode, TagRule


class Matcher(Protocol):
    """Tells whether a condition is true of a row."""

    def __call__(self, condition: ConditionTree, row: Mapping[str, Any]) -> bool:
        """Return whether it is."""
        ...


class BadRowError(ValueError):
    """A row from which no tag can be made; the text says why."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A delta row as planning sees it.

    Attributes:
        table: Its delta table.
        delta_id: Its id there.
        operation: INSERT, UPDATE or DELETE.
        customer: Whose record it is.
        label: Its business key, readable.
        values: Its fields by name.
    """

    table: str
    delta_id: int
    operation: str
    customer: str | None
    label: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: a record, and what of it one effect is about.

    Attributes:
        record_id: The tagged record, 18 characters.
        kind: `fields`, `topic`, `campaign` or `junction`.
        store: What of the record, in one word; a change of it does not overtake another.
        purpose: Purpose in the policy; what serves different ones is sent and refused apart.
        details: What else is needed to find and to write it.
    """

    record_id: str
    kind: str
    store: str
    purpose: str
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """What one rule wants of one cell.

    Attributes:
        place: Where.
        cell: Which cell of it.
        change: What is to become of the cell.
        rule: Name of the rule.
    """

    place: Place
    cell: str
    change: Change
    rule: str


def wishes_of(node: TagNode, row: SourceRow, matches: Matcher, ways: Ways) -> list[Wish]:
    """Return what the node's rules want for a row, in the order of the rules.

    Args:
        node: The tag node.
        row: The row.
        matches: Asks the conditions of its rules.
        ways: The fields that rules with a mapping write.

    Raises:
        BadRowError: A rule that applies names no record, or has no value that can be written.
    """
    return [
        wish
        for rule in node.rules
        if _applies(rule, row, matches)
        for wish in _of_rule(rule, row, node.object, ways.get(rule.name, ()))
    ]


def _applies(rule: TagRule, row: SourceRow, matches: Matcher) -> bool:
    if row.operation == "DELETE":
        # Of a record that is gone only its key is known, so no condition can be asked.
        return rule.on_delete == "remove"
    return rule.when is None or matches(rule.when, row.values)


def _of_rule(rule: TagRule, row: SourceRow, tagged: str, ways: Sequence[WayBack]) -> Iterator[Wish]:
    value = row.values.get(rule.record)
    if value is None or value == "":
        if row.operation == "DELETE":
            return
        msg = f"rule {rule.name}: the field {rule.record} is empty, so it names no record"
        raise BadRowError(msg)
    try:
        record_id = long_id(str(value))
    except BadIdError as error:
        msg = f"rule {rule.name}: the field {rule.record} holds no id of a Salesforce record"
        raise BadRowError(msg) from error
    removes = row.operation == "DELETE"
    for place, cell, change in _changes(rule, record_id, row, tagged, ways):
        yield Wish(place, cell, _reversed(change) if removes else change, rule.name)


def _changes(
    rule: TagRule, record_id: str, row: SourceRow, tagged: str, ways: Sequence[WayBack]
) -> Iterator[tuple[Place, str, Change]]:
    fields = Place(record_id, "fields", "fields", rule.purpose)
    match rule.tag:
        case FieldsTag(nulls=nulls):
            for name, change in _values(rule, nulls, row, ways):
                yield fields, name, change
        case FieldTag(field=name, value=value):
            yield fields, name, Put(_written(rule, value, row))
        case MultiPicklistTag(field=name, add=add, remove=remove):
            yield fields, name, Mix(frozenset(add), frozenset(remove))
        case TopicTag(topic=topic):
            store = f"topic:{topic}"
            yield Place(record_id, "topic", store, rule.purpose, {"topic": topic}), store, Put(True)
        case CampaignTag(campaign=campaign, status=status):
            number = long_id(campaign)
            details: dict[str, Any] = {"campaign": number, "status": status, "person": tagged}
            store = f"campaign:{number}"
            yield Place(record_id, "campaign", store, rule.purpose, details), store, Put(True)
        case JunctionTag() as tag:
            yield _junction(rule, tag, record_id)


def _values(
    rule: TagRule, nulls: Literal["keep", "clear"], row: SourceRow, ways: Sequence[WayBack]
) -> Iterator[tuple[str, Change]]:
    """Give each field of a mapping that is written, with the row's value for it."""
    for way in ways:
        try:
            value = way.value(row.values[way.given.name])
        except NoWayBackError as error:
            msg = f"rule {rule.name}: {error}"
            raise BadRowError(msg) from error
        if value is not None or (nulls == "clear" and way.null_is_empty):
            yield way.info.name, Put(value)


def _junction(rule: TagRule, tag: JunctionTag, record_id: str) -> tuple[Place, str, Change]:
    key = junction_key(record_id, tag.tag, rule.purpose)
    details = {
        "object": tag.object,
        "external_id": tag.external_id,
        "lookup": tag.lookup,
        "key": key,
        "shown": sorted(tag.values),
    }
    store = f"{tag.object}:{key}"
    place = Place(record_id, "junction", store, rule.purpose, details)
    return place, store, Put(dict(tag.values))


def _written(rule: TagRule, value: bool | str, row: SourceRow) -> Value:
    if isinstance(value, bool):
        return value
    text = templates.parse(value).render(row.values)
    if not text:
        msg = f"rule {rule.name}: the value {value!r} is empty for this row"
        raise BadRowError(msg)
    return text


def _reversed(change: Change) -> Change:
    """Return what takes a tag back, where it is still there."""
    if isinstance(change, Mix):
        return Mix(add=frozenset(), remove=change.add)
    if isinstance(change.value, dict):
        return Put(None)
    empty = False if isinstance(change.value, bool) else None
    return Back(change.value, empty)


def junction_key(record_id: str, tag: str, purpose: str) -> str:
    """Return the external id of a tag in a junction object: SHA-256, 64 hex characters."""
    parts = json.dumps([record_id, tag, purpose], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(parts.encode()).hexdigest()

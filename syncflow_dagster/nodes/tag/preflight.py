"""Does the org fit a tag node, before anything is planned or written?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncflow_dagster.core import templates
from syncflow_dagster.core.soql.paths import find_object, near
from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.nodes.compliance.preflight import unreadable
from syncflow_dagster.nodes.salesforce.fields import missing_fields
from syncflow_dagster.nodes.tag.cells import same
from syncflow_dagster.nodes.tag.conditions import matchers
from syncflow_dagster.nodes.tag.policy import not_allowed
from syncflow_dagster.nodes.tag.values import UnfitValue, fitted
from syncflow_dagster.workflows.models import DeltaNode
from syncflow_dagster.workflows.models.tag import (
    CampaignTag,
    FieldsTag,
    FieldTag,
    JunctionTag,
    MultiPicklistTag,
    TopicTag,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syncflow_dagster.core.soql.date_literals import Calendar
    from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo, Schema
    from syncflow_dagster.core.soql.tree import Loc
    from syncflow_dagster.nodes.tag.mapping import Ways
    from syncflow_dagster.workflows.models import TagNode, Workflow
    from syncflow_dagster.workflows.models.policy import Policy
    from syncflow_dagster.workflows.models.tag import Tag

#: Types of field a tag of each kind can be in.
_TYPES = {
    "picklist": frozenset({"picklist", "combobox"}),
    "checkbox": frozenset({"boolean"}),
    "text": frozenset({"string", "textarea", "url", "phone", "email", "combobox"}),
    "multipicklist": frozenset({"multipicklist"}),
}
_MEMBERS = frozenset({"contact", "lead"})


class TagUnfit(Exception):
    """A tag node does not fit the org or its policy.

    Attributes:
        mistakes: What does not, with its places in the workflow file; warnings among it.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        wrong = [one for one in mistakes if not one.warning]
        first = "; ".join(filter(None, (wrong[0].message, wrong[0].hint)))
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        super().__init__(f"{first}{more}")
        self.mistakes = tuple(mistakes)


def check_tag(
    workflow: Workflow,
    node: TagNode,
    schema: Schema,
    policy: Policy,
    topics: Mapping[str, str],
    calendar: Calendar,
    ways: Ways,
) -> list[Mistake]:
    """Return everything in which org, policy and tag node do not fit each other.

    Args:
        workflow: The node's workflow.
        node: The node.
        schema: The org's objects.
        policy: The node's policy.
        topics: Ids of the node's topics by name, of those that are there.
        calendar: What date literals mean now.
        ways: The fields that rules with a mapping write; `ways_back` checks them.

    Raises:
        SourceError: The org does not describe itself.
    """
    at = ("nodes", workflow.nodes.index(node))
    tagged = find_object(node.object, schema, (*at, "object"))
    if isinstance(tagged, Mistake):
        return [tagged]
    if wrong := _other_case(node.object, tagged.name, (*at, "object")):
        return [wrong]
    found = [
        Mistake((*at, *loc), "not_in_policy", text, f"see {node.policy}")
        for loc, text in not_allowed(policy, node, ways)
    ]
    found += unreadable(policy, node.object, schema, (*at, "policy"))
    source = workflow.node(node.source)
    if isinstance(source, DeltaNode):
        _, misused = matchers(node, source, calendar)
        found += [replace(one, loc=(*at, *one.loc)) for one in misused]
    for number, rule in enumerate(node.rules):
        found += _rule(rule.tag, tagged, schema, topics, (*at, "rules", number, "tag"))
    return found


def _rule(
    tag: Tag, tagged: ObjectInfo, schema: Schema, topics: Mapping[str, str], place: Loc
) -> Iterable[Mistake]:
    match tag:
        case FieldTag():
            return _field_tag(tag, tagged, place)
        case MultiPicklistTag():
            return _multi(tag, tagged, place)
        case TopicTag(topic=topic):
            return _topic(topic, schema, topics, place)
        case CampaignTag():
            return _campaign(tag, tagged, schema, place)
        case JunctionTag():
            return _junction(tag, tagged, schema, place)
        case FieldsTag():
            return ()


def _writable(
    name: str, owner: ObjectInfo, place: Loc, kinds: frozenset[str]
) -> FieldInfo | Mistake:
    info = owner.field(name)
    if info is None:
        message = f"{owner.name} has no field {name!r} that the user can see"
        hint = near(name, [one.name for one in owner.fields])
        return Mistake(place, "no_such_field", message, hint)
    if info.type not in kinds:
        message = f"{info.name} is {info.type}, which takes no such tag"
        return Mistake(place, "wrong_type", message, f"it has to be: {', '.join(sorted(kinds))}")
    if not info.updateable or info.calculated:
        message = f"{info.name} cannot be changed by the user"
        return Mistake(place, "not_updateable", message, "give the user the right, or name another")
    return _other_case(name, info.name, place) or info


def _other_case(name: str, right: str, place: Loc) -> Mistake | None:
    """Report a name that is not as answers have it."""
    if name == right:
        return None
    message = f"{name!r} is written {right!r} at Salesforce"
    return Mistake(place, "other_case", message, f"write {right}")


def _field_tag(tag: FieldTag, owner: ObjectInfo, place: Loc) -> Iterator[Mistake]:
    info = _writable(tag.field, owner, (*place, "field"), _TYPES[tag.type])
    if isinstance(info, Mistake):
        yield info
    elif isinstance(tag.value, str):
        if tag.type == "picklist":
            yield from _listed([tag.value], info, (*place, "value"))
        elif not templates.parse(tag.value).fields and info.length < len(tag.value):
            message = f"{info.name} takes {info.length} characters, the tag has {len(tag.value)}"
            yield Mistake((*place, "value"), "too_long", message, "shorten it")


def _multi(tag: MultiPicklistTag, owner: ObjectInfo, place: Loc) -> Iterator[Mistake]:
    info = _writable(tag.field, owner, (*place, "field"), _TYPES["multipicklist"])
    if isinstance(info, Mistake):
        yield info
        return
    yield from _listed(tag.add, info, (*place, "add"))


def _listed(values: Sequence[str], info: FieldInfo, place: Loc) -> Iterator[Mistake]:
    for value in values:
        if value in info.picklist:
            continue
        message = f"{value!r} is no active value of the picklist {info.name}"
        hint = near(value, info.picklist) or f"its values: {', '.join(info.picklist)}"
        yield Mistake(place, "no_such_value", message, hint, warning=not info.restricted)


def _topic(topic: str, schema: Schema, topics: Mapping[str, str], place: Loc) -> Iterator[Mistake]:
    owner = schema.object("TopicAssignment")
    if owner is None or not owner.createable:
        message = "topics are not switched on, or the user may not assign them"
        hint = "switch topics on for the object, and give the user 'Assign Topics'"
        yield Mistake(place, "no_topics", message, hint)
    elif topic not in topics:
        message = f"there is no topic {topic!r}"
        yield Mistake((*place, "topic"), "no_such_topic", message, "make it, or name another")


def _campaign(tag: CampaignTag, owner: ObjectInfo, schema: Schema, place: Loc) -> Iterator[Mistake]:
    if owner.name.lower() not in _MEMBERS:
        message = f"a record of {owner.name} cannot be a member of a campaign"
        yield Mistake(place, "no_member", message, "tag Contact or Lead, or tag otherwise")
        return
    members = schema.object("CampaignMember")
    if members is None or not members.createable:
        message = "the user sees no campaigns, or may not add members"
        yield Mistake(place, "no_campaigns", message, "make the user a 'Marketing User'")
    elif tag.status is not None and (status := members.field("Status")) is not None:
        yield from _listed([tag.status], status, (*place, "status"))


def _junction(tag: JunctionTag, owner: ObjectInfo, schema: Schema, place: Loc) -> Iterator[Mistake]:
    junction = find_object(tag.object, schema, (*place, "object"))
    if isinstance(junction, Mistake):
        yield junction
        return
    named = [(tag.object, junction.name, "object")]
    key = junction.field(tag.external_id)
    if key is None or not (key.external_id and key.unique):
        message = f"{tag.external_id!r} is no unique external id of {junction.name}"
        hint = "without one the same tag would be made again"
        yield Mistake((*place, "external_id"), "no_external_id", message, hint)
    elif key.length < _KEY_LENGTH:
        message = f"{key.name} takes {key.length} characters, a key has {_KEY_LENGTH}"
        yield Mistake((*place, "external_id"), "too_long", message, "make the field longer")
    else:
        named.append((tag.external_id, key.name, "external_id"))
    lookup = junction.field(tag.lookup)
    if lookup is None or owner.name not in lookup.reference_to:
        message = f"{tag.lookup!r} of {junction.name} does not look up {owner.name}"
        yield Mistake((*place, "lookup"), "no_lookup", message, "name the lookup field")
    else:
        named.append((tag.lookup, lookup.name, "lookup"))
    for name, right, where in named:
        if wrong := _other_case(name, right, (*place, where)):
            yield wrong
    for name, value in tag.values.items():
        info = junction.field(name)
        if info is None or not (info.createable and info.updateable):
            message = f"{junction.name} has no field {name!r} that the user can write"
            hint = near(name, [one.name for one in junction.fields])
            yield Mistake((*place, "values", name), "no_such_field", message, hint)
        elif wrong := _other_case(name, info.name, (*place, "values", name)):
            yield wrong
        else:
            yield from _unfit(value, info, (*place, "values", name))
    yield from missing_fields(junction, {tag.external_id, tag.lookup, *tag.values}, place)


def _unfit(value: str | bool | float, info: FieldInfo, place: Loc) -> Iterator[Mistake]:
    """Report a value that its field does not take, or shows in another form ever after."""
    kind = f"{info.name} is {info.type}"
    none = Mistake(place, "wrong_value", f"{kind}, and takes no {value!r}")
    if isinstance(value, bool) is not (info.type == "boolean"):
        yield none
        return
    try:
        right = fitted(info, value)
    except UnfitValue as error:
        yield Mistake(place, "wrong_value", str(error))
    except (ValueError, ArithmeticError):
        yield none
    else:
        if not same(right, value):
            message = f"{kind}, and shows {value!r} as {right!r}"
            yield Mistake(place, "wrong_value", message, f"write {right!r}")


#: Characters of a SHA-256 in hex.
_KEY_LENGTH = 64

"""Tag nodes: whose records they take, and what their rules may say, as far as the file tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core import templates
from syncflow_dagster.core.soql.record_ids import BadIdError, long_id
from syncflow_dagster.workflows.models.salesforce import GROUPS
from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import field_type, repeated
from syncflow_dagster.workflows.rules.references import node_reference, taken_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

_CAMPAIGN = "701"
#: Objects that an upsert by an external id would make new persons or companies of.
_PEOPLE = frozenset({"account", "contact", "individual", "lead", "user"})
#: What names the place a tag is written to; a junction record has the purpose in its key.
_PLACES = ("field", "topic", "campaign")


def sources(graph: Graph) -> Iterator[Finding]:
    """Report tag nodes whose source is no delta node, or is taken by another node, too."""
    yield from taken_once(graph, "tag", {})


def fields(graph: Graph) -> Iterator[Finding]:
    """Report fields that rules use and the source does not declare."""
    for node in graph.of_type("tag"):
        source = graph.node(node["source"].text, "delta")
        for rule in node["rules"].items():
            yield from graph.unknown_field(source, rule["record"])
            for attribute in _attributes(rule["when"]):
                yield from graph.unknown_field(source, attribute)
            value = rule["tag"]["value"]
            for name in _fields_of(value):
                yield from graph.unknown_field_name(source, name, value)


def mappings(graph: Graph) -> Iterator[Finding]:
    """Report mappings that are no delta node, and fields that mapping and source differ in."""
    for node in graph.of_type("tag"):
        source = graph.node(node["source"].text, "delta")
        for rule in node["rules"].items():
            tag = rule["tag"]
            if tag["type"].text == "fields":
                yield from node_reference(graph, tag["mapping"], "delta")
                mapping = graph.node(tag["mapping"].text, "delta")
                yield from _mapping(graph, tag, mapping, source)


def _mapping(
    graph: Graph, tag: View, mapping: View | None, source: View | None
) -> Iterator[Finding]:
    only = tag["only"].texts()
    yield from repeated(only, "the field", "list it once")
    for entry in only:
        unknown = list(graph.unknown_field(mapping, entry))
        yield from unknown or graph.unknown_field(source, entry)
    ours, theirs = graph.fields(mapping), graph.fields(source)
    if mapping is None or source is None or ours is None or theirs is None:
        return
    named = {entry.text: entry for entry in only}
    shared = [name for name in ours if name in theirs and (name in named or not named)]
    if not shared and not named:
        message = f"{source['name'].text!r} and {mapping['name'].text!r} share no field's name"
        yield Finding(tag["mapping"].loc, message, "values go from a field to that of its name")
    for name in shared:
        given, wanted = field_type(theirs[name]), field_type(ours[name])
        made = ours[name]["transform"]["type"].text not in {None, "lookup"}
        if given != wanted and None not in (given, wanted) and not made:
            message = f"{name!r} is {given}, and {wanted} in {mapping['name'].text!r}"
            yield Finding(named.get(name, tag["mapping"]).loc, message, "give both one type")


def names(graph: Graph) -> Iterator[Finding]:
    """Report rules of a node that have the same name."""
    for node in graph.of_type("tag"):
        seen: set[str] = set()
        for rule in node["rules"].items():
            name = rule["name"].text
            if name in seen:
                message = f"another rule of this node is called {name!r}"
                yield Finding(rule["name"].loc, message, "a plan names the rule behind each change")
            seen |= {name} if name else set()


def values(graph: Graph) -> Iterator[Finding]:
    """Report tags whose values cannot be what their kind of tag holds."""
    for node in graph.of_type("tag"):
        for rule in node["rules"].items():
            yield from _value(rule["tag"])


def purposes(graph: Graph) -> Iterator[Finding]:
    """Report places that would be written for two purposes: one's refusal would undo the other."""
    for node in graph.of_type("tag"):
        first: dict[str, str] = {}
        for rule in node["rules"].items():
            tag, purpose = rule["tag"], rule["purpose"]
            if purpose.text is None:
                continue
            taken = [
                place
                for place in _places(graph, tag)
                if first.setdefault(place.lower(), purpose.text) != purpose.text
            ]
            if taken:
                message = f"{taken[0]} is written for {first[taken[0].lower()]!r} already"
                yield Finding(purpose.loc, message, "give each purpose a place of its own")


def _places(graph: Graph, tag: View) -> list[str]:
    """Return what a tag writes, as far as the file tells."""
    if tag["type"].text != "fields":
        return [f"{key} {tag[key].text}" for key in _PLACES if tag[key].text][:1]
    fields = graph.fields(graph.node(tag["mapping"].text, "delta")) or {}
    only = [entry.text for entry in tag["only"].texts()]
    columns = [
        rule["column"].text or name for name, rule in fields.items() if not only or name in only
    ]
    return [f"field {column}" for column in columns if column.lower() != "id"]


def deletes(graph: Graph) -> Iterator[Finding]:
    """Report tags to be taken back for deleted rows, of which only the key is known."""
    for node in graph.of_type("tag"):
        source = graph.node(node["source"].text, "delta")
        if source is None:
            continue
        key = {str(view.text) for view in source["key"].texts()}
        for rule in node["rules"].items():
            if not key or rule["on_delete"].text != "remove":
                continue
            if rule["tag"]["type"].text == "fields":
                message = "a mapping cannot be taken back by a row whose values are not known"
                hint = "leave 'on_delete' out; `syncflow tag undo` takes back what a run wrote"
                yield Finding(rule["on_delete"].loc, message, hint)
                continue
            used = [rule["record"].text, *_fields_of(rule["tag"]["value"])]
            missing = [name for name in used if name and name not in key]
            if missing:
                message = f"of a deleted record {missing[0]!r} is not known: it is not in the key"
                hint = f"the key of {source['name'].text!r} is: {', '.join(sorted(key))}"
                yield Finding(rule["on_delete"].loc, message, hint)


def _value(tag: View) -> Iterator[Finding]:
    kind, value = tag["type"].text, tag["value"]
    if kind == "checkbox" and value.exists and not isinstance(value.data, bool):
        yield Finding(value.loc, "a checkbox is true or false", "write true or false")
    if kind in {"picklist", "text"} and isinstance(value.data, bool):
        yield Finding(value.loc, f"a {kind} holds a text", f'put it in quotes: "{value.data}"')
    if kind in {"picklist", "text"} and value.text is not None:
        try:
            templates.parse(value.text)
        except templates.TemplateError as error:
            yield Finding(value.loc, f"the value is wrong: {error}", "fields: {like_this}")
    if kind == "multipicklist":
        add, remove = ({one.text for one in tag[key].texts()} for key in ("add", "remove"))
        if not add and not remove:
            yield Finding(tag.loc, "adds and removes nothing", "list values under 'add'")
        if both := add & remove:
            message = f"adds and removes {min(map(str, both))!r}"
            yield Finding(tag["remove"].loc, message, "remove it from one of the lists")
    if kind == "junction" and str(tag["object"].text).lower() in _PEOPLE:
        message = f"{tag['object'].text} is no junction object: a tag could make a new record of it"
        yield Finding(tag["object"].loc, message, "name one such as Tag_Assignment__c")
    if kind == "campaign" and tag["campaign"].text is not None:
        yield from _campaign(tag["campaign"])


def _campaign(view: View) -> Iterator[Finding]:
    try:
        known = long_id(str(view.text)).startswith(_CAMPAIGN)
    except BadIdError:
        known = False
    if not known:
        hint = f"it has 15 or 18 characters and begins with {_CAMPAIGN}"
        yield Finding(view.loc, f"{view.text!r} is no id of a campaign", hint)


def _attributes(part: View) -> Iterator[View]:
    group = next((key for key in GROUPS if part[key].exists), None)
    if group is None:
        yield part["attribute"]
        return
    for entry in part[group].items():
        yield from _attributes(entry)


def _fields_of(value: View) -> tuple[str, ...]:
    try:
        return templates.parse(value.text or "").fields
    except templates.TemplateError:
        return ()


RULES = (sources, fields, mappings, names, values, purposes, deletes)

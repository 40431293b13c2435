"""Identity nodes: whose records they take, and the fields that tell who those are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import field_type
from syncflow_dagster.workflows.rules.references import taken_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View


def sources(graph: Graph) -> Iterator[Finding]:
    """Report identity nodes whose source is no delta node, or is taken by another node, too."""
    tags = {str(tag["source"].text): str(tag["name"].text) for tag in graph.of_type("tag")}
    yield from taken_once(graph, "identity", tags)


def circles(graph: Graph) -> Iterator[Finding]:
    """Report identity nodes that would, over others, tell who is who among their own moves."""
    for node in graph.of_type("identity"):
        own = node["name"].text
        way = [str(own)]
        seen: View | None = node
        while seen is not None:
            delta = graph.node(seen["source"].text, "delta")
            after = None if delta is None else delta["source"].text
            if delta is None or after is None or after in way[1:]:
                break
            way += [str(delta["name"].text), after]
            if after == own:
                message = f"the sources go round in a circle: {' → '.join(way)}"
                yield Finding(node["source"].loc, message, "name the delta node of the records")
                break
            seen = graph.node(after, "identity")


def person_fields(graph: Graph) -> Iterator[Finding]:
    """Report fields of persons that the source has not, or that cannot be what they are for."""
    for node in graph.of_type("identity"):
        delta = graph.node(node["source"].text, "delta")
        person = node["person"]
        used = [view for name, view in person.entries().items() if name != "phones"]
        for view in (*used, *person["phones"].texts()):
            yield from graph.unknown_field(delta, view)
        if delta is None:
            continue
        yield from _record_id(delta, person)
        yield from _typed(graph, delta, person["created"], "datetime", "date")
        yield from _typed(graph, delta, person["deleted"], "boolean")
        yield from _merged(delta, person)


def _record_id(delta: View, person: View) -> Iterator[Finding]:
    key = [one.text for one in delta["key"].texts()]
    used = person["record_id"]
    if used.text is not None and key and key != [used.text]:
        message = f"the key of {delta['name'].text!r} is {', '.join(str(one) for one in key)}"
        hint = "a deleted record is known by its key alone: make the record's id the only key field"
        yield Finding(used.loc, message, hint)


def _typed(graph: Graph, delta: View, used: View, *types: str) -> Iterator[Finding]:
    rule = (graph.fields(delta) or {}).get(str(used.text))
    kind = None if rule is None else field_type(rule)
    if kind is not None and kind not in types:
        message = f"{used.text!r} is of type {kind}, which cannot say that"
        yield Finding(used.loc, message, f"name a field of type {' or '.join(types)}")


def _merged(delta: View, person: View) -> Iterator[Finding]:
    used = person["merged_into"]
    if used.text is not None and delta["deletes"]["marker"].exists:
        message = f"{delta['name'].text!r} marks deleted records, of which only the key is kept"
        hint = (
            "merges could not be followed: remove 'deletes: marker' from it and name its field "
            "under 'deleted' here, so that merged records come as they are"
        )
        yield Finding(used.loc, message, hint)


RULES = (sources, circles, person_fields)

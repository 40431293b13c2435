"""References from node to node and from node to connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding, suggestion
from syncflow_dagster.workflows.rules.graph import ROW_SOURCES, field_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

#: Types of connections the nodes of a type can name.
_CONNECTIONS = {
    "pull": ("sql", "files"),
    "salesforce_pull": ("salesforce",),
    "monday_push": ("monday",),
    "tag": ("salesforce",),
    "linkedin_step": ("unipile",),
}
_CONNECTION_TYPES = frozenset(one for types in _CONNECTIONS.values() for one in types)


def node_reference(graph: Graph, used: View, *kinds: str) -> Iterator[Finding]:
    """Report the name of a node that is not there, or of none of some types."""
    name = used.text
    if name is None or not graph.complete or any(graph.node(name, kind) for kind in kinds):
        return
    known = [str(node["name"].text) for kind in kinds for node in graph.of_type(kind)]
    other = next((node for node in graph.nodes if node["name"].text == name), None)
    words = " or ".join(kinds)
    if other is not None:
        message = f"{name!r} is a {other['type'].text} node, but a {words} node is needed here"
    else:
        message = f"there is no node {name!r}"
    yield Finding(used.loc, message, suggestion(name, known, f"{words} nodes"))


def taken_once(graph: Graph, kind: str, taken: dict[str, str]) -> Iterator[Finding]:
    """Report nodes of a type whose source is no delta node, or is taken by another node, too.

    Args:
        graph: The file.
        kind: Type of the nodes.
        taken: Node that takes a delta node's rows already, by that node's name; pushes are added.
    """
    pushed = graph.mappings()
    taken = {str(one.view["source"].text): str(one.push["name"].text) for one in pushed} | taken
    for node in graph.of_type(kind):
        source = node["source"]
        yield from node_reference(graph, source, "delta")
        if source.text is None:
            continue
        if source.text in taken:
            message = f"records of {source.text!r} go to {taken[source.text]!r} already"
            hint = "each change is taken up once: give this node a delta node of its own"
            yield Finding(source.loc, message, hint)
        taken.setdefault(source.text, str(node["name"].text))


def nodes(graph: Graph) -> Iterator[Finding]:
    """Report references to nodes that are not there or of another type."""
    for delta in graph.of_type("delta"):
        yield from node_reference(graph, delta["source"], *_sources(graph))
        yield from node_reference(graph, delta["parent"]["node"], "delta")
    for mapping in graph.mappings():
        yield from node_reference(graph, mapping.view["source"], "delta")


def _sources(graph: Graph) -> list[str]:
    """Return the types of nodes a delta node can name; of those a file may lack, what it has."""
    return [kind for kind in ROW_SOURCES if kind == "pull" or graph.of_type(kind)]


def connections(graph: Graph) -> Iterator[Finding]:
    """Report references to connections that are not there or of another type."""
    known = graph.root["connections"].entries()
    for kind, wanted in _CONNECTIONS.items():
        fitting = [name for name, view in known.items() if view["type"].text in wanted]
        words = " or ".join(wanted)
        for node in graph.of_type(kind):
            used = node["connection"]
            if used.text is None or used.text in fitting or not known:
                continue
            if used.text not in known:
                message = f"there is no connection {used.text!r}"
            elif known[used.text]["type"].text in _CONNECTION_TYPES:
                actual = known[used.text]["type"].text
                message = f"{used.text!r} is a {actual} connection, but {kind} needs a {words} one"
            else:
                continue
            hint = suggestion(used.text, fitting, f"{words} connections")
            yield Finding(used.loc, message, hint)


def pull_feeds(graph: Graph) -> Iterator[Finding]:
    """Report pull nodes that do not feed exactly one delta node."""
    readers = [*graph.of_type("pull"), *graph.of_type("salesforce_pull")]
    pulls = {str(pull["name"].text): pull for pull in readers}
    sources = {*pulls, *(str(node["name"].text) for node in graph.of_type("identity"))}
    fed: dict[str, str] = {}
    all_resolve = True
    for delta in graph.of_type("delta"):
        source = delta["source"]
        # What an identity node has found may be read by any number of delta nodes.
        if source.text in fed and source.text in pulls:
            message = f"{source.text!r} already feeds the delta node {fed[source.text]!r}"
            yield Finding(source.loc, message, "give each delta node a pull node of its own")
            all_resolve = False
        elif source.text is not None:
            fed[source.text] = str(delta["name"].text)
        all_resolve = all_resolve and source.text in sources
    if not (graph.complete and all_resolve):
        return
    for name, pull in pulls.items():
        if name not in fed:
            message = f"no delta node reads from {name!r}"
            yield Finding(pull["name"].loc, message, f"add a delta node with source: {name}")


def pushed_once(graph: Graph) -> Iterator[Finding]:
    """Report delta nodes whose records two mappings would push."""
    first: dict[str, str] = {}
    for mapping in graph.mappings():
        source = mapping.view["source"]
        if source.text is None:
            continue
        place = f"{mapping.push['name'].text}.{'subitems' if mapping.is_subitems else 'items'}"
        if source.text in first:
            message = f"records of {source.text!r} are pushed already, by {first[source.text]}"
            yield Finding(source.loc, message, "a delta node's records have one destination")
        first.setdefault(source.text, place)


def parent_cycles(graph: Graph) -> Iterator[Finding]:
    """Report delta nodes that are, over others, their own parents.

    A node may name itself: then its records are a tree. But not under its own key.
    """
    reported: set[str] = set()
    for delta in graph.of_type("delta"):
        name = delta["name"].text
        way = graph.parents(name)
        parent = delta["parent"]
        keys = [[one.text for one in part["key"].texts()] for part in (delta, parent)]
        if name is not None and parent["node"].text == name and keys[0] == keys[1] != []:
            message = "the parent's key is the record's own: each record would be its own parent"
            yield Finding(parent["key"].loc, message, "name the fields that hold the parent's key")
        if name is None or name not in way or name in reported:
            continue
        round_trip = way[: way.index(name) + 1]
        reported |= set(round_trip)
        shown = " → ".join([name, *round_trip])
        message = f"the parents go round in a cycle: {shown}"
        hint = "a record cannot come after itself: remove one of these parents"
        yield Finding(delta["parent"]["node"].loc, message, hint)


def parent_keys(graph: Graph) -> Iterator[Finding]:
    """Report parent references that do not fit the parent's business key."""
    for delta in graph.of_type("delta"):
        parent = graph.node(delta["parent"]["node"].text, "delta")
        here = delta["parent"]["key"]
        there = parent["key"].texts() if parent is not None else []
        if parent is None or not here.texts() or not there:
            continue
        if delta["name"].text in graph.parents(delta["name"].text):
            continue  # a cycle is the mistake to mend first
        fields, parent_fields = graph.fields(delta), graph.fields(parent)
        if len(here.items()) != len({one.text for one in there}):
            key = ", ".join(str(one.text) for one in there)
            message = f"names {len(here.items())} fields, but the parent's key has {len(there)}"
            yield Finding(here.loc, message, f"name the fields that hold: {key}")
            continue
        for ours, theirs in zip(here.texts(), there, strict=False):
            mine = (fields or {}).get(str(ours.text))
            its = (parent_fields or {}).get(str(theirs.text))
            if mine is None or its is None:
                continue
            ours_type, its_type = field_type(mine), field_type(its)
            if ours_type and its_type and ours_type != its_type:
                message = (
                    f"{ours.text!r} is {ours_type}, the parent's {theirs.text!r} is {its_type}"
                )
                yield Finding(ours.loc, message, "give both fields one type, or no parent is found")


def subitem_parents(graph: Graph) -> Iterator[Finding]:
    """Report subitems whose records do not belong to the items' records."""
    for push in graph.of_type("monday_push"):
        items, subitems = push["items"]["source"], push["subitems"]["source"]
        delta = graph.node(subitems.text, "delta")
        if delta is None or graph.node(items.text, "delta") is None or items.text == subitems.text:
            continue
        parent = delta["parent"]["node"]
        broken = parent.text is not None and graph.node(parent.text, "delta") is None
        if parent.text == items.text or broken or subitems.text in graph.parents(subitems.text):
            continue
        if parent.text is None:
            message = f"{subitems.text!r} has no parent, but subitems hang on items"
        else:
            message = f"the parent of {subitems.text!r} is {parent.text!r}, not {items.text!r}"
        hint = f"its 'parent' must name the items' delta node: node: {items.text}"
        yield Finding(subitems.loc, message, hint)


RULES = (
    nodes,
    connections,
    pull_feeds,
    pushed_once,
    parent_cycles,
    parent_keys,
    subitem_parents,
)

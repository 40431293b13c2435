"""The nodes of a file and how they hang together, as far as the file lets one see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.view import View

NODE_TYPES = ("pull", "salesforce_pull", "delta", "identity", "monday_push", "tag", "linkedin_step")
#: Types of nodes a delta node can take its rows from.
ROW_SOURCES = ("pull", "salesforce_pull", "identity")
FIELD_TYPES = ("text", "integer", "decimal", "boolean", "date", "datetime")


@dataclass(frozen=True, slots=True)
class Mapping:
    """An item or subitem mapping of a push node."""

    view: View
    push: View
    is_subitems: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """What the rules look at.

    Attributes:
        root: The whole file.
        nodes: Its nodes that are mappings.
        complete: Every node has a name of its own and a known type, so that "there is no such
            node" can be said.
    """

    root: View
    nodes: tuple[View, ...]
    complete: bool

    @classmethod
    def of(cls, root: View) -> Graph:
        """Collect the nodes of a file."""
        entries = root["nodes"].items()
        names = [node["name"].text for node in entries]
        complete = (
            None not in names
            and len(set(names)) == len(names)
            and all(node["type"].text in NODE_TYPES for node in entries)
        )
        return cls(root, tuple(node for node in entries if node.is_mapping), complete)

    def of_type(self, kind: str) -> list[View]:
        """Return the nodes of one type."""
        return [node for node in self.nodes if node["type"].text == kind]

    def node(self, name: str | None, kind: str) -> View | None:
        """Return the node of that name and type, if there is one."""
        return next((node for node in self.of_type(kind) if node["name"].text == name), None)

    def mappings(self) -> Iterator[Mapping]:
        """Return the item and subitem mappings of all push nodes."""
        for push in self.of_type("monday_push"):
            for key in ("items", "subitems"):
                if push[key].is_mapping:
                    yield Mapping(push[key], push, key == "subitems")

    def fields(self, delta: View | None) -> dict[str, View] | None:
        """Return a delta node's fields by name, or None where they cannot all be read."""
        if delta is None:
            return None
        rules = delta["fields"].items()
        if not rules or any(rule["name"].text is None for rule in rules):
            return None
        return {str(rule["name"].text): rule for rule in rules}

    def unknown_field(self, delta: View | None, used: View) -> Iterator[Finding]:
        """Report a field that is used but not declared."""
        yield from self.unknown_field_name(delta, used.text, used)

    def unknown_field_name(
        self, delta: View | None, name: str | None, used: View
    ) -> Iterator[Finding]:
        """Report the name of a field that is used at a place but not declared."""
        fields = self.fields(delta)
        if delta is None or fields is None or name is None or name in fields:
            return
        message = f"the delta node {delta['name'].text!r} has no field {name!r}"
        yield Finding(used.loc, message, suggestion(name, fields, "its fields"))

    def source_of(self, mapping: Mapping) -> View | None:
        """Return the delta node a mapping takes its records from, unless another has it."""
        name = mapping.view["source"].text
        taken = next((one for one in self.mappings() if one.view["source"].text == name), mapping)
        return self.node(name, "delta") if taken.view.loc == mapping.view.loc else None

    def parents(self, name: str | None) -> list[str]:
        """Return a delta node's parents, up to the root or until they repeat.

        A node that names itself counts as a root: its records have parents among themselves.
        """
        way: list[str] = []
        while (delta := self.node(name, "delta")) is not None:
            parent = delta["parent"]["node"].text
            if parent is None or parent == name:
                break
            way.append(parent)
            if parent in way[:-1]:
                break
            name = parent
        return way


def field_type(rule: View) -> str | None:
    """Return the type of a field, or None where the file names one that does not exist."""
    kind = rule["type"]
    return "text" if not kind.exists else kind.text if kind.text in FIELD_TYPES else None


def repeated(views: list[View], what: str, hint: str) -> Iterator[Finding]:
    """Report each text that was there before.

    Args:
        views: Texts that must differ; others are left out.
        what: Names such a text, for example `node`.
        hint: What to do about it.
    """
    seen: dict[str, View] = {}
    for view in views:
        if view.text is None:
            continue
        if view.text in seen:
            first = ".".join(str(part) for part in seen[view.text].loc)
            yield Finding(view.loc, f"{what} {view.text!r} is there twice, first at {first}", hint)
        seen.setdefault(view.text, view)

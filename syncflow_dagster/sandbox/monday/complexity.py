"""What a document costs: estimated before it runs, counted after (section 1.3 of the facts).

The service publishes no price list. The defaults are the best sourced ones: 30,000 points for
a mutation plus one for each scalar it returns (`create_item {id}` = 30,001, the service's own
sample), 10 for an object, 1 for a scalar, lists multiplied by their limit. Where nothing is
known the table says what the sandbox chose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

from syncflow_dagster.sandbox.monday.documents import Prepared, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_FREE_ROOTS = frozenset({"complexity", "__typename", "__schema", "__type"})


class JsonObject(dict[str, Any]):
    """A JSON object that is one scalar of an answer, so it costs one point."""


@dataclass(frozen=True)
class CostTable:
    """Points.

    Attributes:
        mutation: One mutation, apart from what it returns.
        failed_mutation: A mutation that failed; the service says only that failed queries
            cost significantly less, a tenth is the sandbox's choice.
        by_query: What a root query costs beyond its content.
        expected: How many elements of an unlimited list are estimated; the sandbox's choice,
            settled once the answer is known.
    """

    mutation: int = 30_000
    failed_mutation: int = 3_000
    scalar: int = 1
    object: int = 10
    by_query: Mapping[str, int] = field(
        default_factory=lambda: {"items_page_by_column_values": 100_000}
    )
    expected: Mapping[str, int] = field(
        default_factory=lambda: {
            "groups": 20,
            "columns": 20,
            "column_values": 20,
            "subitems": 20,
            "values": 3,
            "linked_items": 10,
        }
    )


class Complexity:
    """Prices documents by a table."""

    def __init__(self, schema: GraphQLSchema, table: CostTable) -> None:
        self._schema = schema
        self.table = table

    def estimate(self, prepared: Prepared, variables: Mapping[str, Any]) -> int:
        """The price charged before the document runs."""
        root = self._schema.get_root_type(prepared.operation.operation)
        assert root is not None
        walk = _Estimate(self, prepared, variables)
        return sum(
            self._root_extra(prepared.kind, r.name) + walk.field(r.node, root, prepared.kind)
            for r in prepared.roots
            if r.name not in _FREE_ROOTS
        )

    def actual(self, prepared: Prepared, data: Mapping[str, Any] | None) -> int:
        """The price of what really happened."""
        total = 0
        for root in prepared.roots:
            if root.name in _FREE_ROOTS:
                continue
            answer = None if data is None else data.get(root.alias)
            if prepared.kind == "mutation" and answer is None:
                total += self.table.failed_mutation
                continue
            total += self._root_extra(prepared.kind, root.name) + self._content(answer)
            if prepared.kind == "mutation":
                total -= self.table.object
        return total

    def _root_extra(self, kind: str, name: str) -> int:
        return self.table.mutation if kind == "mutation" else self.table.by_query.get(name, 0)

    def _content(self, answer: Any) -> int:
        if isinstance(answer, dict) and not isinstance(answer, JsonObject):
            return self.table.object + sum(map(self._content, answer.values()))
        if isinstance(answer, list):
            return sum(map(self._content, answer))
        return self.table.scalar


class _Estimate:
    """One walk over a document."""

    def __init__(
        self, prices: Complexity, prepared: Prepared, variables: Mapping[str, Any]
    ) -> None:
        self._prices = prices
        self._fragments = prepared.fragments
        self._variables = variables

    def field(
        self, node: FieldNode, parent: GraphQLObjectType, kind: str = "", limit: int | None = None
    ) -> int:
        """The price of one field with everything below it.

        Args:
            node: The field.
            parent: The type that has it.
            kind: `mutation` at the root of one, where the object itself is free.
            limit: The page size that an enclosing page sets.
        """
        table = self._prices.table
        if node.name.value.startswith("__"):
            return 0
        definition = _definition(parent, node.name.value, self._prices)
        if definition is None or is_leaf_type(get_named_type(definition)):
            return table.scalar
        size = self._size(node, str(definition), limit)
        named = get_named_type(definition)
        inner = self._selection(node.selection_set, named, self._page_limit(node))
        return size * inner + (0 if kind == "mutation" else size * table.object)

    def _selection(self, selection: SelectionSetNode | None, named: Any, limit: int | None) -> int:
        if selection is None:
            return 0
        return sum(self.field(f, named, "", limit) for f in fields_of(selection, self._fragments))

    def _page_limit(self, node: FieldNode) -> int | None:
        if not node.name.value.endswith(("items_page", "items_page_by_column_values")):
            return None
        return self._number(node, "limit") or 25

    def _size(self, node: FieldNode, type_text: str, limit: int | None) -> int:
        if not type_text.startswith("["):
            return 1
        ids = self._length(node, "ids")
        if ids is not None:
            return ids
        if node.name.value == "items" and limit is not None:
            return limit
        expected = self._prices.table.expected.get(node.name.value)
        return self._number(node, "limit") or expected or 25

    def _argument(self, node: FieldNode, name: str) -> ValueNode | None:
        return next((a.value for a in node.arguments if a.name.value == name), None)

    def _number(self, node: FieldNode, name: str) -> int | None:
        value = self._argument(node, name)
        if isinstance(value, IntValueNode):
            return int(value.value)
        if isinstance(value, VariableNode):
            given = self._variables.get(value.name.value)
            return given if isinstance(given, int) else None
        return None

    def _length(self, node: FieldNode, name: str) -> int | None:
        value = self._argument(node, name)
        if isinstance(value, ListValueNode):
            return len(value.values)
        if isinstance(value, VariableNode):
            given = self._variables.get(value.name.value)
            if given is not None:
                return len(given) if isinstance(given, list) else 1
        return 1 if isinstance(value, ValueNode) and not isinstance(value, VariableNode) else None


def _definition(parent: Any, name: str, prices: Complexity) -> Any:
    """The type of a field; a typed fragment's field is looked up in the types it can have."""
    if name in getattr(parent, "fields", {}):
        return parent.fields[name].type
    schema = prices._schema  # noqa: SLF001 - same module
    for possible in schema.get_possible_types(parent):
        if name in possible.fields:
            return possible.fields[name].type
    return None

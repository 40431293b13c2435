"""GraphQL documents: parsing, validation, variables. Results are kept for repeated documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeInfo,
    VariableDefinitionNode,
    parse,
    print_ast,
    type_from_ast,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.utilities import coerce_input_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ABSENT = object()


class DocumentError(Exception):
    """A document that is not executed at all.

    Attributes:
        errors: Formatted GraphQL errors.
    """

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


@dataclass(frozen=True)
class RootField:
    """One field at the root of an operation."""

    alias: str
    name: str
    node: FieldNode


@dataclass(frozen=True)
class Prepared:
    """A valid document with the operation that will run.

    Attributes:
        kind: `query` or `mutation`.
        roots: Root fields in document order, fragments opened.
    """

    document: DocumentNode
    operation: OperationDefinitionNode
    kind: str
    fragments: Mapping[str, FragmentDefinitionNode]
    roots: tuple[RootField, ...]

    @property
    def root_names(self) -> frozenset[str]:
        """Names of the root fields, without aliases."""
        return frozenset(root.name for root in self.roots)


def fields_of(
    selection: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    """The fields of a selection set in document order, fragments opened."""
    for node in selection.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from fields_of(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode):
            yield from fields_of(fragments[node.name.value].selection_set, fragments)


class Documents:
    """Prepares documents against one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._prepare = lru_cache(maxsize=512)(self._prepare_uncached)

    def prepare(self, source: str, operation_name: str | None) -> Prepared:
        """Parse and validate.

        Raises:
            DocumentError: The document cannot be executed against the schema.
        """
        return self._prepare(source, operation_name)

    def _prepare_uncached(self, source: str, operation_name: str | None) -> Prepared:
        try:
            document = parse(source)
        except GraphQLError as error:
            raise DocumentError([_with_code(error, "GRAPHQL_PARSE_FAILED")]) from error
        errors = validate(self._schema, document, type_info=TypeInfo(self._schema))
        if errors:
            raise DocumentError([_with_code(e, "GRAPHQL_VALIDATION_FAILED") for e in errors])
        operation = _choose(document, operation_name)
        fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        roots = tuple(
            RootField(node.alias.value if node.alias else node.name.value, node.name.value, node)
            for node in fields_of(operation.selection_set, fragments)
        )
        return Prepared(document, operation, operation.operation.value, fragments, roots)

    def variables(self, prepared: Prepared, given: Mapping[str, Any]) -> dict[str, Any]:
        """Check and convert variables; those that the document does not declare are ignored.

        Raises:
            DocumentError: A variable's value does not fit its type.
        """
        definitions = prepared.operation.variable_definitions or ()
        values = get_variable_values(self._schema, definitions, dict(given))
        if isinstance(values, dict):
            return values
        problems = (self._problem(definition, given) for definition in definitions)
        raise DocumentError([problem for problem in problems if problem is not None])

    def _problem(
        self, definition: VariableDefinitionNode, given: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        name = definition.variable.name.value
        value = given.get(name, _ABSENT)
        if value is _ABSENT and definition.default_value is not None:
            return None
        found: list[dict[str, Any]] = []

        def note(path: list[str | int], _value: Any, error: GraphQLError) -> None:
            reason = str(error.original_error or error.message)
            found.append({"path": path, "explanation": reason})

        declared: Any = type_from_ast(self._schema, definition.type)
        coerce_input_value(None if value is _ABSENT else value, declared, note)
        if not found:
            return None
        text = f"Variable ${name} of type {print_ast(definition.type)} was provided invalid value"
        shown = None if value is _ABSENT else value
        location = definition.loc.start_token if definition.loc else None
        return {
            "message": text,
            "locations": [{"line": location.line, "column": location.column}] if location else [],
            "extensions": {"value": shown, "problems": found, "service": "monolith"},
        }


def _choose(document: DocumentNode, operation_name: str | None) -> OperationDefinitionNode:
    operations = [n for n in document.definitions if isinstance(n, OperationDefinitionNode)]
    if operation_name is not None:
        operations = [o for o in operations if o.name and o.name.value == operation_name]
    if len(operations) != 1:
        text = (
            f"Unknown operation named {operation_name!r}."
            if operation_name is not None
            else "Must provide operation name if query contains multiple operations."
        )
        raise DocumentError([_with_code(GraphQLError(text), "OPERATION_RESOLUTION_FAILURE")])
    if operations[0].operation is OperationType.SUBSCRIPTION:
        error = GraphQLError("Subscriptions are not supported.")
        raise DocumentError([_with_code(error, "GRAPHQL_VALIDATION_FAILED")])
    return operations[0]


def _with_code(error: GraphQLError, code: str) -> dict[str, Any]:
    # The service's GraphQL library quotes names twice, ours once.
    message = re.sub(r"'([^']*)'", r'"\1"', error.message)
    return {**error.formatted, "message": message, "extensions": {"code": code}}

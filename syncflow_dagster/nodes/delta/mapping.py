"""Where a field's value comes from: a source column, or what a transform makes of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from syncflow_dagster.core.normalise import expression, frames, mapping, strings, types
from syncflow_dagster.core.normalise.column import Column
from syncflow_dagster.core.normalise.rowwise import TransformError
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
from syncflow_dagster.nodes.delta.source import ROW, resolve
from syncflow_dagster.workflows import functions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule


class Mapper:
    """Finds fields' values in source rows.

    Args:
        node: The node; its functions are imported and its expressions read now.

    Raises:
        DeltaDefinitionError: One of them cannot be used.
    """

    def __init__(self, node: DeltaNode) -> None:
        self._node = node
        self._functions: dict[str, Callable[[Any], object]] = {}
        self._expressions: dict[str, expression.Expression] = {}
        for rule in node.fields:
            transform = rule.transform
            try:
                if transform is not None and transform.type == "python":
                    self._functions[rule.name] = functions.load(transform.function)
                elif transform is not None and transform.type == "expression":
                    self._expressions[rule.name] = expression.parse(transform.sql)
            except (functions.FunctionError, TransformError) as error:
                raise self._unusable(rule, error) from error

    def __call__(self, rule: FieldRule, raw: pl.DataFrame) -> Column:
        """Return a field's values before its type is settled.

        Args:
            rule: One of the node's.
            raw: Rows of the source.

        Raises:
            MissingColumn: A source column the field needs is not there.
            DeltaDefinitionError: A transform cannot be used, whatever the rows hold.
        """
        transform = rule.transform
        if transform is None:
            return Column(self._source(raw, rule, rule.source_column))
        match transform.type:
            case "constant":
                return Column(mapping.constant(transform.value, raw.height))
            case "concat":
                parts = [_text(self._source(raw, rule, each), rule) for each in transform.columns]
                joined = mapping.concat([part.values for part in parts], transform.separator)
                return Column(joined, tuple(fault for part in parts for fault in part.faults))
            case "lookup":
                text = _text(self._source(raw, rule, rule.source_column), rule)
                table, otherwise = transform.values, transform.otherwise
                return text.then(lambda values: mapping.lookup(values, table, otherwise))
            case "expression":
                made = self._expressions[rule.name]
                return self._made(rule, lambda: made(self._frame(raw, rule, made.columns)))
            case "python":
                function, name = self._functions[rule.name], transform.function
                frame = self._frame(raw, rule, transform.columns)
                return self._made(rule, lambda: frames.call(function, frame, name))

    def _source(self, raw: pl.DataFrame, rule: FieldRule, column: str) -> pl.Series:
        there = [name for name in raw.columns if name != ROW]
        return raw[resolve(there, column, self._node.name, f"field {rule.name}")]

    def _frame(self, raw: pl.DataFrame, rule: FieldRule, columns: Iterable[str]) -> pl.DataFrame:
        """Return columns under the names the workflow file has for them."""
        return pl.DataFrame([self._source(raw, rule, each).alias(each) for each in columns])

    def _made(self, rule: FieldRule, make: Callable[[], Column]) -> Column:
        try:
            return make()
        except TransformError as error:
            raise self._unusable(rule, error) from error

    def _unusable(self, rule: FieldRule, error: Exception) -> DeltaDefinitionError:
        return DeltaDefinitionError(f"node {self._node.name}: field {rule.name}: {error}")


def _text(values: pl.Series, rule: FieldRule) -> Column:
    """Settle the text a transform reads; the field's case comes after the transform."""
    return types.to_text(values).then(
        lambda each: strings.normalise(each, rule.whitespace, "keep", rule.empty)
    )

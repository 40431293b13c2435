"""Where a field's value comes from: a source column, or what a transform makes of columns."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import polars as pl

from syncflow_dagster.core.normalise import datetimes, expression, frames, mapping, strings, types
from syncflow_dagster.core.normalise.column import Column, blank
from syncflow_dagster.core.normalise.rowwise import TransformError
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
from syncflow_dagster.nodes.delta.source import DATES, given_columns, resolve
from syncflow_dagster.workflows import functions
from syncflow_dagster.workflows.models.delta import (
    ConstantTransform,
    ExpressionTransform,
    LookupTransform,
)

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
                return self._made(raw, rule, made.columns, made)
            case "python":
                function, name = self._functions[rule.name], transform.function
                return self._made(
                    raw, rule, transform.columns, lambda frame: frames.call(function, frame, name)
                )

    def columns(self, raw: pl.DataFrame) -> list[str] | None:
        """Return the columns that rows are made records of, each once.

        None where a Python function makes a value: nobody knows what else that depends on.

        Args:
            raw: Rows of the source.

        Raises:
            MissingColumn: One of them is not there.
        """
        if self._functions:
            return None
        given = given_columns(raw)
        found = {}
        for rule in self._node.fields:
            for column in self._columns_of(rule):
                found[resolve(given, column, self._node.name, f"field {rule.name}")] = True
        return [*found, *(DATES + name for name in found if DATES + name in raw.columns)]

    def _columns_of(self, rule: FieldRule) -> Iterable[str]:
        match rule.transform:
            case None | LookupTransform():
                return [rule.source_column]
            case ConstantTransform():
                return []
            case ExpressionTransform():
                return self._expressions[rule.name].columns
            case _:
                return rule.transform.columns

    def _source(self, raw: pl.DataFrame, rule: FieldRule, column: str) -> pl.Series:
        return raw[resolve(given_columns(raw), column, self._node.name, f"field {rule.name}")]

    def _made(
        self,
        raw: pl.DataFrame,
        rule: FieldRule,
        columns: Iterable[str],
        make: Callable[[pl.DataFrame], Column],
    ) -> Column:
        """Let a transform make values of columns, under the names the workflow file has for them.

        It must not see in which batch a row came, so it is never given dates as texts.
        """
        read = {each: _dates(raw, self._source(raw, rule, each)) for each in columns}
        try:
            made = make(pl.DataFrame([each.values.alias(name) for name, each in read.items()]))
        except TransformError as error:
            raise self._unusable(rule, error) from error
        faults = [fault for each in read.values() for fault in each.faults]
        values = reduce(blank, (fault.rows for fault in faults), made.values)
        return Column(values, (*faults, *made.faults))

    def _unusable(self, rule: FieldRule, error: Exception) -> DeltaDefinitionError:
        return DeltaDefinitionError(f"node {self._node.name}: field {rule.name}: {error}")


def _dates(raw: pl.DataFrame, values: pl.Series) -> Column:
    """Take dates back from their texts where `DATES` says so; those that are none are faults."""
    kind = raw.schema.get(DATES + values.name)
    if kind is None:
        return Column(values)
    if kind == pl.Date:
        column = datetimes.to_date(values, "UTC")
    else:
        column = datetimes.to_datetime(values, datetimes.Clock())
    faults = tuple(replace(each, column=values.name) for each in column.faults)
    return Column(column.values.cast(kind), faults)  # wall clocks were read as those of UTC


def _text(values: pl.Series, rule: FieldRule) -> Column:
    """Settle the text a transform reads; the field's case comes after the transform."""
    return types.to_text(values).then(
        lambda each: strings.normalise(each, rule.whitespace, "keep", rule.empty)
    )

"""Fields that are used but not declared, and field options that contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core import templates
from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import field_type
from syncflow_dagster.workflows.rules.zones import bad_timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.problems import Loc
    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

#: Options that mean something for some types only.
_ONLY_FOR = {
    "scale": {"decimal"},
    "timezone": {"date", "datetime"},
    "ambiguous": {"datetime"},
    "precision": {"datetime"},
    "max_length": {"text"},
    "case": {"text"},
}
#: Transforms that say themselves what they read, and where 'column' should have gone.
_COLUMNS_OF_THEIR_OWN = {
    "constant": "remove it",
    "concat": "list the columns under 'transform'",
    "python": "list the columns under 'transform'",
    "expression": "name the columns in 'sql'",
}


def in_delta(graph: Graph) -> Iterator[Finding]:
    """Report key, customer and parent fields a delta node does not declare."""
    for delta in graph.of_type("delta"):
        used = [*delta["key"].texts(), delta["customer"], *delta["parent"]["key"].texts()]
        for view in used:
            yield from graph.unknown_field(delta, view)


def in_mappings(graph: Graph) -> Iterator[Finding]:
    """Report fields a push node uses that the delta node does not declare."""
    for mapping in graph.mappings():
        delta = graph.source_of(mapping)
        for key in ("columns", "statuses"):
            for entry in mapping.view[key].items():
                yield from graph.unknown_field(delta, entry["field"])
                yield from graph.unknown_field(delta, entry["until"])
        if not mapping.is_subitems:
            yield from graph.unknown_field(delta, mapping.push["group"]["field"])


def name_templates(graph: Graph) -> Iterator[Finding]:
    """Report item names that cannot be read, use unknown fields, or none."""
    for mapping in graph.mappings():
        view = mapping.view["name"]
        if view.text is None:
            continue
        try:
            template = templates.parse(view.text)
        except templates.TemplateError as error:
            yield Finding(view.loc, f"the name template is wrong: {error}", "fields: {like_this}")
            continue
        if not template.fields:
            hint = "name fields in braces, for example {order_number}"
            yield Finding(view.loc, "the name template uses no field: all names are equal", hint)
        for name in template.fields:
            yield from graph.unknown_field_name(graph.source_of(mapping), name, view)


def options(graph: Graph) -> Iterator[Finding]:
    """Report options that do nothing for the field's type, and time zones that are none."""
    for delta in graph.of_type("delta"):
        for rule in delta["fields"].items():
            kind = field_type(rule)
            for option, types in _ONLY_FOR.items():
                if rule[option].exists and kind is not None and kind not in types:
                    message = f"{option!r} means nothing for a field of type {kind}"
                    hint = f"remove it, or use it with type: {', '.join(sorted(types))}"
                    yield Finding(rule[option].loc, message, hint, at_key=True)
            yield from bad_timezone(rule["timezone"])


def transforms(graph: Graph) -> Iterator[Finding]:
    """Report transforms that contradict the field they stand in."""
    for delta in graph.of_type("delta"):
        gone = {view.text for view in delta["unpivot"]["columns"].texts()}
        for rule in delta["fields"].items():
            yield from _transform(rule, gone)


def _transform(rule: View, gone: set[str | None]) -> Iterator[Finding]:
    transform = rule["transform"]
    kind = transform["type"].text
    if kind in _COLUMNS_OF_THEIR_OWN and rule["column"].exists:
        message = f"'column' is not read where the transform is {kind}"
        yield Finding(rule["column"].loc, message, _COLUMNS_OF_THEIR_OWN[kind], at_key=True)
    if kind == "concat" and field_type(rule) not in {"text", None}:
        message = f"concat makes a text, but the field is of type {rule['type'].text}"
        yield Finding(rule["type"].loc, message, "use type: text")
    for column in transform["columns"].texts():
        if column.text in gone:
            yield _gone(column.loc, column.text)
    sql = transform["sql"]
    if kind == "expression" and sql.text is not None:
        yield from _expression(sql, sql.text, gone)


def _expression(view: View, sql: str, gone: set[str | None]) -> Iterator[Finding]:
    from syncflow_dagster.core.normalise import expression

    try:
        columns = expression.parse(sql).columns
    except expression.ExpressionError as error:
        yield Finding(view.loc, str(error), "right would be: quantity * unit_price")
        return
    for column in columns:
        if column in gone:
            yield _gone(view.loc, column)


def _gone(loc: Loc, column: str | None) -> Finding:
    return Finding(
        loc, f"the column {column!r} is gone after unpivot", "name columns that are left"
    )


RULES = (in_delta, in_mappings, name_templates, options, transforms)

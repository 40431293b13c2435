"""Columns of a monday board: which fields they take, and which options mean something for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import field_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

_TEXT = frozenset({"text"})
_TEXT_OR_ID = frozenset({"text", "integer"})
_DAY = frozenset({"date", "datetime"})

#: Field types each column type takes; a type not listed takes every field.
FITTING: Mapping[str, frozenset[str]] = {
    "numbers": frozenset({"integer", "decimal"}),
    "dropdown": _TEXT_OR_ID,
    "tags": _TEXT_OR_ID,
    "checkbox": frozenset({"boolean"}),
    "rating": frozenset({"integer"}),
    "date": _DAY,
    "timeline": _DAY,
    "week": _DAY,
    "hour": frozenset({"text", "datetime"}),
    "world_clock": _TEXT,
    "email": _TEXT,
    "phone": _TEXT,
    "link": _TEXT,
    "country": _TEXT,
    "location": _TEXT,
    "people": _TEXT_OR_ID,
    "board_relation": _TEXT_OR_ID,
    "dependency": _TEXT_OR_ID,
    "color_picker": _TEXT,
}
_TEXTS = frozenset({"text", "long_text"})
#: Longest long text (https://developer.monday.com/api-reference/docs/long-text).
LONGEST_LONG_TEXT = 2_000
#: Options that mean something for columns of some types only.
_ONLY_FOR = {
    "until": frozenset({"timeline"}),
    "separator": frozenset({"dropdown", "tags", "people", "board_relation", "dependency"}),
    "country": frozenset({"phone"}),
    "max_length": _TEXTS,
}


def types(graph: Graph) -> Iterator[Finding]:
    """Report fields whose type the column cannot hold."""
    for entry, fields in _columns(graph):
        column_type = _type(entry)
        wanted = FITTING.get(column_type)
        kind = _field_type(fields, entry["field"])
        if wanted is not None and kind is not None and kind not in wanted:
            at = entry["type"] if entry["type"].exists else entry["field"]
            yield _unfit(at, entry["field"], column_type, kind)
        until = _field_type(fields, entry["until"])
        if column_type == "timeline" and until is not None and until not in _DAY:
            yield _unfit(entry["until"], entry["until"], column_type, until)


def _unfit(at: View, field: View, column_type: str, kind: str) -> Finding:
    fitting = " or ".join(sorted(FITTING[column_type]))
    message = f"a {column_type} column cannot hold a field of type {kind}"
    return Finding(at.loc, message, f"give {field.text!r} type: {fitting}")


def options(graph: Graph) -> Iterator[Finding]:
    """Report options that do nothing for a column of its type."""
    for entry, fields in _columns(graph):
        column_type = _type(entry)
        for option, types in _ONLY_FOR.items():
            if entry[option].exists and column_type not in types:
                message = f"{option!r} means nothing for a {column_type} column"
                hint = f"remove it, or use it with type: {', '.join(sorted(types))}"
                yield Finding(entry[option].loc, message, hint, at_key=True)
        if entry["on_invalid"].text == "truncate" and column_type not in _TEXTS:
            message = f"a value of a {column_type} column cannot be truncated"
            yield Finding(entry["on_invalid"].loc, message, "right would be reject or drop")
        yield from _longest(entry, column_type)
        kind = _field_type(fields, entry["field"])
        if entry["separator"].exists and kind == "integer":
            message = "'separator' means nothing for a field of type integer"
            hint = f"remove it, or give {entry['field'].text!r} type: text"
            yield Finding(entry["separator"].loc, message, hint, at_key=True)


def _longest(entry: View, column_type: str) -> Iterator[Finding]:
    """Report a length that is never reached, or a cut at no length."""
    longest = entry["max_length"]
    cuts = entry["on_invalid"].text == "truncate"
    if cuts and column_type == "text" and not longest.exists:
        message = "a text column without 'max_length' takes texts of any length: nothing is cut"
        yield Finding(entry["on_invalid"].loc, message, "add max_length: 255, or another length")
    given = longest.data if isinstance(longest.data, int) else 0
    if column_type == "long_text" and given > LONGEST_LONG_TEXT:
        message = f"a long_text column holds {LONGEST_LONG_TEXT:,} characters at most"
        yield Finding(longest.loc, message, f"right would be at most {LONGEST_LONG_TEXT}")


def _columns(graph: Graph) -> Iterator[tuple[View, dict[str, View]]]:
    """Return each mapped column with the fields its records have."""
    for mapping in graph.mappings():
        fields = graph.fields(graph.source_of(mapping)) or {}
        for entry in mapping.view["columns"].items():
            yield entry, fields


def _type(entry: View) -> str:
    return str(entry["type"].text) if entry["type"].exists else "text"


def _field_type(fields: Mapping[str, View], name: View) -> str | None:
    rule = fields.get(str(name.text))
    return None if rule is None else field_type(rule)


RULES = (types, options)

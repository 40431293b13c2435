"""What a monday board takes: types of columns, labels, and what deleted records do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import field_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph, Mapping
    from syncflow_dagster.workflows.view import View

# https://developer.monday.com/api-reference/reference/status
_LABEL_LENGTH = 30
_LABEL_COUNT = 40
_TEXTUAL = frozenset({"text"})

#: Field types each column type takes; a type not listed takes every field.
_FITTING = {
    "numbers": frozenset({"integer", "decimal"}),
    "date": frozenset({"date", "datetime"}),
    "checkbox": frozenset({"boolean"}),
    "email": _TEXTUAL,
    "phone": _TEXTUAL,
    "link": _TEXTUAL,
    "country": _TEXTUAL,
    "dropdown": frozenset({"text", "integer"}),
}


def column_types(graph: Graph) -> Iterator[Finding]:
    """Report fields whose type the column cannot hold."""
    for mapping in graph.mappings():
        fields = graph.fields(graph.source_of(mapping)) or {}
        for entry in mapping.view["columns"].items():
            rule = fields.get(str(entry["field"].text))
            wanted = _FITTING.get(str(entry["type"].text))
            if rule is None or wanted is None:
                continue
            kind = field_type(rule)
            if kind is not None and kind not in wanted:
                message = f"a {entry['type'].text} column cannot hold a field of type {kind}"
                hint = f"give {entry['field'].text!r} type: {' or '.join(sorted(wanted))}"
                yield Finding(entry["type"].loc, message, hint)


def labels(graph: Graph) -> Iterator[Finding]:
    """Report status labels monday would not take."""
    for mapping in graph.mappings():
        for status in mapping.view["statuses"].items():
            entries = status["labels"].entries()
            for label in entries.values():
                yield from _long_label(label)
            if len({label.text for label in entries.values()}) > _LABEL_COUNT:
                message = f"more than {_LABEL_COUNT} labels; a status column holds no more"
                yield Finding(status["labels"].loc, message, "use a dropdown column")
        yield from _long_label(mapping.view["on_delete"]["label"])


def deleted_status(graph: Graph) -> Iterator[Finding]:
    """Report a status for deleted records that is written to a column of another kind."""
    for mapping in graph.mappings():
        rule = mapping.view["on_delete"]
        column = rule["column"]
        if rule["policy"].text != "status" or column.text is None:
            continue
        if column.text in _taken(mapping):
            known = [entry["column"].text for entry in mapping.view["statuses"].items()]
            shown = ", ".join(name for name in known if name) or "a status column of the board"
            message = f"{column.text!r} is no status column in this mapping"
            yield Finding(column.loc, message, f"name a status column: {shown}")


def _taken(mapping: Mapping) -> set[str | None]:
    columns = {entry["column"].text for entry in mapping.view["columns"].items()}
    return columns | {mapping.view["key_column"].text}


def _long_label(label: View) -> Iterator[Finding]:
    if label.text is not None and len(label.text) > _LABEL_LENGTH:
        message = f"the label has {len(label.text)} characters, monday takes {_LABEL_LENGTH}"
        yield Finding(label.loc, message, "shorten it, on the board as well")


RULES = (column_types, labels, deleted_status)

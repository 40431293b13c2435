"""What a monday board takes: labels, and what deleted records do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph, Mapping
    from syncflow_dagster.workflows.view import View

# https://developer.monday.com/api-reference/reference/status
_LABEL_LENGTH = 30
_LABEL_COUNT = 40


def labels(graph: Graph) -> Iterator[Finding]:
    """Report status labels monday would not take."""
    for mapping in graph.mappings():
        for status in mapping.view["statuses"].items():
            entries = status["labels"].entries()
            for label in entries.values():
                yield from _unfit_label(label)
            if len({label.text for label in entries.values()}) > _LABEL_COUNT:
                message = f"more than {_LABEL_COUNT} labels; a status column holds no more"
                yield Finding(status["labels"].loc, message, "use a dropdown column")
        yield from _unfit_label(mapping.view["on_delete"]["label"])


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


def _unfit_label(label: View) -> Iterator[Finding]:
    if label.text is None:
        return
    if label.text.strip().isdecimal():
        message = "monday may take a label of digits for the number of another label"
        yield Finding(label.loc, message, "give it a letter, on the board as well")
    if len(label.text) > _LABEL_LENGTH:
        message = f"the label has {len(label.text)} characters, monday takes {_LABEL_LENGTH}"
        yield Finding(label.loc, message, "shorten it, on the board as well")


RULES = (labels, deleted_status)

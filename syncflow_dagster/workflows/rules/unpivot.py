"""Wide columns turned into rows: what goes in and what comes out must be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding, suggestion
from syncflow_dagster.workflows.rules.graph import repeated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View


def wide_columns(graph: Graph) -> Iterator[Finding]:
    """Report wide columns and labels that are listed twice or belong to no column."""
    for delta in graph.of_type("delta"):
        unpivot = delta["unpivot"]
        columns = unpivot["columns"].texts()
        yield from repeated(columns, "the wide column", "list it once")
        known = [str(column.text) for column in columns]
        labels = unpivot["labels"].entries()
        for name, label in labels.items():
            if known and name not in known:
                message = f"label for {name!r}, which is no wide column"
                hint = suggestion(name, known, "wide columns")
                yield Finding(label.loc, message, hint, at_key=True)
        hint = "two columns with one label would give records with one key"
        yield from repeated(list(labels.values()), "the label", hint)


def outcome(graph: Graph) -> Iterator[Finding]:
    """Report columns made by unpivot that no field reads, or that clash."""
    for delta in graph.of_type("delta"):
        unpivot = delta["unpivot"]
        columns = {column.text for column in unpivot["columns"].texts()}
        name_to, value_to = unpivot["name_to"], unpivot["value_to"]
        if name_to.text is not None and name_to.text == value_to.text:
            message = "name_to and value_to are one column"
            yield Finding(value_to.loc, message, "give the value a column of its own")
        for made in (name_to, value_to):
            if made.text is not None and made.text in columns:
                message = f"{made.text!r} is a wide column as well"
                yield Finding(made.loc, message, "choose a name that is not in 'columns'")
        read = _read_columns(graph, delta)
        if read is None:
            continue
        for made in (name_to, value_to):
            if made.text is not None and made.text not in read:
                message = f"no field reads the column {made.text!r} that unpivot makes"
                hint = f"add a field with column: {made.text}"
                yield Finding(made.loc, message, hint)
        for column, view in read.items():
            if column in columns:
                message = f"the column {column!r} is gone after unpivot"
                hint = f"its name is in {name_to.text!r}, its value in {value_to.text!r}"
                yield Finding(view.loc, message, hint)


def _read_columns(graph: Graph, delta: View) -> dict[str, View] | None:
    """Return the columns the fields read, with where each is named."""
    fields = graph.fields(delta)
    if fields is None:
        return None
    read: dict[str, View] = {}
    for name, rule in fields.items():
        kind = rule["transform"]["type"].text
        if kind == "constant":
            continue
        if kind == "concat":
            read |= {str(column.text): column for column in rule["transform"]["columns"].texts()}
        elif rule["column"].text is not None:
            read[rule["column"].text] = rule["column"]
        else:
            read[name] = rule["name"]
    return read


RULES = (wide_columns, outcome)

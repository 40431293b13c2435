"""Records that are due at times of their own: fields that cannot say such times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import field_type
from syncflow_dagster.workflows.rules.zones import bad_timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

#: Types of the fields that say when a record is due.
_TYPES = {"at": ("date", "datetime"), "every": ("text",), "anchor": ("date", "datetime")}


def due_times(graph: Graph) -> Iterator[Finding]:
    """Report records whose due times nobody could tell, or whose changes nobody would see."""
    for delta in graph.of_type("delta"):
        due = delta["due"]
        if not due.is_mapping:
            continue
        yield from _keys(due)
        yield from bad_timezone(due["timezone"])
        for key in _TYPES:
            yield from graph.unknown_field(delta, due[key])
            rule = (graph.fields(delta) or {}).get(str(due[key].text))
            if rule is not None:
                yield from _field(key, due[key], rule)
        step = f"{delta['name'].text}_due"
        if taken := next((one for one in graph.nodes if one["name"].text == step), None):
            message = f"{step!r} is what the step is called that finds the due records"
            yield Finding(taken["name"].loc, message, "give the node another name")


def _keys(due: View) -> Iterator[Finding]:
    hint = "at: FIELD of a date or date-time; or every: FIELD of a phrase or interval"
    if due["at"].exists == due["every"].exists:
        what = "both 'at' and 'every'" if due["at"].exists else "neither 'at' nor 'every'"
        yield Finding(due.loc, f"'due' has {what}", hint)
    elif due["at"].exists and due["anchor"].exists:
        message = "'anchor' means nothing beside 'at'"
        yield Finding(due["anchor"].loc, message, "remove it", at_key=True)


def _field(key: str, used: View, rule: View) -> Iterator[Finding]:
    types, kind = _TYPES[key], field_type(rule)
    if kind is not None and kind not in types:
        message = f"{used.text!r} is of type {kind}, but {key!r} needs {' or '.join(types)}"
        yield Finding(used.loc, message, "name a field of that type")
    if rule["compared"].data is False:
        message = f"{used.text!r} is not compared, so nobody would see that its times change"
        yield Finding(used.loc, message, f"remove 'compared: false' from {used.text!r}")
    if key == "every" and rule["personal"].data is True:
        message = f"{used.text!r} is personal, but a text that cannot be read is shown"
        yield Finding(used.loc, message, "keep phrases and intervals in a field of their own")


RULES = (due_times,)

"""What a read needs to find changes by versions, and to go on where it was cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.pull.template import (
    CHANGED_SINCE,
    GIVEN,
    INTERVAL,
    RESUME_AFTER,
)
from syncflow_dagster.workflows.patterns import reads_files
from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import field_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

_BY_VERSION = frozenset({"rowversion", "auto"})
_VERSION_TYPES = frozenset({"integer", "datetime"})


def given_parameters(graph: Graph) -> Iterator[Finding]:
    """Report parameters every template has anyway: a value of the file would never be seen."""
    for pull in graph.of_type("pull"):
        for name, view in pull["parameters"].entries().items():
            if name in GIVEN:
                message = f"{name!r} is given to every template by the read itself"
                yield Finding(view.loc, message, "call the parameter something else", at_key=True)


def row_versions(graph: Graph) -> Iterator[Finding]:
    """Report row versions that are missing where they are needed, or cannot be one."""
    for delta in graph.of_type("delta"):
        strategy, version = delta["detection"]["strategy"], delta["detection"]["rowversion"]
        if strategy.text in _BY_VERSION and not version.exists:
            message = f"the strategy {strategy.text} needs a 'rowversion'"
            hint = "name the field that grows with every change of a row, or use strategy: hash"
            yield Finding(strategy.loc, message, hint)
        source = graph.node(delta["source"].text, "pull")
        if strategy.text in _BY_VERSION and source is not None and reads_files(graph.root, source):
            message = f"{source['name'].text!r} reads files, which are always read as a whole"
            yield Finding(strategy.loc, message, "use strategy: hash")
        yield from graph.unknown_field(delta, version)
        rule = (graph.fields(delta) or {}).get(version.text or "")
        kind = field_type(rule) if rule is not None else None
        if kind is not None and kind not in _VERSION_TYPES:
            message = f"{version.text!r} is {kind}, and no version of a row"
            yield Finding(version.loc, message, "name a field of type integer or datetime")
        elif rule is not None and rule["timezone"].exists and rule["timezone"].text != "UTC":
            message = f"{version.text!r} is a version in {rule['timezone'].text}, not in UTC"
            hint = (
                "the source is asked for newer versions in UTC, and an hour that occurs twice "
                "orders nothing: give the column in UTC in the query, and leave 'timezone' out"
            )
            yield Finding(version.loc, message, hint)


def moving_orders(graph: Graph) -> Iterator[Finding]:
    """Report reads that go on by a row version: a row that changes meanwhile moves in their order.

    It would be read twice, or a row would be left out and taken for deleted.
    """
    for delta in graph.of_type("delta"):
        pull = graph.node(delta["source"].text, "pull")
        rule = (graph.fields(delta) or {}).get(delta["detection"]["rowversion"].text or "")
        if pull is None or rule is None or rule["transform"].exists:
            continue
        resume, column = pull["resume"], rule["column"].text or rule["name"].text or ""
        if (resume.text or "").casefold() != column.casefold():
            continue
        if delta["deletes"]["detect"].data is not False:
            message = (
                f"{resume.text!r} is the row version of {delta['name'].text!r}, so it changes with "
                "the row: a read that goes on behind it may miss rows, which would count as deleted"
            )
            hint = "name a column that never changes, such as the primary key, or turn deletes off"
            yield Finding(resume.loc, message, f"{hint}: deletes: {{detect: false}}")


def unused_places(graph: Graph, used: Mapping[str, AbstractSet[str]]) -> Iterator[Finding]:
    """Report reads that are to begin at a place their template never asks for.

    Args:
        graph: The nodes.
        used: What the template of each pull node uses, by the node's name; a node whose template
            cannot be read is left out.
    """
    for pull in graph.of_type("pull"):
        uses = used.get(pull["name"].text or "")
        if pull["resume"].exists and uses is not None and RESUME_AFTER not in uses:
            yield _unused(pull["resume"], pull, RESUME_AFTER, pull["resume"].text)
    for delta in graph.of_type("delta"):
        strategy, version = delta["detection"]["strategy"], delta["detection"]["rowversion"]
        source = graph.node(delta["source"].text, "pull")
        uses = used.get(delta["source"].text or "")
        if source is None or uses is None or strategy.text not in _BY_VERSION:
            continue
        if CHANGED_SINCE not in uses:
            rule = (graph.fields(delta) or {}).get(version.text or "")
            column = rule["column"].text if rule is not None else None
            yield _unused(strategy, source, CHANGED_SINCE, column or version.text or "row_version")


def intervals(graph: Graph, used: Mapping[str, AbstractSet[str]]) -> Iterator[Finding]:
    """Report reads by intervals of which something would be read twice, left out, or deleted.

    Args:
        graph: The nodes.
        used: As for `unused_places`.
    """
    for pull in graph.of_type("pull"):
        uses = used.get(pull["name"].text or "", frozenset())
        for missing in sorted(INTERVAL - uses) if INTERVAL & uses else ():
            message = (
                f"the template {pull['query'].text} asks for an interval, but not its {missing!r}"
            )
            hint = "ask for rows later than interval_start and not later than interval_end"
            yield Finding(pull["query"].loc, message, hint)
    for delta in graph.of_type("delta"):
        if not INTERVAL & used.get(delta["source"].text or "", frozenset()):
            continue
        strategy, deletes = delta["detection"]["strategy"], delta["deletes"]["detect"]
        if strategy.text in _BY_VERSION:
            message = (
                f"{delta['source'].text!r} reads intervals, which the strategy leaves no say in"
            )
            yield Finding(strategy.loc, message, "use strategy: hash")
        if deletes.data is not False:
            place = deletes if deletes.exists else delta["source"]
            message = (
                f"{delta['source'].text!r} reads intervals, so what it does not give may be there"
            )
            yield Finding(place.loc, message, "turn deletes off: deletes: {detect: false}")


def _unused(place: View, pull: View, variable: str, column: str | None) -> Finding:
    query = pull["query"].text
    message = f"the template {query} never asks for {variable!r}, so it would read all rows"
    condition = (
        f"{{% if {variable} is not none %}} and {column} > {{{{ {variable} }}}}{{% endif %}}"
    )
    return Finding(place.loc, message, f"add a condition like {condition}")


RULES = (given_parameters, row_versions, moving_orders)

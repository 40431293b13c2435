"""Delta nodes that are split: all in one number, and a push that comes when rows wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View


def one_number(graph: Graph) -> Iterator[Finding]:
    """Report split delta nodes whose number of partitions differs from the first one's."""
    split = _split(graph)
    for node in split[1:]:
        first, here = split[0]["partitions"].data, node["partitions"].data
        if here != first:
            message = f"{here} partitions, but {split[0]['name'].text!r} has {first}"
            hint = (
                f"a run builds one partition of all split nodes: write {first}, or leave it out "
                "for a node that is not split"
            )
            yield Finding(node["partitions"].loc, message, hint)


def push_comes_by_itself(graph: Graph) -> Iterator[Finding]:
    """Report split delta nodes whose push nothing would start.

    The runs of the partitions do not push: none of them knows when the last one is done.
    """
    split = _split(graph)
    if not split or not graph.of_type("monday_push"):
        return
    triggers = graph.root["triggers"].items()
    pending = next((one for one in triggers if one["type"].text == "pending_rows"), None)
    if pending is None:
        message = "the push of split delta nodes starts when rows wait, and no trigger says so"
        hint = "add '- {type: pending_rows}' under 'triggers'"
        yield Finding(split[0]["partitions"].loc, message, hint)
    elif pending["enabled"].data is False:
        message = "switched off, so nothing starts the push of the split delta nodes"
        hint = f"remove it, or the partitions of {split[0]['name'].text!r}"
        yield Finding(pending["enabled"].loc, message, hint)


def _split(graph: Graph) -> list[View]:
    """Return the delta nodes with more than one partition."""
    return [node for node in graph.of_type("delta") if _parts(node) > 1]


def _parts(node: View) -> int:
    number = node["partitions"].data
    return number if isinstance(number, int) else 1


RULES = (one_number, push_comes_by_itself)

"""How a board that was filled by other means is matched: fields of the business key, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph


def matched_fields(graph: Graph) -> Iterator[Finding]:
    """Report columns that are to show what is no field of the business key."""
    for mapping in graph.mappings():
        source = graph.source_of(mapping)
        key = [str(one.text) for one in source["key"].texts()] if source is not None else []
        for name, column in mapping.view["adopt"]["match"].entries().items():
            if key and name not in key:
                message = f"{name!r} is no field of the business key"
                yield Finding(column.loc, message, suggestion(name, key, "its fields"), at_key=True)


RULES = (matched_fields,)

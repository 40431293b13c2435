"""A query in the parameter style of a driver that SQLAlchemy does not stand in front of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.pull.quotes import enclosures

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.nodes.pull.ports import Query


def rewritten(
    query: Query,
    database: str,
    placeholder: Callable[[str], str],
    escape: Callable[[str], str] = str,
) -> tuple[str, list[str]]:
    """Put a driver's placeholders where a query names its parameters.

    Args:
        query: Only its own parameters count: every other colon, and what stands in quotes or
            comments, is the author's text.
        database: The kind of database that reads it, as SQLAlchemy calls it.
        placeholder: The placeholder for a parameter's name.
        escape: Applied to the author's text, where a driver reads signs of its own in it.

    Returns:
        The statement, and the parameters' names in the order they stand in it.
    """
    text = query.text
    pieces, names, at = [], [], 0
    if query.parameters:
        known = "|".join(map(re.escape, query.parameters))
        enclosed = [(span.start, span.end) for span in enclosures(text, database)]
        for found in re.finditer(rf"(?<![\w:]):({known})\b", text):
            if any(start <= found.start() < end for start, end in enclosed):
                continue
            pieces += [escape(text[at : found.start()]), placeholder(found[1])]
            names.append(found[1])
            at = found.end()
    return "".join([*pieces, escape(text[at:])]), names

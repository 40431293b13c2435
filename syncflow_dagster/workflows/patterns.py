"""The file patterns of pull nodes whose connection is a folder of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.view import View


def reads_files(root: View, pull: View) -> bool:
    """Say whether a pull node's query is a pattern of files, and no template."""
    connection = root["connections"][pull["connection"].text or ""]
    return connection["type"].text == "files"


def wrong_pattern(pull: View) -> Iterator[Finding]:
    """Report a pattern that names no files that can be read, and keys only templates need."""
    from syncflow_dagster.nodes.pull.files import bad_pattern

    query = pull["query"]
    problem = bad_pattern(query.text or "")
    if problem is not None:
        hint = "name files below the connection's folder, for example orders-*.csv"
        yield Finding(query.loc, f"{query.text!r} {problem}", hint)
    for key, why in (
        ("parameters", "a pattern takes no values"),
        ("resume", "a read of files goes on behind its last row by itself"),
    ):
        if pull[key].exists:
            message = "means nothing where the connection is a folder of files"
            yield Finding(pull[key].loc, message, f"remove it: {why}", at_key=True)

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


def wrong_pattern(query: View) -> Iterator[Finding]:
    """Report a pattern that leaves the folder, or names no kind of file that can be read."""
    from syncflow_dagster.nodes.pull.files import bad_pattern

    problem = bad_pattern(query.text or "")
    if problem is not None:
        hint = "name files below the connection's folder, for example orders-*.csv"
        yield Finding(query.loc, f"{query.text!r} {problem}", hint)

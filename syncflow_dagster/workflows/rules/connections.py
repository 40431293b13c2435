"""Connections: addresses that can be used at all. What they hold is never shown."""

from __future__ import annotations

import codecs
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.zones import bad_timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph

#: An address of each service that is reached by one.
_ADDRESSES = {
    "monday": "https://api.monday.com/v2",
    "salesforce": "https://acme.my.salesforce.com",
    "unipile": "https://api1.unipile.com:13111",
}
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def sql_urls(graph: Graph) -> Iterator[Finding]:
    """Report database URLs SQLAlchemy cannot use."""
    from syncflow_dagster.nodes.pull.registry import bad_url

    for view in graph.root["connections"].entries().values():
        url = view["url"]
        if view["type"].text != "sql" or url.text is None:
            continue
        problem = bad_url(url.text)
        if problem:
            hint = "for example postgresql://user:password@host/name or sqlite:////folder/file.db"
            yield Finding(url.loc, problem, hint)


def files_folders(graph: Graph) -> Iterator[Finding]:
    """Report folders and CSV options that cannot be used. Whether a folder is there shows later."""
    for view in graph.root["connections"].entries().values():
        if view["type"].text != "files":
            continue
        folder, encoding, delimiter = view["folder"], view["encoding"], view["delimiter"]
        if folder.text is not None and not PurePath(folder.text).is_absolute():
            hint = "begin it with /; a run may start in any folder"
            yield Finding(folder.loc, "is no absolute path", hint)
        if encoding.text is not None and not _is_encoding(encoding.text):
            hint = "for example utf-8, cp1252 or utf-16"
            yield Finding(encoding.loc, f"there is no encoding {encoding.text!r}", hint)
        if delimiter.text in {'"', "\n", "\r"}:
            message = "cannot part values: CSV uses it for quotes and rows"
            yield Finding(delimiter.loc, message, "for example ';', '|' or \"\\t\"")


def service_urls(graph: Graph) -> Iterator[Finding]:
    """Report addresses of services that are none, or would carry secrets in the clear."""
    for view in graph.root["connections"].entries().values():
        url = view["url"]
        example = _ADDRESSES.get(str(view["type"].text))
        if example is None or url.text is None:
            continue
        try:
            parts = urlsplit(url.text)
            host = parts.hostname
        except ValueError:
            host = None
        if not host or parts.scheme not in {"http", "https"}:
            yield Finding(url.loc, "is no web address", f"for example {example}")
        elif parts.scheme == "http" and host not in _LOCAL:
            message = "would send the token unencrypted"
            yield Finding(url.loc, message, "begin it with https:// (http is for this machine)")


def monday_zones(graph: Graph) -> Iterator[Finding]:
    """Report time zones of monday accounts that are none."""
    for view in graph.root["connections"].entries().values():
        if view["type"].text == "monday":
            yield from bad_timezone(view["timezone"])


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return True


RULES = (sql_urls, files_folders, service_urls, monday_zones)

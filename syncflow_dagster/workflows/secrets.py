"""Secrets that stand in a workflow file itself instead of in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.workflows.problems import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.document import Document
    from syncflow_dagster.workflows.view import View

#: Keys of a Salesforce login and of a connection to Unipile whose value nobody may read in a file.
_SECRET = {
    "salesforce": ("client_secret", "token", "password", "security_token", "private_key"),
    "unipile": ("token", "webhook_secret"),
}


def check(root: View, document: Document) -> Iterator[Finding]:
    """Report secrets of Salesforce logins and of Unipile that are written out."""
    for name, connection in root["connections"].entries().items():
        kind = connection["type"].text
        if kind not in _SECRET:
            continue
        part = connection["auth"] if kind == "salesforce" else connection
        for key in _SECRET[kind]:
            view = part[key]
            written = document.written(view.loc)
            if not written or "${" in written or not _is_secret(key, written):
                continue
            variable = f"{name}_{key}".upper()
            message = "stands in the file, where everybody can read it"
            yield Finding(view.loc, message, f"put it into the environment: ${{{variable}}}")


def _is_secret(key: str, written: str) -> bool:
    """Say whether a value is the secret itself: a private key may be named by its file's path."""
    return key != "private_key" or "PRIVATE KEY" in written

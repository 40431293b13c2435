"""The org that is read: a sandbox in a process of its own, with records computed from a number."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.salesforce.columns import Column
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.workflows.models import SalesforceConnection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OBJECT = "Contact"
#: What is read of each record, and its types as `describe` tells them.
COLUMNS = (
    Column("Id", "id"),
    Column("FirstName", "string"),
    Column("LastName", "string"),
    Column("Title", "string"),
    Column("Email", "email"),
    Column("Phone", "phone"),
    Column("LinkedIn__c", "url"),
    Column("Champion_Status__c", "picklist"),
    Column("DoNotCall", "boolean"),
    Column("HasOptedOutOfEmail", "boolean"),
    Column("Score__c", "double"),
    Column("Birthdate", "date"),
    Column("SystemModstamp", "datetime"),
)
_API = "64.0"


@dataclass(frozen=True)
class Org:
    """Where the org answers.

    Attributes:
        url: Its address.
        token: A session of it.
        control: Address of the sandbox's control endpoints.
    """

    url: str
    token: str
    control: str

    @property
    def connection(self) -> SalesforceConnection:
        """It as a workflow file's connection; all its requests of the day may be used."""
        return SalesforceConnection.model_validate(
            {
                "type": "salesforce",
                "url": self.url,
                "auth": {"type": "session", "token": self.token},
                "api_version": _API,
                "org_share": 1,
                "run_share": 1,
            }
        )

    def take(self, latency_s: float) -> None:
        """Let every request take so many seconds."""
        control = ControlClient(self.control)
        control.settings("salesforce", latency_s=latency_s)
        control.close()


def query(rows: int) -> str:
    """Return the query of the first `rows` records."""
    names = ", ".join(column.name for column in COLUMNS)
    return f"SELECT {names} FROM {OBJECT} LIMIT {rows}"  # noqa: S608 - constants


@contextmanager
def running(rows: int, folder: Path) -> Iterator[Org]:
    """Start an org with `rows` records; it ends with the block.

    Args:
        rows: How many records it has.
        folder: For its seed and what it says.
    """
    seed = folder / "org.json"
    document: dict[str, Any] = {"service": "salesforce"}
    seed.write_text(json.dumps(document | {"bulk_rows": {"object": OBJECT, "rows": rows}}))
    command = [sys.executable, "-m", "syncflow_dagster.cli", "sandbox", "--json"]
    with (
        (folder / "org.log").open("wb") as log,
        subprocess.Popen(
            [*command, "--seed", str(seed)], stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            if not told:
                msg = f"the sandbox did not start: {(folder / 'org.log').read_text()[-2_000:]}"
                raise RuntimeError(msg)
            urls = json.loads(told)
            token = urls["tokens"]["salesforce"]["session"]
            yield Org(urls["salesforce"], token, urls["control"])
        finally:
            process.terminate()

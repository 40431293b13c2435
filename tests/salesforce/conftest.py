"""One sandbox for all tests of this folder, with a clock that only tests move."""

from __future__ import annotations

import time

import pytest
from scripted import connection

from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.salesforce.settings import Settings
from syncflow_dagster.sandbox.server import SandboxServer

#: Texts that other clients lose, split or take for null.
NASTY = ["NA", "null", "NaN", "#N/A", 'a,b"c"', "two\nlines", "para\u2028graph", "nul\0byte",
         "Zoë 😀", "O'Neil\\", "東京", "=1+1", "a\ttab"]  # fmt: skip
SEED = {
    "records": {
        "Account": [
            {"key": "acme", "Name": "Acme", "AnnualRevenue": 3.5e7, "NumberOfEmployees": 12},
            {"key": "zero", "Name": "Zéro", "AnnualRevenue": 3, "NumberOfEmployees": 0},
        ],
        "Individual": [{"key": "no", "LastName": "No", "HasOptedOutSolicit": True}],
        "Contact": [
            *(
                {
                    "LastName": text,
                    "AccountId": ["@acme", "@zero", None][number % 3],
                    "External_Id__c": f"N-{number}",
                    "Is_Champion__c": number % 2 == 0,
                    "Birthdate": f"19{70 + number}-02-28",
                    "Score__c": number / 4,
                    "Champion_Tags__c": "champion;moved" if number % 4 == 0 else None,
                }
                for number, text in enumerate(NASTY)
            ),
            *({"LastName": f"Plain {number:03}"} for number in range(437)),
            {"LastName": "Gone", "IsDeleted": True},
        ],
        "Lead": [{"LastName": "No", "Company": "X", "IndividualId": "@no"}],
    }
}


class Org:
    """The running sandbox: its clients, its dial, its clock."""

    def __init__(self, server, control):
        self.server, self.control = server, control
        self.url = server.urls["salesforce"]
        self.tokens = server.urls["tokens"]["salesforce"]
        self.clock = server.clock
        self.clients = []

    def client(self, auth=None, **more):
        """A client whose waits move the sandbox's clock."""
        given = connection(self.url, auth or self.app(), **more)
        made = SalesforceClient(given, wait=self.clock.advance, monotonic=self.clock.real)
        self.clients.append(made)
        return made

    def app(self):
        names = ("client_id", "client_secret")
        return {"type": "client_credentials", **{name: self.tokens[name] for name in names}}

    def fault(self, kind, **more):
        self.control.faults(service="salesforce", kind=kind, **more)

    def settings(self, **more):
        self.control.settings(service="salesforce", **more)

    def stats(self):
        return self.control.stats()["salesforce"]

    def hits(self):
        return sum(one["hits"] for one in self.control.list_faults())


@pytest.fixture(scope="session")
def _sandbox():
    # Behind this machine's time, by which assertions are signed: a test moves it up to that.
    with SandboxServer(clock=ManualClock(time.time() - 30 * 86_400)) as server:
        control = ControlClient(server.urls["control"])
        control.seed(SEED, service="salesforce")
        yield server, control
        control.close()


@pytest.fixture
def org(_sandbox):
    """The sandbox as it was seeded."""
    server, control = _sandbox
    control.reset()
    control.settings(service="salesforce", **Settings().model_dump())
    found = Org(server, control)
    yield found
    for client in found.clients:
        client.close()

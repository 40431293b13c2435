"""One sandbox for all tests of this folder, with a clock that only tests move."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from unipile_service import SEED as MEMBERS
from unipile_service import Unipile

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.salesforce.settings import Settings
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.sandbox.unipile.settings import Settings as UnipileSettings

BOARD = "9000000001"
SUB_BOARD = "9000000002"

TYPES = [
    "long_text",
    "numbers",
    "dropdown",
    "date",
    "timeline",
    "checkbox",
    "email",
    "phone",
    "link",
    "people",
    "country",
    "rating",
    "hour",
    "week",
    "board_relation",
    "dependency",
    "tags",
    "world_clock",
    "location",
    "color_picker",
    "file",
    "formula",
    "mirror",
    "auto_number",
]

SEED: dict[str, Any] = {
    "boards": [
        {
            "id": BOARD,
            "name": "Orders",
            "key_column": "record_uuid",
            "columns": [
                {"id": "record_uuid", "title": "Record", "type": "text"},
                {"id": "note", "title": "Note", "type": "text"},
                {"id": "status", "title": "Status", "type": "status", "labels": ["New", "Done"]},
                *({"id": kind, "title": kind.title(), "type": kind} for kind in TYPES),
            ],
            "groups": [{"id": "top", "title": "Top"}, {"id": "low", "title": "Low"}],
            "subitems": {
                "board_id": SUB_BOARD,
                "key_column": "record_uuid",
                "columns": [
                    {"id": "record_uuid", "title": "Record", "type": "text"},
                    {"id": "qty", "title": "Quantity", "type": "numbers"},
                ],
            },
        }
    ]
}
SEED["boards"][0]["columns"] = [
    column | ({"labels": ["A", "B"]} if column["type"] == "dropdown" else {})
    for column in SEED["boards"][0]["columns"]
]

PEOPLE: dict[str, Any] = {
    "records": {
        "Account": [
            {"key": "acme", "Name": "Acme", "External_Id__c": "A-1"},
            {"key": "globex", "Name": "Globex", "External_Id__c": "A-2", "ParentId": "@acme"},
        ],
        "Individual": [{"key": "ann", "LastName": "Lee", "HasOptedOutSolicit": True}],
        "Contact": [
            {
                "FirstName": "Ann",
                "LastName": "Lee",
                "Email": "ann.lee@acme.example",
                "AccountId": "@acme",
                "IndividualId": "@ann",
                "External_Id__c": "C-1",
                "MailingCity": "Paris",
                "Score__c": 7,
            },
            {"LastName": "Zoë", "External_Id__c": "C/2 é", "Region_Code__c": "EU"},
            {"LastName": "O'Brien", "AccountId": "@globex", "Region_Code__c": "EU"},
        ],
    }
}


class Monday:
    """A plain client of the fake monday."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def post(
        self,
        query: str,
        token: str = "sandbox-personal",
        headers: dict[str, str] | None = None,
        **variables: Any,
    ) -> requests.Response:
        sent = {"Authorization": token, "API-Version": "2026-10"} | (headers or {})
        body = {"query": query, "variables": variables}
        return self.session.post(self.url, json=body, headers=sent, timeout=20)

    def body(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = self.post(query, **variables)
        assert answer.status_code == 200, answer.text
        decoded: dict[str, Any] = answer.json()
        return decoded

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        body = self.body(query, **variables)
        assert "errors" not in body, body["errors"]
        decoded: dict[str, Any] = body["data"]
        return decoded

    def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """The only error of a document, with its extensions."""
        errors = self.body(query, **variables)["errors"]
        assert len(errors) == 1, errors
        only: dict[str, Any] = errors[0]
        return only

    def create(self, name: str = "An order", board: str = BOARD, **values: Any) -> str:
        created = self.data(
            "mutation ($b: ID!, $n: String!, $v: JSON) "
            "{create_item(board_id: $b, item_name: $n, column_values: $v) {id}}",
            b=board,
            n=name,
            v=json.dumps(values),
        )
        item_id: str = created["create_item"]["id"]
        return item_id

    def create_below(self, parent: str, name: str = "A line", **values: Any) -> str:
        created = self.data(
            "mutation ($p: ID!, $n: String!, $v: JSON) "
            "{create_subitem(parent_item_id: $p, item_name: $n, column_values: $v) {id}}",
            p=parent,
            n=name,
            v=json.dumps(values),
        )
        item_id: str = created["create_subitem"]["id"]
        return item_id

    def change(self, item: str, board: str = BOARD, **values: Any) -> dict[str, Any]:
        return self.body(
            "mutation ($b: ID!, $i: ID!, $v: JSON!) {change_multiple_column_values"
            "(board_id: $b, item_id: $i, column_values: $v) {id name}}",
            b=board,
            i=item,
            v=json.dumps(values),
        )

    def cell(self, item: str, column: str, selection: str = "text value") -> dict[str, Any]:
        found = self.data(
            f"query ($i: [ID!], $c: [String!]) "
            f"{{items(ids: $i) {{column_values(ids: $c) {{{selection}}}}}}}",
            i=[item],
            c=[column],
        )
        value: dict[str, Any] = found["items"][0]["column_values"][0]
        return value


class Salesforce:
    """A plain client of the fake Salesforce org, as the integration user."""

    def __init__(self, server: SandboxServer) -> None:
        self.url: str = server.urls["salesforce"]
        self.tokens: dict[str, str] = server.urls["tokens"]["salesforce"]
        self.session = requests.Session()

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        version: str = "60.0",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> requests.Response:
        """One request; a path that does not begin with /services is below the version."""
        whole = path if path.startswith("/services") else f"/services/data/v{version}{path}"
        sent = {"Authorization": f"Bearer {token or self.tokens['session']}"} | (headers or {})
        return self.session.request(method, self.url + whole, headers=sent, timeout=20, **more)

    def get(self, path: str, **more: Any) -> Any:
        """The JSON of an answer that is a success."""
        answer = self.send("GET", path, **more)
        assert answer.ok, answer.text
        return answer.json()

    def rows(self, query: str, path: str = "/query", **more: Any) -> list[dict[str, Any]]:
        """All rows of a query's first page."""
        found: list[dict[str, Any]] = self.get(path, params={"q": query}, **more)["records"]
        return found

    def error(self, method: str, path: str, **more: Any) -> tuple[int, str, str]:
        """Status, code and message of a refusal."""
        answer = self.send(method, path, **more)
        [only] = answer.json()
        return answer.status_code, only["errorCode"], only["message"]


@pytest.fixture(scope="session")
def _server() -> Iterator[SandboxServer]:
    with SandboxServer(clock=ManualClock()) as server:
        control = ControlClient(server.urls["control"])
        control.seed(SEED)
        control.seed(PEOPLE, service="salesforce")
        control.seed(MEMBERS, service="unipile")
        control.close()
        yield server


@pytest.fixture
def server(_server: SandboxServer, control: ControlClient) -> SandboxServer:
    return _server


@pytest.fixture
def control(_server: SandboxServer) -> Iterator[ControlClient]:
    client = ControlClient(_server.urls["control"])
    client.clock(1)
    client.reset()
    client.settings(
        latency_s=0.0,
        plans={},
        limits={},
        complexity={},
        mutation_cost=30_000,
        account_timezone="UTC",
        week_starts="monday",
        reroute_deprecated=True,
        idempotency_memory=64_000_000,
        ingest={},
        ingest_rows_per_s=100.0,
    )
    yield client
    client.close()


@pytest.fixture
def monday(server: SandboxServer) -> Monday:
    return Monday(server.urls["monday"])


@pytest.fixture
def salesforce(server: SandboxServer, control: ControlClient) -> Salesforce:
    control.settings(service="salesforce", **Settings().model_dump())
    return Salesforce(server)


@pytest.fixture
def unipile(server: SandboxServer, control: ControlClient) -> Unipile:
    control.settings(service="unipile", **UnipileSettings().model_dump())
    return Unipile(server, control)


@pytest.fixture
def clock(server: SandboxServer) -> ManualClock:
    assert isinstance(server.clock, ManualClock)
    return server.clock


@pytest.fixture
def in_flight(control: ControlClient) -> Callable[[int], None]:
    """Waits until so many documents are being worked on."""

    def wait(count: int) -> None:
        for _ in range(2_000):
            used = control.stats()["monday"]["budget_used"].values()
            if sum(one["in_flight"] for one in used) == count:
                return
            time.sleep(0.001)
        pytest.fail(f"never saw {count} requests in flight")

    return wait

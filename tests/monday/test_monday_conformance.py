"""The monday adapter against the sandbox, over real HTTP."""

import itertools
import uuid

import pytest

from syncflow_dagster.ledger.ports import Effect
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.testing.destination_conformance import DestinationConformance, Harness
from syncflow_dagster.workflows.models import MondayConnection

BOARD = {
    "id": "100",
    "name": "Conformance",
    "key_column": "record_uuid",
    "groups": [{"id": "topics", "title": "Topics"}],
    "columns": [
        {"id": "record_uuid", "title": "Record", "type": "text"},
        {"id": "amount", "title": "Amount", "type": "numbers"},
        {"id": "state", "title": "State", "type": "status", "labels": ["Open", "Done"]},
    ],
}
_numbers = itertools.count(1)


class MondayHarness(Harness):
    def __init__(self, urls):
        self.control = ControlClient(urls["control"])
        self.urls = urls

    def _adapter(self, token):
        connection = MondayConnection(
            type="monday", token=token, url=self.urls["monday"], settle_s=0, timeout_s=5
        )
        return MondayDestination(connection, batch_size=20)

    def destination(self):
        return self._adapter(self.urls["tokens"]["monday"]["personal"])

    def stranger(self):
        return self._adapter("nobody")

    def _create(self, **columns):
        record = str(uuid.uuid4())
        columns = {"record_uuid": record, **columns}
        return Effect(
            effect_id=next(_numbers),
            effect_key=f"create:{record}",
            kind="create_item",
            object_key=f"item:{record}",
            creates=True,
            payload={
                "board_id": "100",
                "name": "Zoë's order № 7 — آزمایش",
                "columns": columns,
                "shown": columns,
                "subitem": False,
                "record_uuid": record,
                "key_column": "record_uuid",
            },
            target_id=None,
            parent_id="topics",
        )

    def creates(self, count):
        return [self._create(amount="1") for _ in range(count)]

    def poison(self):
        return self._create(state={"label": "no such label"})

    def change(self, made, remote_id):
        return Effect(
            effect_id=next(_numbers),
            effect_key=f"change:{made.object_key}",
            kind="change_item",
            object_key=made.object_key,
            creates=False,
            payload={
                **made.payload,
                "columns": {"amount": "42.5", "state": {"label": "Done"}},
                "shown": {"amount": "42.5", "state": "Done"},
            },
            target_id=remote_id,
            parent_id=None,
        )

    def committed(self):
        return [one["remote_id"] for one in self.control.log() if one["op"] == "create_item"]

    def _fault(self, kind, **settings):
        self.control.faults({"service": "monday", "kind": kind, **settings})

    def lose_replies(self):
        self._fault("lost_reply", op="create_item", rate=1)

    def fail_before(self):
        self._fault("error_before", op="create_item", rate=1)

    def fail_after(self):
        self._fault("error_after", op="create_item", rate=1)

    def throttle(self):
        self._fault("throttle", op="create_item", rate=1)

    def go_down(self):
        self._fault("down")

    def recover(self):
        self.control.clear_faults()


@pytest.fixture(scope="module")
def sandbox():
    with SandboxServer() as server:
        ControlClient(server.urls["control"]).seed({"boards": [BOARD]})
        yield server.urls


@pytest.fixture
def harness(sandbox):
    control = ControlClient(sandbox["control"])
    control.reset()
    yield MondayHarness(sandbox)
    control.clear_faults()


class TestMonday(DestinationConformance):
    pass

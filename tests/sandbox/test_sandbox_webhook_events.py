"""What each event of a webhook tells, and which webhooks are told of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.log import WriteLog
from syncflow_dagster.sandbox.monday import boards, people
from syncflow_dagster.sandbox.monday.board_writes import BoardWriter
from syncflow_dagster.sandbox.monday.columns import COLUMN_TYPES
from syncflow_dagster.sandbox.monday.model import Column
from syncflow_dagster.sandbox.monday.schema import executable_schema
from syncflow_dagster.sandbox.monday.state import MondayState
from syncflow_dagster.sandbox.monday.webhook_delivery import (
    SIGNING_SECRET,
    signed_token,
)
from syncflow_dagster.sandbox.monday.webhook_events import Telling, value_told
from syncflow_dagster.sandbox.monday.webhooks import Webhook
from syncflow_dagster.sandbox.transport import stays_here


class Recorder:
    """Watches a state and keeps what it would tell."""

    def __init__(self, state):
        self.state, self.heard = state, []

    def _told(self, happenings):
        self.heard += list(happenings)

    def _telling(self):
        return Telling(self.state, self.state.clock.wall())

    def item_put(self, before, after):
        self._told(self._telling().of_item(before, after))

    def board_put(self, before, after):
        self._told(self._telling().of_board(before, after))

    def update_put(self, before, after):
        self._told(self._telling().of_update(before, after))


@pytest.fixture
def account():
    """A board with two groups and its subitem board, watched."""
    clock = ManualClock()
    state = MondayState(clock)
    status = boards.with_labels(Column("status", "Status", "status"), ["New", "Done"])
    columns = [status, Column("note", "Note", "text")]
    groups = [("top", "Top"), ("low", "Low")]
    state.put_board(boards.new_board(state, "1", "Orders", columns, groups))
    writer = BoardWriter(state, WriteLog(clock))
    recorder = Recorder(state)
    state.watcher = recorder
    return writer, recorder


def last(recorder, event):
    """The only happening of the last change that is this event."""
    (found,) = [one for one in recorder.heard if event in one.events]
    recorder.heard.clear()
    return found


def test_every_event_of_the_schema_is_told(account):
    writer, recorder = account
    told: set[str] = set()

    def did(result=None):
        told.update(*(one.events for one in recorder.heard))
        recorder.heard.clear()
        return result

    item, other = (did(writer.create_item("1", name)) for name in ("one", "two"))
    line = did(writer.create_subitem(item.id, "line"))
    below = line.board_id
    change = "change_multiple_column_values"
    did(writer.change_values(change, "1", item.id, {"status": "Done", "name": "first"}))
    did(writer.change_values(change, below, line.id, {"status": "Done", "name": "a line"}))
    did(writer.create_column("1", "New", "text"))
    did(writer.move_item_to_group("low", item.id))
    update = did(writer.create_update("hello", item.id))
    did(writer.edit_update(update.id, "hello again"))
    did(writer.delete_update(update.id))
    did(writer.create_update("below", line.id))
    did(people.hang(writer, line.id, other.id))
    did(writer.archive_item(item.id))
    did(people.stand(writer, item.id, "active"))
    did(writer.archive_item(line.id))
    did(writer.delete_item(line.id))
    did(writer.delete_item(other.id))
    assert told == set(executable_schema().type_map["WebhookEventType"].values)


def test_nothing_changed_is_nothing_told(account):
    writer, recorder = account
    item = writer.create_item("1", "one", column_values={"note": "a"})
    recorder.heard.clear()
    writer.change_values("x", "1", item.id, {"note": "a"})
    writer.move_item_to_group("top", item.id)
    with writer.state.unwatched():
        writer.change_values("x", "1", item.id, {"note": "b"})
    assert recorder.heard == []


def test_the_payload_of_a_new_item_and_of_a_new_subitem(account):
    writer, recorder = account
    item = writer.create_item("1", "one", column_values={"note": "a"})
    at = writer.state.clock.wall()
    told = last(recorder, "create_item").payload(subscription="7", trigger="abc", at=at)
    assert told == {
        "app": "monday",
        "type": "create_pulse",
        "triggerTime": "2026-10-29T12:00:00.000Z",
        "subscriptionId": 7,
        "isRetry": False,
        "userId": 1001,
        "originalTriggerUuid": None,
        "boardId": 1,
        "pulseId": int(item.id),
        "pulseName": "one",
        "groupId": "top",
        "groupName": "Top",
        "groupColor": "#579bfc",
        "isTopGroup": True,
        "columnValues": {"note": {"value": "a"}},
        "triggerUuid": "abc",
    }
    line = writer.create_subitem(item.id, "line")
    # The column that shows the subitems of the item above is told as changed, too.
    (above,) = [one for one in recorder.heard if "change_column_value" in one.events]
    assert above.members["columnType"] == "subtasks"
    assert above.members["value"]["linkedPulseIds"] == [{"linkedPulseId": int(line.id)}]
    below = last(recorder, "create_subitem")
    # Heard at the board of the items above, about the board of the subitems.
    assert below.board_id == "1"
    assert below.members["boardId"] == int(line.board_id)
    assert (below.members["parentItemId"], below.members["parentItemBoardId"]) == (item.id, "1")
    assert below.members["itemId"] == below.members["pulseId"] == int(line.id)


def test_the_payload_of_a_changed_value_a_move_and_an_end(account):
    writer, recorder = account
    item = writer.create_item("1", "one")
    recorder.heard.clear()
    writer.change_values("x", "1", item.id, {"status": "Done"})
    changed = last(recorder, "change_status_column_value")
    assert changed.events == {
        "change_column_value",
        "change_specific_column_value",
        "change_status_column_value",
    }
    members = changed.members
    assert (members["columnId"], members["columnType"]) == ("status", "color")
    assert members["previousValue"] is None
    assert members["value"]["label"]["text"] == "Done"
    assert members["value"]["label"]["index"] == changed.label_id == 1
    writer.move_item_to_group("low", item.id)
    moved = last(recorder, "item_moved_to_any_group")
    assert (moved.members["sourceGroupId"], moved.members["destGroupId"]) == ("top", "low")
    assert moved.members["destGroup"]["is_top_group"] is False
    writer.archive_item(item.id)
    ended = last(recorder, "item_archived")
    assert (ended.type, ended.members["itemName"]) == ("archive_pulse", "one")
    assert "parentItemId" not in ended.members
    people.stand(writer, item.id, "active")
    assert last(recorder, "item_restored").members["previousValue"] == {"state": 2}


def test_values_are_told_in_their_own_form():
    at = ManualClock().wall()
    labelled = boards.with_labels(Column("c", "C", "dropdown"), ["A", "B"])
    changed_at = {"changed_at": "2026-10-29T12:00:00.000Z"}
    for column, value, told in (
        (labelled, (2,), {"chosenValues": [{"id": 2, "name": "B"}]}),
        (Column("c", "C", "numbers"), "4.5", {"value": 4.5, "unit": None}),
        (Column("c", "C", "long_text"), "a", {"text": "a"} | changed_at),
        (
            Column("c", "C", "people"),
            (("person", "1001"),),
            {"personsAndTeams": [{"id": 1001, "kind": "person"}]} | changed_at,
        ),
        (
            Column("c", "C", "board_relation"),
            ("5",),
            {"linkedPulseIds": [{"linkedPulseId": 5}]} | changed_at,
        ),
        (Column("c", "C", "checkbox"), True, {"checked": True} | changed_at),
    ):
        assert value_told(column, value, at) == told
    for kind in COLUMN_TYPES:
        assert value_told(Column("c", "C", kind), None, at) in (None, {})


@pytest.mark.parametrize(
    ("event", "settings", "heard"),
    [
        ("change_column_value", None, True),
        ("change_name", None, False),
        ("change_specific_column_value", {"columnId": "status"}, True),
        ("change_specific_column_value", {"columnId": "note"}, False),
        (
            "change_status_column_value",
            {"columnId": "status", "columnValue": {"$any$": True}},
            True,
        ),
        ("change_status_column_value", {"columnId": "status", "columnValue": {"index": 1}}, True),
        ("change_status_column_value", {"columnId": "status", "columnValue": {"index": 0}}, False),
        ("change_status_column_value", {"columnId": "s2", "columnValue": {"$any$": True}}, False),
    ],
)
def test_a_webhook_waits_for_what_its_config_says(account, event, settings, heard):
    writer, recorder = account
    item = writer.create_item("1", "one")
    recorder.heard.clear()
    writer.change_values("x", "1", item.id, {"status": "Done"})
    webhook = Webhook("9", "1", event, "http://127.0.0.1/", settings, "t", signed=False)
    assert any(webhook.waits_for(one) for one in recorder.heard) is heard
    elsewhere = Webhook("9", "2", event, "http://127.0.0.1/", settings, "t", signed=False)
    assert not any(elsewhere.waits_for(one) for one in recorder.heard)


def test_only_receivers_on_this_machine_are_asked():
    for url in ("http://127.0.0.1:1/x", "https://[::1]/", "http://localhost:8080"):
        assert stays_here(url)
    for url in ("http://example.com/", "ftp://127.0.0.1/", "http://10.0.0.1/", "http://[bad", "x"):
        assert not stays_here(url)


def test_the_token_of_a_delivery_can_be_checked():
    head, claims, signature = signed_token("http://127.0.0.1/x", 1_000.5).split(".")

    def decoded(part):
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    wanted = hmac.new(SIGNING_SECRET.encode(), f"{head}.{claims}".encode(), hashlib.sha256)
    assert decoded(signature) == wanted.digest()
    assert json.loads(decoded(head)) == {"alg": "HS256", "typ": "JWT"}
    told = json.loads(decoded(claims))
    assert (told["aud"], told["iat"], told["exp"]) == ("http://127.0.0.1/x", 1_000, 1_300)

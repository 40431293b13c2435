"""Webhooks: registering them, and how their events are brought to a receiver."""

from __future__ import annotations

import http.server
import json
import queue
import threading
import time

import pytest

from syncflow_dagster.sandbox.monday.webhook_delivery import RETRIES

BOARD = "9000000001"
REGISTER = (
    "mutation ($b: ID!, $u: String!, $e: WebhookEventType!, $c: JSON) "
    "{create_webhook(board_id: $b, url: $u, event: $e, config: $c) {id board_id event config}}"
)


class Receiver:
    """Takes deliveries; the tests decide what it answers.

    `/mute` does not echo, `/asks` asks the sandbox itself before it echoes.
    """

    def __init__(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps(receiver.heard(self.path, body, dict(self.headers)))
                self.send_response(200 if "challenge" in body else receiver.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_):
                pass

        self.status, self.events, self.challenges, self.ask = 200, queue.Queue(), [], None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def heard(self, path, body, headers):
        if "challenge" not in body:
            self.events.put((body["event"], headers, path))
            return {}
        self.challenges.append((path, headers))
        if path == "/asks":
            self.ask()
        return {} if path == "/mute" else body

    def event(self):
        return self.events.get(timeout=10)[0]


@pytest.fixture(scope="module")
def _receiver():
    receiver = Receiver()
    serve = receiver.server.serve_forever
    threading.Thread(target=serve, args=(0.01,), daemon=True).start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def receiver(_receiver):
    _receiver.status = 200
    _receiver.events = queue.Queue()
    _receiver.challenges.clear()
    return _receiver


def register(monday, url, event="create_item", token="sandbox-personal", board=BOARD, config=None):
    body = monday.post(REGISTER, token, b=board, u=url, e=event, c=json.dumps(config)).json()
    return body["data"]["create_webhook"] if not body.get("errors") else body["errors"][0]


def counts(control, **wanted):
    """The counts of deliveries, once they are as wanted."""
    for _ in range(2_000):
        stats = control.stats()["monday"]["webhooks"]
        if all(stats[name] == number for name, number in wanted.items()):
            return stats
        time.sleep(0.001)
    pytest.fail(f"{stats} never were {wanted}")


def test_registering_delivering_and_deleting(monday, control, receiver):
    receiver.ask = lambda: monday.post("{version {value}}")
    ours = register(monday, receiver.url + "/asks", token="sandbox-app")
    config = {"columnId": "status", "columnValue": {"$any$": True}}
    theirs = register(monday, receiver.url, "change_status_column_value", config=config)
    assert (ours["board_id"], ours["event"], ours["config"]) == (BOARD, "create_item", None)
    assert json.loads(theirs["config"]) == config
    assert [path for path, _ in receiver.challenges] == ["/asks", "/"]
    query = "query ($b: ID!, $o: Boolean) {webhooks(board_id: $b, app_webhooks_only: $o) {id}}"
    for token, own, ids in (
        ("sandbox-app", False, [ours["id"], theirs["id"]]),
        ("sandbox-app", True, [ours["id"]]),
        ("sandbox-personal", True, []),
    ):
        found = monday.post(query, token, b=BOARD, o=own).json()["data"]["webhooks"]
        assert [one["id"] for one in found] == ids
    item = monday.create("one")
    event, headers, path = receiver.events.get(timeout=10)
    assert (event["type"], event["pulseId"], path) == ("create_pulse", int(item), "/asks")
    assert event["subscriptionId"] == int(ours["id"])
    assert headers["Authorization"].count(".") == 2
    monday.change(item, status="Done")
    event, headers, _ = receiver.events.get(timeout=10)
    assert (event["columnId"], event["value"]["label"]["text"]) == ("status", "Done")
    assert "Authorization" not in headers
    stats = counts(control, delivered=2, waiting=0)
    assert (stats["registered"], stats["failed"]) == (2, 0)
    assert stats["by_webhook"][ours["id"]]["delivered"] == 1
    delete = "mutation ($i: ID!) {delete_webhook(id: $i) {id event}}"
    assert monday.data(delete, i=ours["id"])["delete_webhook"]["event"] == "create_item"
    assert monday.error(delete, i=ours["id"])["extensions"]["code"] == "ResourceNotFoundException"
    monday.change(monday.create("two"), status="New")
    assert receiver.event()["columnId"] == "status"
    assert receiver.events.empty()
    log = [(one["op"], one["remote_id"]) for one in control.log() if "webhook" in one["op"]]
    assert log[0] == ("create_webhook", ours["id"])
    assert log[-1] == ("delete_webhook", ours["id"])


def test_what_cannot_be_registered(monday, control, receiver):
    config = "InvalidWebhookConfigException"
    status = "change_status_column_value"
    long = receiver.url + "/" + "x" * (256 - len(receiver.url) - 1)
    for given, code in (
        ({"url": receiver.url + "/mute"}, "InvalidArgumentException"),
        ({"url": "http://203.0.113.9/"}, "InvalidArgumentException"),
        ({"url": "http://127.0.0.1:9/"}, "InvalidArgumentException"),
        ({"url": long}, "InvalidArgumentException"),
        ({"url": receiver.url, "board": "1"}, "InvalidBoardIdException"),
        ({"url": receiver.url, "board": "9000000002"}, "InvalidArgumentException"),
        ({"url": receiver.url, "event": status, "config": {"columnId": "status"}}, config),
        (
            {"url": receiver.url, "event": status, "config": {"columnValue": {"$any$": True}}},
            config,
        ),
        ({"url": receiver.url, "event": "change_specific_column_value"}, config),
        ({"url": receiver.url, "event": "item_moved_to_specific_group", "config": {}}, config),
    ):
        refused = register(monday, **given)["extensions"]
        assert (refused["code"], refused["status_code"]) == (code, 200), given
    # Nobody was asked on account of a webhook that is refused anyway.
    assert [path for path, _ in receiver.challenges] == ["/mute"]
    assert register(monday, long[:-1])["id"]
    control.settings(view_only=["trial"])
    refused = register(monday, receiver.url, token="sandbox-trial")["extensions"]
    assert refused["code"] == "UserUnauthorizedException"
    control.settings(view_only=[])
    assert counts(control, registered=1)["delivered"] == 0


def test_a_failed_delivery_is_repeated_each_minute_for_half_an_hour(
    monday, control, clock, receiver
):
    register(monday, receiver.url)
    receiver.status = 500
    monday.create("one")
    first = receiver.event()
    assert first["isRetry"] is False
    clock.advance(59)
    counts(control, failed=1)
    assert receiver.events.empty()
    for number in range(RETRIES):
        clock.advance(60)
        counts(control, failed=number + 2)
        again = receiver.event()
        assert again == first | {"isRetry": True}
    stats = counts(control, given_up=1, waiting=0)
    assert (stats["failed"], stats["delivered"]) == (RETRIES + 1, 0)
    clock.advance(120)
    receiver.status = 200
    monday.create("two")
    assert receiver.event()["pulseName"] == "two"


def test_the_dial_loses_answers_holds_back_and_drops(monday, control, clock, receiver):
    register(monday, receiver.url, "change_name")
    item = monday.create("one")
    control.faults(kind="lost_reply", op="webhook", times=1)
    monday.change(item, name="a")
    first = receiver.event()
    counts(control, delivered=1, failed=1, waiting=1)
    control.faults(kind="late_apply", op="webhook", after_s=30, times=1)
    monday.change(item, name="b")
    counts(control, waiting=2)
    monday.change(item, name="c")
    assert receiver.event()["value"] == {"name": "c"}
    control.faults(kind="error_before", op="webhook", times=1)
    monday.change(item, name="d")
    counts(control, failed=2)
    clock.advance(30)
    control.stats()
    # Out of order: it happened before what has already come.
    assert receiver.event()["value"] == {"name": "b"}
    clock.advance(30)
    control.stats()
    # Delivered twice: a receiver tells it by the trigger.
    assert receiver.event() == first | {"isRetry": True}
    clock.advance(30)
    control.stats()
    assert receiver.event()["value"] == {"name": "d"}
    assert counts(control, waiting=0)["delivered"] == 5
    control.faults(kind="slow", op="webhook", delay_s=5, times=1)
    monday.change(item, name="slow")
    while control.list_faults()[-1]["hits"] == 0:
        time.sleep(0.001)
    assert receiver.events.empty()
    clock.advance(5)
    assert receiver.event()["value"] == {"name": "slow"}
    # A fault that names no operation does not touch deliveries, nor one of a webhook requests.
    control.faults(kind="error_before", op="webhook")
    assert monday.change(item, name="e")["data"]


def test_reset_forgets_webhooks_and_what_they_were_still_to_get(monday, control, clock, receiver):
    register(monday, receiver.url)
    receiver.status = 500
    monday.create("one")
    receiver.event()
    counts(control, failed=1)
    control.reset()
    clock.advance(120)
    assert control.stats()["monday"]["webhooks"]["registered"] == 0
    monday.create("two")
    assert receiver.events.empty()


def test_people_restore_items_and_move_subitems(monday, control, receiver):
    register(monday, receiver.url, "item_restored")
    register(monday, receiver.url, "move_subitem")
    one, two = monday.create("one"), monday.create("two")
    line = monday.create_below(one)
    control.settings(parents={line: two}, items={one: "archived"})
    control.settings(items={one: "active"})
    told = {event["type"]: event for event in (receiver.event(), receiver.event())}
    assert told["move_subitem"]["destPulseId"] == int(two)
    assert told["restore_pulse"]["itemId"] == int(one)
    shown = "query ($i: [ID!]) {items(ids: $i) {state subitems {id}}}"
    assert monday.data(shown, i=[one, two])["items"] == [
        {"state": "active", "subitems": []},
        {"state": "active", "subitems": [{"id": line}]},
    ]
    control.settings(items={}, parents={})


def test_bulk_items_are_told_unless_they_are_a_backfill(monday, control, clock, receiver):
    register(monday, receiver.url)
    for lane in ("backfill_items", "ingest_items"):
        start = f'mutation {{{lane}(board_id: {BOARD}, group_id: "top") {{upload_url}}}}'
        url = monday.data(start)[lane]["upload_url"]
        headers = {"Content-Type": "text/csv"}
        body = f"name\n{lane}\n".encode()
        assert monday.session.put(url, data=body, headers=headers, timeout=10).status_code == 200
        clock.advance(1)
        control.stats()
    assert receiver.event()["pulseName"] == "ingest_items"
    assert [one["key"] for one in control.log()[1:]] == ["backfill_items", "ingest_items"]

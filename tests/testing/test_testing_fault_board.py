"""The small world of the fault matrix: its judge sees what is wrong, its wire tears."""

from __future__ import annotations

import ast
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

import syncflow_dagster
from syncflow_dagster.testing.faults import invariants
from syncflow_dagster.testing.faults.board_book import today, yesterday
from syncflow_dagster.testing.faults.board_cases import MUTATIONS, board_cases
from syncflow_dagster.testing.faults.board_run import board_faults
from syncflow_dagster.testing.faults.disturbance import Disturbance
from syncflow_dagster.testing.faults.invariants import Calm, Scene
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.faults.wire import Wire
from syncflow_dagster.testing.judge import Shown, judge, picture

PACKAGE = Path(syncflow_dagster.__file__).parent


def test_a_fault_of_the_small_world_is_broken_and_judged(postgres_server):
    (result,) = board_faults(lambda name: name == "poison record, 1 of 1", server=postgres_server)
    assert result.trouble == ""
    assert result.passed
    assert result.number == "F14"


def test_every_kind_of_mutation_loses_a_reply_and_a_day_needs_all_of_them():
    names = {case.name for case in board_cases()}
    assert {f"reply lost after {op}" for op in MUTATIONS} <= names
    before, after = ({one["number"]: one for one in day().orders} for day in (yesterday, today))
    kept = [(before[n], after[n]) for n in before.keys() & after.keys()]
    for field in ("buyer", "title", "status"):
        assert any(old[field] != new[field] for old, new in kept)
    assert before.keys() - after.keys()
    assert {one["buyer"] for one in after.values()} - {one["buyer"] for one in before.values()}


def test_no_other_clock_than_the_database_s_is_read_where_leases_are_kept():
    rooms = ["ledger", "nodes/monday", "core"]
    for path in (path for room in rooms for path in (PACKAGE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                assert called not in {"time.time", "datetime.now", "datetime.utcnow", "date.today"}


# --- the judge --------------------------------------------------------------------------------


def item(key, name="n", parent=None, state="active", **values):
    found = {"id": key, "key": key, "name": name, "state": state, "group_id": "g"}
    return found | {"parent_item_id": parent, "values": values}


def board(*items):
    return {"boards": [{"groups": [{"id": "g", "title": "ACME"}], "items": list(items)}]}


def held(monkeypatch, state, calm, *, explained=(), stranded=0, allowed=0, log=(), **stats):
    monkeypatch.setattr(invariants, "_explained", lambda _: dict.fromkeys(explained, "DEAD"))
    monkeypatch.setattr(invariants, "_stranded", lambda _: stranded)
    monkeypatch.setattr(invariants, "_lookups_allowed", lambda _: allowed)
    monkeypatch.setattr(invariants, "_count", lambda *_: 0)
    counts = {"throttled": 0, "throttled_by_limit": {}, "documents": {}, **stats}
    control = SimpleNamespace(
        log=lambda: list(log), state=lambda: state, stats=lambda: {"monday": counts}
    )
    result = FaultResult("spoilt", "F1")
    scene = Scene(control, None, None, wiped=("hidden",))
    undisturbed = Calm(picture(calm), {"documents": {"items": 1}, "requests": 0}, 0.0)
    invariants.hold(result, scene, undisturbed)
    return result


RIGHT = board(item("a", amount="1", hidden="x"), item("b", parent="a"), item("c"))


def test_a_board_as_it_should_be_has_nothing_to_tell(monkeypatch):
    found = board(item("a", amount="1"), item("b", parent="a"), item("d", state="archived"))
    result = held(
        monkeypatch, found, RIGHT, explained=["c"], documents={"boards": 9, "items": 3}, allowed=2
    )
    assert result == FaultResult("spoilt", "F1")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (board(item("a", amount="2"), item("b", parent="a"), item("c")), "I6: 1 records are not"),
        (board(item("a", amount="1"), item("b"), item("c")), "I6: 1 records are not"),
        (board(*RIGHT["boards"][0]["items"], item("z")), "I6: 1 records are on the board"),
    ],
)
def test_a_value_a_place_or_a_record_that_is_wrong_is_seen(monkeypatch, found, told):
    result = held(monkeypatch, found, RIGHT)
    assert told in result.trouble
    assert not result.passed


def test_what_is_missing_and_not_explained_is_lost(monkeypatch):
    result = held(monkeypatch, board(item("a", amount="1")), RIGHT, explained=["c"])
    assert (result.lost, result.broken) == (1, [])


def test_orphans_limits_strays_and_look_ups_are_seen(monkeypatch):
    child = {"op": "create_subitem", "key": "b", "remote_id": "2"}
    log = [{**child, "payload": {"parent_item_id": "1", "group_id": "g"}}]
    limits = {
        "throttled": 4,
        "throttled_by_limit": {"minute": 4},
        "documents": {"complexity items items_page_by_column_values": 4},
    }
    result = held(monkeypatch, RIGHT, RIGHT, stranded=2, allowed=2, log=log, **limits)
    assert [one[:2] for one in result.broken] == ["I3", "I5", "I7", "3 "]


def test_a_child_below_an_item_that_is_there_is_no_orphan():
    made = {"op": "create_item", "key": "a", "remote_id": "1", "payload": {"group_id": "g"}}
    child = {"op": "create_subitem", "key": "b", "remote_id": "2"}
    child["payload"] = {"parent_item_id": "1", "group_id": "g"}
    gone = {"op": "archive_item", "key": "a", "remote_id": "1", "payload": {"changed": True}}
    assert judge([made, child], {}).orphans == 0
    assert judge([child], {}, known=["1"]).orphans == 0
    assert judge([made, gone, child], {}).orphans == 1
    assert picture(board(item("b", parent="a"), item("a"))) == {
        "b": Shown("n", "ACME", "a", {}),
        "a": Shown("n", "ACME", None, {}),
    }


# --- what disturbs ----------------------------------------------------------------------------


def test_a_disturbance_comes_after_so_many_writes_or_is_missed():
    log, done = [1, 2], threading.Event()
    control = SimpleNamespace(log=lambda: log)
    with Disturbance(control, 2, done.set) as late:
        log.append(3)
    assert late.missed() == "the work was over before the disturbance"
    with Disturbance(control, 1, done.set) as disturbance:
        log.append(4)
        assert done.wait(5)
    assert disturbance.missed() is None
    assert disturbance.has_happened()
    with Disturbance(control, None, done.set) as never:
        pass
    assert (never.missed(), never.at) == (None, None)


@pytest.fixture
def service():
    """A service that counts what it gets."""
    got, listener = [], socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(client,), daemon=True).start()

    def answer(client):
        with client:
            while request := client.recv(65_536):
                got.append(request)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v2", got
    listener.close()


@pytest.mark.parametrize(("trouble", "arrived"), [("reset_before", 1), ("reset_after", 2)])
def test_a_torn_wire_lets_a_mutation_arrive_or_not(service, trouble, arrived):
    url, got = service
    with Wire(url, trouble, nth=1, times=1) as wire:
        assert requests.post(wire.url, json={"query": "query { me }"}, timeout=5).ok
        with pytest.raises(requests.ConnectionError):
            requests.post(wire.url, json={"query": "mutation { m }"}, timeout=5)
        assert len(got) == arrived
        assert requests.post(wire.url, json={"query": "mutation { m }"}, timeout=5).ok
        assert wire.hits == 1


def test_a_slow_wire_gives_the_answer_byte_by_byte(service):
    with Wire(service[0], "drip", nth=1, every_s=0.0) as wire:
        assert requests.post(wire.url, json={"query": "mutation { m }"}, timeout=5).text == "{}"
    with (
        Wire(service[0], "drip", nth=1, every_s=60.0) as wire,
        pytest.raises(requests.RequestException),
    ):
        requests.post(wire.url, json={"query": "mutation { m }"}, timeout=0.1)

"""The fault dial: each kind as a client meets it, and what the log says about it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from syncflow_dagster.sandbox.control import ControlError
from syncflow_dagster.sandbox.faults import FaultDial, FaultError, parse_fault

CREATE = 'mutation {create_item(board_id: 9000000001, item_name: "x") {id}}'
NAMES = "{boards(ids: 9000000001) {items_page {items {name}}}}"


def written(control):
    return [entry["op"] for entry in control.log()]


def names(monday):
    found = monday.data(NAMES)["boards"][0]["items_page"]["items"]
    return [item["name"] for item in found]


def test_lost_reply_is_applied_and_leaves_no_answer(monday, control):
    control.faults(kind="lost_reply", op="create_item", times=1)
    with pytest.raises(requests.ConnectionError):
        monday.post(CREATE)
    assert written(control) == ["create_item"]
    assert names(monday) == ["x"]
    assert monday.post(CREATE).status_code == 200


def test_lost_reply_in_the_middle_of_the_body(monday, control):
    control.faults(kind="lost_reply", mid_body=True, times=1)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        monday.post(CREATE)
    assert written(control) == ["create_item"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "INTERNAL_SERVER_ERROR"),
        (503, "TIMEOUT_EXCEEDED"),
        (401, "NOT_AUTHENTICATED"),
        (403, "UserUnauthorizedException"),
        (423, "RESOURCE_LOCKED"),
    ],
)
def test_error_before_applies_nothing(monday, control, status, code):
    control.faults(kind="error_before", status=status)
    answer = monday.post(CREATE)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert written(control) == []


@pytest.mark.parametrize("status", [500, 502, 504])
def test_error_after_is_applied(monday, control, status):
    control.faults(kind="error_after", status=status)
    answer = monday.post(CREATE)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith(
        "application/json" if status == 500 else "text/html"
    )
    assert written(control) == ["create_item"]


def test_html_error_and_locked_apply_nothing(monday, control):
    control.faults(kind="html_error", times=1)
    answer = monday.post(CREATE)
    assert (answer.status_code, answer.text[:6]) == (502, "<html>")
    control.faults(kind="locked", times=1)
    answer = monday.post(CREATE)
    assert answer.status_code == 423
    message = "Resource is currently locked, please try again later"
    assert answer.json()["errors"][0]["message"] == message
    assert written(control) == []


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("complexity", "COMPLEXITY_BUDGET_EXHAUSTED"),
        ("minute", "MINUTE_RATE_LIMIT_EXCEEDED"),
        ("concurrency", "MAX_CONCURRENCY_EXCEEDED"),
        ("daily", "DAILY_LIMIT_EXCEEDED"),
        ("ip", "IP_RATE_LIMIT_EXCEEDED"),
    ],
)
def test_throttle(monday, control, limit, code):
    control.faults(kind="throttle", limit=limit, retry_in_s=7, times=1)
    control.faults(kind="throttle", limit=limit, retry_in_s=7, retry_after=False)
    first, second = monday.post(CREATE), monday.post(CREATE)
    for answer in (first, second):
        assert answer.status_code == 429
        extensions = answer.json()["errors"][0]["extensions"]
        assert extensions == {"code": code, "retry_in_seconds": 7}
    assert first.headers["Retry-After"] == "7"
    assert "Retry-After" not in second.headers
    stats = control.stats()["monday"]
    assert (stats["throttled"], stats["throttled_injected"]) == (0, 2)
    assert written(control) == []


def test_throttle_of_a_field_and_of_a_subgraph(monday, control):
    parent = monday.create("P")
    control.faults(kind="throttle", limit="field", retry_in_s=15, times=1)
    body = monday.body("query ($i: [ID!]) {items(ids: $i) {id subitems {id}}}", i=[parent])
    assert body["data"]["items"] == [{"id": parent, "subitems": None}]
    error = body["errors"][0]
    assert error["path"] == ["items", 0, "subitems"]
    assert error["message"] == "Concurrency limit exceeded for the field"
    assert error["extensions"] == {
        "code": "FIELD_LIMIT_EXCEEDED",
        "status_code": 429,
        "error_data": {"entity": "subitems"},
        "retry_in_seconds": 15,
    }
    control.faults(kind="throttle", limit="subgraph", op="create_item", times=1)
    refused = monday.error(CREATE)["extensions"]
    assert refused == {"code": "tooManyRequests", "status_code": 400, "service": "data-structure"}
    assert written(control) == ["create_item"]


def test_late_apply(monday, control, clock):
    control.faults(kind="late_apply", after_s=5, times=1)
    control.faults(kind="late_apply", after_s=60, reply="timeout", times=1)
    with pytest.raises(requests.ConnectionError):
        monday.post(CREATE)
    answer = monday.post(CREATE)
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "TIMEOUT_EXCEEDED"
    clock.advance(4.9)
    assert written(control) == []
    clock.advance(0.2)
    assert written(control) == ["create_item"]
    clock.advance(60)
    assert names(monday) == ["x", "x"]


def test_reset_forgets_what_was_to_be_applied_late(monday, control, clock):
    control.faults(kind="late_apply", after_s=5, reply="timeout")
    monday.post(CREATE)
    control.reset()
    clock.advance(10)
    assert written(control) == []


def test_slow_holds_the_request_and_counts_as_in_flight(monday, control, clock, in_flight):
    control.settings(limits={"concurrency": 1})
    control.faults(kind="slow", delay_s=30, op="create_item", times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(monday.post, CREATE)
        in_flight(1)
        refused = monday.post("{version {value}}")
        assert written(control) == []
        clock.advance(30)
        assert slow.result().status_code == 200
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "15"
    error = refused.json()["errors"][0]
    assert error["message"] == "Too many concurrent requests"
    assert error["extensions"] == {"code": "MAX_CONCURRENCY_EXCEEDED", "retry_in_seconds": 15}
    assert '"concurrency";r=0;t=15' in refused.headers["RateLimit"]
    assert written(control) == ["create_item"]


def test_latency_setting(monday, control, clock, in_flight):
    control.settings(latency_s=2.0)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(monday.post, CREATE)
        in_flight(1)
        clock.advance(2)
        assert slow.result().status_code == 200


def test_partial_fails_one_alias_and_applies_the_others(monday, control):
    control.faults(kind="partial", op="create_item", times=1, seed=3)
    fields = " ".join(
        f'a{n}: create_item(board_id: 9000000001, item_name: "n{n}") {{id}}' for n in range(5)
    )
    body = monday.body(f"mutation {{complexity {{query}} {fields}}}")
    failed = [alias for alias, value in body["data"].items() if value is None]
    assert len(failed) == 1
    (error,) = body["errors"]
    assert error["path"] == failed
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "status_code": 500}
    expected = [f"n{n}" for n in range(5) if f"a{n}" != failed[0]]
    assert [entry["key"] for entry in control.log()] == expected


def test_stale_reads_lag_but_answers_to_writes_do_not(monday, control, clock):
    clock.advance(20)
    item = monday.create("old")
    clock.advance(20)
    control.faults(kind="stale_reads", lag_s=10)
    monday.change(item, name="new", note="hello")
    fresh = monday.create("young")
    assert fresh
    assert names(monday) == ["old"]
    found = monday.data("query ($i: [ID!]) {items(ids: $i) {name}}", i=[item, fresh])
    assert found["items"] == [{"name": "old"}]
    assert monday.cell(item, "note")["text"] == ""
    counts = "{boards(ids: 9000000001) {items_count}}"
    assert monday.data(counts)["boards"] == [{"items_count": 1}]
    clock.advance(10)
    assert names(monday) == ["new", "young"]


def test_down_refuses_connections_until_cleared(monday, control):
    assert monday.post(CREATE).status_code == 200
    control.faults(kind="down")
    for _ in range(2):
        monday.session.close()  # a kept connection would be reset instead of refused
        with pytest.raises(requests.ConnectionError, match="refused"):
            monday.post(CREATE)
    control.clear_faults()
    assert monday.post(CREATE).status_code == 200
    assert written(control) == ["create_item"] * 2


def test_down_for_some_seconds(monday, control, clock):
    control.faults(kind="down", for_s=30)
    with pytest.raises(requests.ConnectionError):
        monday.post(CREATE)
    clock.advance(29)
    control.stats()
    with pytest.raises(requests.ConnectionError):
        monday.post(CREATE)
    clock.advance(1)
    assert control.list_faults() == []
    assert monday.post(CREATE).status_code == 200


def test_two_times_down_is_down_until_both_are_over(monday, control, clock):
    control.faults(kind="down", for_s=10)
    control.faults(kind="down")
    clock.advance(11)
    assert len(control.list_faults()) == 1
    with pytest.raises(requests.ConnectionError):
        monday.post(CREATE)
    control.reset()
    assert monday.post(CREATE).status_code == 200


def test_op_restricts_to_a_root_field_or_a_kind(monday, control):
    control.faults(kind="error_before", op="create_group")
    control.faults(kind="error_before", op="query", status=503)
    assert monday.post(CREATE).status_code == 200
    assert monday.post("{version {value}}").status_code == 503
    mixed = 'mutation {g: create_group(board_id: 9000000001, group_name: "g") {id}}'
    assert monday.post(mixed).status_code == 500
    counts = [(f["seen"], f["hits"]) for f in control.list_faults()]
    assert counts == [(1, 1), (1, 1)]


def test_nth_and_times(monday, control):
    control.faults(kind="error_before", nth=3)
    statuses = [monday.post("{version {value}}").status_code for _ in range(7)]
    assert statuses == [200, 200, 500, 200, 200, 500, 200]
    control.clear_faults()
    control.faults(kind="error_before", nth=2, times=1)
    statuses = [monday.post("{version {value}}").status_code for _ in range(5)]
    assert statuses == [200, 500, 200, 200, 200]


def drawn(rate, seed, count=1_000):
    dial = FaultDial()
    body = {"service": "monday", "kind": "lost_reply", "rate": rate, "seed": seed}
    dial.add(parse_fault(body, ["monday"]))
    return [bool(dial.draw("monday", "mutation", ["create_item"])) for _ in range(count)]


def test_rates_repeat_by_seed():
    assert drawn(0.02, 1) == drawn(0.02, 1)
    assert drawn(0.02, 1) != drawn(0.02, 2)
    assert 5 <= sum(drawn(0.02, 1)) <= 40
    assert all(drawn(1.0, 1))


def test_one_fault_ends_a_request_and_others_may_shade_it():
    dial = FaultDial()
    for body in (
        {"kind": "slow", "delay_s": 1.0},
        {"kind": "locked"},
        {"kind": "lost_reply"},
        {"kind": "partial"},
    ):
        dial.add(parse_fault({"service": "monday"} | body, ["monday"]))
    kinds = [f.spec.kind for f in dial.draw("monday", "mutation", ["create_item"])]
    assert kinds == ["slow", "locked", "partial"]
    assert [f["hits"] for f in dial.describe()] == [1, 1, 0, 1]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([], "a fault is a JSON object"),
        ({"service": "monday", "kind": "explode"}, "kind: "),
        ({"service": "nowhere", "kind": "locked"}, "'nowhere' is not running here"),
        ({"kind": "locked"}, "service: "),
        ({"service": "monday", "kind": "slow"}, "'slow' needs 'delay_s'"),
        ({"service": "monday", "kind": "late_apply"}, "'late_apply' needs 'after_s'"),
        ({"service": "monday", "kind": "stale_reads"}, "'stale_reads' needs 'lag_s'"),
        ({"service": "monday", "kind": "locked", "rate": 2}, "rate: "),
        ({"service": "monday", "kind": "locked", "rate": 0.5, "nth": 2}, "not both"),
        ({"service": "monday", "kind": "locked", "status": 500}, "does not belong to 'locked'"),
        ({"service": "monday", "kind": "error_before", "status": 200}, "status: "),
        ({"service": "monday", "kind": "down", "op": "create_item"}, "concerns connections"),
        ({"service": "monday", "kind": "locked", "colour": 1}, "colour: "),
    ],
)
def test_wrong_faults_say_what_is_wrong(body, text):
    with pytest.raises(FaultError) as refused:
        parse_fault(body, ["monday"])
    assert text in str(refused.value)


def test_wrong_faults_are_a_400_over_http(control):
    with pytest.raises(ControlError, match=r"400.*'slow' needs 'delay_s'"):
        control.faults({"kind": "slow"})
    assert control.list_faults() == []

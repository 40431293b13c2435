"""Idempotency keys: replay, conflict, what is not kept, and their meeting with faults."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

CREATE = 'mutation {create_item(board_id: 9000000001, item_name: "x") {id}}'


def post(monday, key="k-1", query=CREATE, token="sandbox-personal"):
    return monday.post(query, token=token, headers={"Idempotency-Key": key})


def test_replay_answers_the_same_and_commits_nothing(monday, control):
    first, again, other = post(monday), post(monday), post(monday, "k-2")
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert "RateLimit" in again.headers
    assert other.json()["data"] != first.json()["data"]
    assert len(control.log()) == 2
    assert control.stats()["monday"]["replays"] == 1


def test_replay_costs_a_request_but_no_complexity(monday, control):
    post(monday)
    before = control.stats()["monday"]["budget_used"]["sandbox-personal"]
    post(monday)
    after = control.stats()["monday"]["budget_used"]["sandbox-personal"]
    assert after["complexity"] == before["complexity"]
    assert after["requests"] == before["requests"] + 1


def test_a_batch_with_failures_is_replayed_whole(monday, control):
    batch = (
        'mutation {a: create_item(board_id: 9000000001, item_name: "x") {id} '
        'b: create_item(board_id: 1, item_name: "x") {id}}'
    )
    first, again = post(monday, query=batch), post(monday, query=batch)
    assert first.json() == again.json()
    assert len(control.log()) == 1


def test_keys_live_thirty_real_minutes_whatever_the_clock_s_speed(monday, control, clock):
    control.clock(100)
    post(monday)
    clock.advance(1_799)
    assert "Idempotency-Replayed" in post(monday).headers
    clock.advance(2)
    assert "Idempotency-Replayed" not in post(monday).headers
    assert len(control.log()) == 2


def test_keys_belong_to_a_token_and_to_mutations(monday, control):
    post(monday)
    assert "Idempotency-Replayed" not in post(monday, token="sandbox-app").headers
    query = "{boards(ids: 9000000001) {items_count}}"
    counts = [post(monday, "q", query).json()["data"]["boards"][0]["items_count"]]
    post(monday, "k-9")
    counts.append(post(monday, "q", query).json()["data"]["boards"][0]["items_count"])
    assert counts == [2, 3]


def test_conflict_while_in_flight(monday, control, clock, in_flight):
    control.faults(kind="slow", delay_s=10, times=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, monday)
        in_flight(1)
        conflict = post(monday)
        clock.advance(10)
        assert first.result().status_code == 200
    assert conflict.status_code == 409
    assert conflict.json()["errors"][0]["extensions"]["code"] == "IDEMPOTENCY_CONFLICT"
    assert int(conflict.headers["Retry-After"]) >= 1
    assert "Idempotency-Replayed" in post(monday).headers
    assert len(control.log()) == 1
    assert control.stats()["monday"]["conflicts"] == 1


def test_refused_requests_leave_the_key_free(monday, control, clock):
    control.settings(complexity={"personal": 40_000})
    monday.create("spend")
    assert post(monday).status_code == 429
    control.faults(kind="error_before", times=1)
    assert post(monday).status_code == 500
    bad = (
        'mutation ($v: JSON) {create_item(board_id: 9000000001, item_name: "x", '
        "column_values: $v) {id}}"
    )
    clock.advance(60)
    headers = {"Idempotency-Key": "k-1"}
    assert "errors" in monday.post(bad, headers=headers, v="{").json()
    done = post(monday)
    assert "Idempotency-Replayed" not in done.headers
    assert done.json()["data"]["create_item"]["id"]


@pytest.mark.parametrize("kind", ["lost_reply", "error_after"])
def test_a_lost_answer_is_replayed(monday, control, kind):
    control.faults(kind=kind, times=1)
    if kind == "lost_reply":
        with pytest.raises(requests.ConnectionError):
            post(monday)
    else:
        assert post(monday).status_code == 500
    again = post(monday)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(control.log()) == 1


@pytest.mark.parametrize("kind", ["lost_reply", "error_after"])
def test_a_forgotten_key_lets_a_repeat_through(monday, control, kind):
    """The judge sees a duplicate: a client must not lean on the key alone."""
    control.faults(kind=kind, forget_key=True, times=1)
    if kind == "lost_reply":
        with pytest.raises(requests.ConnectionError):
            post(monday)
    else:
        post(monday)
    assert "Idempotency-Replayed" not in post(monday).headers
    assert [entry["op"] for entry in control.log()] == ["create_item", "create_item"]


def test_a_late_apply_holds_its_key_until_it_is_applied(monday, control, clock):
    control.faults(kind="late_apply", after_s=60, times=1)
    with pytest.raises(requests.ConnectionError):
        post(monday)
    assert post(monday).status_code == 409
    clock.advance(60)
    assert post(monday).headers["Idempotency-Replayed"] == "true"
    assert len(control.log()) == 1


def test_answers_beyond_the_memory_are_not_kept(monday, control):
    control.settings(idempotency_memory=10)
    post(monday)
    assert "Idempotency-Replayed" not in post(monday).headers
    assert len(control.log()) == 2


def test_answers_above_a_megabyte_are_not_kept(monday, control):
    note = "n" * 60_000
    item = monday.create("big", note=note)
    shows = 'column_values(ids: ["note"]) {text}'
    fields = " ".join(
        f'a{n}: move_item_to_group(item_id: {item}, group_id: "top") {{{shows}}}' for n in range(18)
    )
    big = "mutation {" + fields + "}"
    assert len(post(monday, "big", big).content) > 1_000_000
    assert "Idempotency-Replayed" not in post(monday, "big", big).headers


def test_the_answer_to_a_replay_can_be_lost_too(monday, control):
    post(monday)
    control.faults(kind="lost_reply", times=1)
    with pytest.raises(requests.ConnectionError):
        post(monday)
    assert post(monday).headers["Idempotency-Replayed"] == "true"
    assert len(control.log()) == 1

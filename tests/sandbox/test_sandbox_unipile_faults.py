"""What goes wrong at the fake Unipile when the dial says so, and how its time moves."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
import requests
from unipile_service import refused

from syncflow_dagster.sandbox.clock import Clock, ManualClock
from syncflow_dagster.sandbox.control import ControlError
from syncflow_dagster.sandbox.later import Later

SENT = {"account_id": "acc_anna"}


def test_an_answer_gets_lost_behind_the_deed_and_a_refusal_comes_before_it(unipile):
    unipile.fault("lost_reply", op="invite", times=1)
    with pytest.raises(requests.ConnectionError):
        unipile.invite("person-0")
    unipile.fault("error_after", op="invite", times=1, status=500)
    assert refused(unipile.invite("person-1")) == (500, "unexpected_error")
    unipile.fault("error_before", op="invite", times=1, status=504)
    assert refused(unipile.invite("person-2")) == (504, "request_timeout")
    unipile.fault("error_before", op="write", times=1, spelling="cannot_resend_yet")
    assert refused(unipile.invite("person-2")) == (422, "cannot_resend_yet")
    # A type that nobody has seen.
    unipile.fault("error_before", op="invite", times=1, status=422, spelling="brand_new")
    assert refused(unipile.invite("person-2")) == (422, "brand_new")
    unipile.fault("throttle", op="invite", times=1)
    assert refused(unipile.invite("person-2")) == (429, "too_many_requests")
    unipile.fault("html_error", text=unipile.id("person-2"), times=1)
    page = unipile.invite("person-2")
    assert page.status_code == 502
    assert page.text.startswith("<html>")
    assert [one["key"] for one in unipile.log()] == [unipile.id(f"person-{n}") for n in (0, 1)]
    assert unipile.stats()["throttled_injected"] == 1


def test_a_message_is_sent_after_its_sender_has_given_up(unipile):
    unipile.deed("connect")
    began = unipile.now()
    unipile.fault("late_apply", op="send_message", after_s=300, times=1)
    with pytest.raises(requests.ConnectionError):
        unipile.message()
    assert unipile.get("/messages")["items"] == unipile.log() == []
    unipile.advance(days=1)
    # At its own moment, however far the clock was moved in one step.
    [message] = unipile.get("/messages")["items"]
    at = (began + timedelta(seconds=300)).isoformat(timespec="milliseconds")
    assert message["timestamp"] == at.replace("+00:00", "Z")
    assert unipile.log()[0]["at"].startswith(at[:23])
    assert unipile.now() == began + timedelta(days=1)
    unipile.fault("late_apply", op="inmail", after_s=1, times=1, reply="timeout")
    inmail = unipile.message("person-1", **{"linkedin[inmail]": "true"})
    assert refused(inmail) == (504, "request_timeout")


def test_a_request_hangs_until_its_sender_gives_up(unipile):
    unipile.fault("hang", op="relations", times=1)
    unipile.fault("hang", op="invite", times=1)
    with pytest.raises(requests.ReadTimeout):
        requests.get(
            f"{unipile.url}/api/v1/users/relations",
            params=SENT,
            headers={"X-API-KEY": unipile.token},
            timeout=0.1,
        )
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{unipile.url}/api/v1/users/invite",
            json={**SENT, "provider_id": unipile.id()},
            headers={"X-API-KEY": unipile.token},
            timeout=0.1,
        )
    assert unipile.log() == unipile.get("/users/relations")["items"] == []
    assert unipile.hits() == 2


def test_a_body_drips(unipile):
    """No single read takes long: only a deadline for the whole answer ends it."""
    unipile.fault("drip", op="me", delay_s=0.4, times=2)
    address = f"{unipile.url}/api/v1/users/me"
    began = time.monotonic()
    answer = unipile.session.get(address, params=SENT, timeout=0.3)
    assert answer.json()["object"] == "AccountOwnerProfile"
    assert time.monotonic() - began >= 0.35
    with unipile.session.get(address, params=SENT, timeout=0.3, stream=True) as answer:
        assert len(answer.raw.read1()) < 100


def test_a_list_has_no_end(unipile):
    for number in range(3):
        unipile.deed("connect", person=f"person-{number}")

    def pages(count):
        cursor, found = None, []
        for _ in range(count):
            query = {"limit": 2} if cursor is None else {"cursor": cursor}
            page = unipile.get("/users/relations", **query)
            cursor = page["cursor"]
            found.append((cursor, [row["public_identifier"] for row in page["items"]]))
        return found

    first = ["person-2", "person-1"]
    unipile.deed("message", text="One")
    assert [rows for _, rows in pages(2)] == [first, ["person-0"]]
    for spelling, rows, cursors in (
        (None, first, 5), ("same_cursor", first, 1), ("empty", [], 5),
    ):  # fmt: skip
        unipile.control.clear_faults()
        unipile.fault("repeat_page", op="relations", **({"spelling": spelling} if spelling else {}))
        found = pages(5)
        assert [one for _, one in found] == [first, *[rows] * 4]
        assert len({cursor for cursor, _ in found}) == cursors
        assert None not in {cursor for cursor, _ in found}
        unipile.fault("repeat_page", op="messages", times=2)
        once = unipile.get("/messages")
        again = unipile.get("/messages", cursor=once["cursor"])
        assert again["items"] == once["items"] != []
    unipile.fault("repeat_page", op="sent", times=3)
    cursors = [unipile.get("/users/invite/sent")["cursor"]]
    for _ in range(2):
        cursors.append(unipile.get("/users/invite/sent", cursor=cursors[-1])["cursor"])
    assert len(set(cursors) - {None}) == 3


def test_reads_of_one_kind_lag(unipile):
    unipile.fault("stale_reads", op="sent", lag_s=60)
    unipile.advance(100)
    unipile.invite()
    assert unipile.get("/users/invite/sent")["items"] == []
    assert unipile.get("/users/person-0")["invitation"]["status"] == "PENDING"
    unipile.advance(61)
    assert len(unipile.get("/users/invite/sent")["items"]) == 1


def test_wrong_faults_settings_and_seeds_are_refused(unipile):
    for fault in ({"kind": "partial"}, {"kind": "slow", "delay_s": 1, "op": "create_item"},
                  {"kind": "lost_reply", "forget_key": True}, {"kind": "hang", "status": 500},
                  {"kind": "repeat_page", "spelling": "x"}):  # fmt: skip
        with pytest.raises(ControlError):
            unipile.fault(**fault)
    for other in ("monday", "salesforce"):
        with pytest.raises(ControlError, match="hang"):
            unipile.control.faults(service=other, kind="hang")
    with pytest.raises(ControlError, match="there is no person"):
        unipile.deed("connect", person="nobody-known")
    with pytest.raises(ControlError, match="is out"):
        unipile.deed("accept")
    with pytest.raises(ControlError, match="RESTRICTED"):
        unipile.status("fine")
    with pytest.raises(ControlError, match="stale_s"):
        unipile.settings(stale_s=-1)
    for seed in ({"accounts": [{"id": "x"}]}, {"boards": []}, {"members": [{"slug": "person-0",
                 "first_name": "", "last_name": ""}]}):  # fmt: skip
        with pytest.raises(ControlError):
            unipile.control.seed(seed, service="unipile")
    unipile.invite()
    unipile.control.reset()
    assert unipile.log() == unipile.get("/users/invite/sent")["items"] == []


def test_the_clock_moves_all_services_and_refuses_what_is_no_step(unipile):
    before = unipile.control.now()
    assert unipile.advance(hours=1) == before + timedelta(hours=1) == unipile.control.now()
    unipile.control.clock(60)
    limits = unipile.clock.limit_time()
    unipile.advance(1)
    assert unipile.clock.limit_time() - limits == pytest.approx(60)
    for body in ({}, {"advance_s": -1}, {"advance_s": "1"}, {"advance_s": 1, "speed": 2},
                 {"speed": 0}):  # fmt: skip
        answer = requests.post(f"{unipile.urls['control']}/clock", json=body, timeout=5)
        assert answer.status_code == 400
    # A clock of real time goes on by itself as well.
    clock = Clock()
    clock.advance(100)
    assert 100 <= clock.real() < 100 + 5


def test_what_is_due_runs_in_order_and_reads_its_own_moment():
    clock = ManualClock(started_at=0.0)
    later, seen = Later(clock), []

    def note(name):
        seen.append((name, clock.real(), clock.wall().timestamp()))
        if name == "first":
            # Planned by something that was due itself.
            later.after(5, lambda: note("then"))
            later.after(500, lambda: note("too late"))

    later.after(30, lambda: note("last"))
    later.after(10, lambda: note("first"))
    later.run_due()
    assert seen == []
    clock.advance(100)
    later.run_due()
    assert seen == [(name, at, at) for name, at in (("first", 10), ("then", 15), ("last", 30))]
    assert clock.real() == 100
    later.clear()
    clock.advance(1_000)
    later.run_due()
    assert len(seen) == 3


def test_timers_follow_a_clock_that_was_advanced():
    """A clock of real time needs no request to go on."""
    clock, seen = Clock(), []

    async def live():
        later, ran = Later(clock), asyncio.Event()
        later.start()

        async def deliver():
            seen.append("delivered")

        later.after(3_600.01, ran.set)
        later.after(3_600.0, lambda: later.spawn(deliver()))
        clock.advance(3_600)
        later.run_due()
        await asyncio.wait_for(ran.wait(), 5)
        await later.quiet(5)

    asyncio.run(live())
    assert seen == ["delivered"]

"""Events are kept at once, known again, and worked in whatever their order."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inbox_cases import ANNA, BEN, NOW, Leads, make_run, message, relation, status
from psycopg.types.json import Jsonb

from syncflow_dagster.core.outreach.matching import Sighting, keys_of
from syncflow_dagster.nodes.linkedin.inbox import TRIES, Inbox
from syncflow_dagster.nodes.linkedin.inbox_events import (
    MessageSeen,
    NewRelation,
    NotAnEvent,
    NotNeeded,
    StatusSeen,
    event_key,
    read_event,
)
from syncflow_dagster.nodes.linkedin.process import process_inbox
from syncflow_dagster.nodes.linkedin.receiver import HEADER, app
from syncflow_dagster.store.database import Database, DatabaseUnavailable
from syncflow_dagster.testing.clock import FakeClock

SECRET = "0123456789abcdef"


async def _post(application, path, body, secret=SECRET):
    """Post a body to an application, as a server would; return the status."""
    told = []
    chunks = [body[start : start + 65_536] for start in range(0, len(body), 65_536)] or [b""]
    more = iter([*chunks[:-1]])
    last = chunks[-1]

    async def receive():
        for chunk in more:
            return {"type": "http.request", "body": chunk, "more_body": True}
        return {"type": "http.request", "body": last, "more_body": False}

    async def send(event):
        told.append(event)

    headers = [(HEADER.lower().encode(), secret.encode())] if secret is not None else []
    await application(
        {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
            "http_version": "1.1",
            "scheme": "http",
            "server": ("127.0.0.1", 1),
            "client": ("127.0.0.1", 2),
            "root_path": "",
        },
        receive,
        send,
    )
    return told[0]["status"]


def post(application, body, path="/unipile/default", secret=SECRET):
    """Post a body, as an object or as bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return asyncio.run(_post(application, path, raw, secret))


def test_the_receiver_keeps_each_event_once_and_takes_nothing_else(database, caplog):
    taking = app(database, FakeClock(NOW), {"default": SECRET, "other": "fedcba9876543210"})
    hello = message("ACoAAAp1", "\0 secret \ud83d words")
    assert post(taking, hello) == 200
    assert post(taking, hello) == 200
    assert post(taking, relation("ACoAAAp1")) == 200
    assert post(taking, relation("ACoAAAp1", account="acc_ben")) == 200
    # Two changes to the same state look the same, and are two.
    assert post(taking, status("CREDENTIALS")) == 200
    # The same event of another tenant is another one.
    assert post(taking, hello, "/unipile/other", "fedcba9876543210") == 200

    for secret in (None, "", "0123456789abcdeX", "fedcba9876543210"):
        assert post(taking, hello, secret=secret) == 401
    assert post(taking, hello, "/unipile/nobody") == 401
    assert post(taking, hello, "/unipile/nobody", "") == 401
    # No number of the database's.
    huge = json.dumps(message("ACoAAAp1", "secret", 9)).encode()[:-1] + b', "a": 1e400}'
    for wrong in (b"", b"[]", b"{", b'{"a": NaN}', b"[" * 100_000, b"\xff", b'{"event": "x"', huge):
        assert post(taking, wrong) == 400
    assert post(taking, {"no": "event"}) == 400
    assert post(taking, {"event": "message_received", "account_id": "a"}) == 400
    assert post(taking, b" " * (256 * 1024 + 1)) == 413

    rows = database.fetch_all("select source, event_key, account from outreach_inbox order by 1, 2")
    assert [(row["source"], row["event_key"]) for row in rows] == [
        ("unipile:default", "message_received:m1"),
        ("unipile:default", "new_relation:acc_anna:ACoAAAp1"),
        ("unipile:default", "new_relation:acc_ben:ACoAAAp1"),
        ("unipile:default", "status:acc_anna:CREDENTIALS:2026-11-16T09:00:00"),
        ("unipile:other", "message_received:m1"),
    ]
    assert {row["account"] for row in rows} == {"acc_anna", "acc_ben"}
    assert "secret" not in caplog.text
    assert "ACo" not in caplog.text


def test_the_receiver_asks_for_another_delivery_while_the_database_is_down(monkeypatch, database):
    def away(*_):
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(Database, "fetch_one", away)
    assert post(app(database, FakeClock(NOW), {"default": SECRET}), relation("ACoAAAp1")) == 503


def test_bodies_are_read_as_they_come():
    seen = read_event(message("ACoAAAp1", "Hi"))
    assert isinstance(seen, MessageSeen)
    assert (seen.is_own, seen.others, seen.ids) == (False, ("ACoAAAp1",), ("m1", "p1"))
    own = read_event(message("ACoAAAp1", "Hi", own=True))
    assert isinstance(own, MessageSeen)
    assert (own.is_own, own.others) == (True, ("ACoAAAp1",))
    # A body that says `is_sender` wrongly is told by its sender.
    echo = read_event(message("ACoAAAp1", "Hi", own=True) | {"is_sender": False})
    assert isinstance(echo, MessageSeen)
    assert echo.is_own
    for name in ("is_event", "hidden", "deleted"):
        shown = read_event(message("ACoAAAp1", "Hi", **{name: 1}))
        assert isinstance(shown, MessageSeen)
        assert not shown.is_talk
    assert read_event(status("credentials")) == StatusSeen("acc_anna", "CREDENTIALS")
    assert read_event({"event": "message_read", "message_id": "m"}) == NotNeeded("message_read")
    for wrong in ({"AccountStatus": "OK"}, {"event": "new_relation", "account_id": "a"}, {}):
        with pytest.raises(NotAnEvent):
            event_key(wrong, NOW)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=9)
    | st.sampled_from(["http://[x/y"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
_NAMES = (
    *message("a", "b"),
    *relation("a"),
    *("AccountStatus", "attendee_provider_id", "user_profile_url", "hidden"),
)


@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=8), st.booleans())
def test_whatever_is_told_is_an_event_or_is_refused(body, is_relation):
    told = {"event": "new_relation" if is_relation else "message_received", **body}
    try:
        key, event = event_key(told, NOW), read_event(told)
    except NotAnEvent:
        return
    assert key
    if isinstance(event, MessageSeen):
        keys_of(Sighting("a", event.others[0] if event.others else None, slug=event.address))
    elif isinstance(event, NewRelation):
        keys_of(Sighting("a", event.provider_id, slug=event.address))


def test_events_are_worked_in_once_and_one_that_fails_leaves_the_others_alone(database, tmp_path):
    run = make_run(database, tmp_path)
    leads = Leads(database)
    first, second = leads.add(), leads.add()
    inbox = Inbox(database, "default")
    inbox.keep(relation("ACoAAAp1"), NOW)
    database.execute(
        "insert into outreach_inbox (source, event_key, received_at, body)"
        " values ('unipile:default', 'broken', %s, %s)",
        (NOW, Jsonb({"event": "new_relation"})),
    )
    inbox.keep(relation("ACoAAAp2"), NOW)
    inbox.keep(relation("ACoAAAzz"), NOW)
    report = process_inbox(run)
    assert (report.read, report.failed, report.open) == (4, 1, 1)
    assert report.outcomes == {"connected": 2, "nobody of ours": 1}
    assert leads.state(first) == leads.state(second) == "connected"
    assert leads.events(first) == ["invite_sent", "connected", "connected"]

    for _ in range(TRIES - 1):
        assert process_inbox(run).failed == 1
    assert process_inbox(run).read == 0
    row = database.fetch_one("select tries, outcome from outreach_inbox where event_key = 'broken'")
    assert row["tries"] == TRIES
    assert "user_provider_id" in row["outcome"]
    assert leads.events(first) == ["invite_sent", "connected", "connected"]


def test_two_at_once_take_each_event_in_once(database, tmp_path):
    run = make_run(database, tmp_path)
    leads = Leads(database)
    inbox = Inbox(database, "default")
    ids = [leads.add() for _ in range(20)]
    for number in range(1, 21):
        inbox.keep(relation(f"ACoAAAp{number}"), NOW)
    database.execute("update outreach_inbox set body = '{}' where inbox_id = 20")
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(process_inbox, [run, run]))
    assert sum(one.outcomes["connected"] for one in reports) == 19
    assert sum(one.failed for one in reports) == 0
    after = process_inbox(run)
    assert (after.read, after.open) == (0, 0)
    for lead_id in ids[:19]:
        assert leads.events(lead_id) == ["invite_sent", "connected", "connected"]


def test_states_of_accounts_are_taken_over_and_old_news_is_not(database, tmp_path):
    run = make_run(database, tmp_path)
    inbox = Inbox(database, "default")

    def told(word, minute):
        inbox.keep(status(word), NOW + timedelta(minutes=minute))
        process_inbox(run)
        row = database.fetch_one("select * from outreach_account where account = %s", (ANNA,))
        return row["status"], row["reduced_until"]

    assert told("OK", 0) == ("OK", None)
    assert told("CREDENTIALS", 1) == ("CREDENTIALS", None)
    back = NOW + timedelta(minutes=5)
    assert told("RECONNECTED", 5) == ("OK", back + timedelta(days=3))
    # Delivered late: it was so before it came back.
    assert told("CREDENTIALS", 3)[0] == "OK"
    other = database.fetch_one("select status from outreach_account where account = %s", (BEN,))
    assert other == {"status": "UNKNOWN"}
    inbox.keep(status("CREDENTIALS", "acc_of_somebody"), NOW)
    assert process_inbox(run).outcomes == {"nobody of ours": 1}

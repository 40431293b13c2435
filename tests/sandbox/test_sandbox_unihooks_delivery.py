"""Unipile's webhooks: what they say, when they come, and what a receiver may do to them."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
import time
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.faults import FaultDial, FaultSpec
from syncflow_dagster.sandbox.later import Later
from syncflow_dagster.sandbox.log import WriteLog
from syncflow_dagster.sandbox.service import World
from syncflow_dagster.sandbox.unipile.delivery import Courier
from syncflow_dagster.sandbox.unipile.delivery_plan import RETRY_AFTER_S
from syncflow_dagster.sandbox.unipile.model import Account, AccountStatus, Person, Webhook
from syncflow_dagster.sandbox.unipile.settings import Settings
from syncflow_dagster.sandbox.unipile.store import UnipileStore

HOUR_S = 3_600.0


class Receiver:
    """Keeps what it is sent; `/slow` does not answer until it is let go."""

    def __init__(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/slow":
                    receiver.go_on.wait(10)
                receiver.got.append((self.path, raw, dict(self.headers)))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.clear()

    def clear(self):
        self.status, self.got, self.go_on = 200, [], threading.Event()

    @property
    def bodies(self):
        return [json.loads(raw) for _, raw, _ in self.got]


@pytest.fixture(scope="module")
def _receiver():
    receiver = Receiver()
    threading.Thread(target=receiver.server.serve_forever, args=(0.01,), daemon=True).start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def receiver(_receiver):
    _receiver.clear()
    return _receiver


class Tenant:
    """Two accounts and some people, whose events a courier brings."""

    def __init__(self, receiver, **manners):
        self.clock = ManualClock()
        self.world = World(self.clock, WriteLog(self.clock), FaultDial(), Later(self.clock))
        self.store = UnipileStore(self.clock)
        self.manners = Settings(**manners)
        self.courier = Courier(self.world, self.store, lambda: self.manners)
        self.receiver = receiver
        self.accounts = [self._account(number) for number in range(2)]
        self.people = [
            self.store.add_person(Person(f"ACoAAp{n}", f"josé-{n}", 70 + n, "José", str(n)))
            for n in range(30)
        ]

    def _account(self, number):
        owner = self.store.add_person(Person(f"ACoAAo{number}", f"o-{number}", number, "Anna", "O"))
        made = Account(f"acc{number}", "", "premium", owner, self.store.now())
        return self.store.add_account(made)

    def hook(self, source, path="/", **more):
        url = f"{self.receiver.url}{path}"
        made = Webhook(id=f"hook{len(self.store.webhooks)}", request_url=url, source=source, **more)
        self.store.add_webhook(made)
        return made

    async def advance(self, seconds, longest_s=5.0):
        self.clock.advance(seconds)
        self.world.later.run_due()
        await self.world.later.quiet(longest_s)

    @property
    def counts(self):
        return {name: count for name, count in self.courier.counts.items() if count}


def test_bodies_are_the_services_own(receiver):
    async def run():
        tenant = Tenant(receiver)
        secret = (("Unipile-Auth", "a-secret"), ("Content-Type", "application/json"))
        tenant.hook("users", "/users", name="relations", headers=secret)
        tenant.hook("messaging", "/messages", account_ids=("acc0",))
        account, other = tenant.accounts
        person = tenant.people[0]
        tenant.store.accept(tenant.store.invite(account, person, "Hello José"))
        tenant.store.post_message(account, person, "Hi", sender=person)
        tenant.store.post_message(other, person, "Not for this webhook", sender=person)
        await tenant.advance(10)
        return tenant

    tenant = asyncio.run(run())
    told = {path: [] for path in ("/users", "/messages")}
    for path, raw, headers in receiver.got:
        told[path].append((json.loads(raw), headers))
    [(relation, headers)] = told["/users"]
    assert relation == {
        "event": "new_relation",
        "account_id": "acc0",
        "account_type": "LINKEDIN",
        "webhook_name": "relations",
        "user_full_name": "José 0",
        "user_provider_id": "ACoAAp0",
        "user_public_identifier": "josé-0",
        "user_profile_url": "https://www.linkedin.com/in/jos%C3%A9-0/",
        "user_picture_url": None,
    }
    assert headers["Unipile-Auth"] == "a-secret"
    messages = sorted((body for body, _ in told["/messages"]), key=lambda one: one["timestamp"])
    note, reply = sorted(messages, key=lambda one: one["message"] == "Hi")
    assert (note["message"], note["message_type"], note["is_sender"]) == (
        "Hello José", "INVITATION", True,
    )  # fmt: skip
    assert note["sender"]["attendee_provider_id"] == note["account_info"]["user_id"] == "ACoAAo0"
    assert (reply["message"], reply["message_type"], reply["is_sender"]) == ("Hi", "MESSAGE", False)
    assert reply["sender"]["attendee_provider_id"] == "ACoAAp0"
    assert reply["sender"]["attendee_public_identifier"] is None
    assert (type(reply["is_sender"]), type(reply["is_event"])) == (bool, int)
    assert reply["chat_id"] == note["chat_id"]
    assert reply["message_id"] in tenant.store.message_by_id
    assert all("Content-Type" not in headers for _, headers in told["/messages"])
    assert tenant.counts == {"delivered": 3}


def test_status_events_fields_and_forms(receiver):
    async def run():
        tenant = Tenant(receiver)
        tenant.hook("account_status", "/usual")
        tenant.hook("account_status", "/asked", events=("ok", "stopped"))
        data = (("chat_id", "chat"), ("sender", "from"))
        tenant.hook("messaging", "/form", format="form", data=data)
        tenant.hook("messaging", "/off", enabled=False)
        account, person = tenant.accounts[0], tenant.people[0]
        for status in ("STOPPED", "CREDENTIALS", "OK"):
            tenant.store.set_status(account, AccountStatus(status))
            await tenant.advance(5)
        tenant.store.post_message(account, person, "Hi", sender=person)
        await tenant.advance(5)

    asyncio.run(run())
    told = [(path, raw.decode()) for path, raw, _ in receiver.got]
    words = [
        (path, json.loads(raw)["AccountStatus"]["message"]) for path, raw in told if path != "/form"
    ]
    assert sorted(words) == [
        ("/asked", "OK"),
        ("/asked", "STOPPED"),
        ("/usual", "CREDENTIALS"),
        ("/usual", "RECONNECTED"),
    ]
    [form] = [parse_qs(raw) for path, raw in told if path == "/form"]
    assert set(form) == {"chat", "from"}
    assert json.loads(form["from"][0])["attendee_provider_id"] == "ACoAAp0"


def test_an_account_that_is_down_tells_no_messages_and_finds_its_relations_later(receiver):
    async def run():
        tenant = Tenant(receiver)
        tenant.hook("users")
        tenant.hook("messaging")
        account, person = tenant.accounts[0], tenant.people[0]
        tenant.store.set_status(account, AccountStatus.CREDENTIALS)
        tenant.store.connect(account, person)
        tenant.store.post_message(account, person, "Hi", sender=person)
        await tenant.advance(3 * HOUR_S)
        assert receiver.got == []
        tenant.store.set_status(account, AccountStatus.OK)
        await tenant.advance(HOUR_S)
        return tenant

    tenant = asyncio.run(run())
    assert [one["event"] for one in receiver.bodies] == ["new_relation"]
    assert tenant.counts["never_sent"] == 1


def test_relations_come_late_twice_mixed_up_or_as_a_siblings_and_some_never(receiver):
    async def run():
        tenant = Tenant(
            receiver,
            webhook_delay_s=8 * HOUR_S,
            webhook_repeat=0.4,
            webhook_shuffle=0.4,
            webhook_drop=0.2,
            webhook_sibling=0.3,
        )
        tenant.hook("users")
        for person in tenant.people:
            tenant.store.connect(tenant.accounts[0], person)
        came = []
        for _ in range(10):
            await tenant.advance(HOUR_S)
            came.append(len(receiver.got))
        return tenant, came

    tenant, came = asyncio.run(run())
    told = [one["user_provider_id"] for one in receiver.bodies]
    assert 0 < came[0] < came[4] < came[7] <= came[9]
    assert len(told) > len(set(told)), "some twice"
    assert len(set(told)) < 30, "some never"
    assert tenant.counts == {"delivered": len(told), "never_sent": 30 - len(set(told))}
    assert list(dict.fromkeys(told)) != sorted(set(told), key=lambda one: int(one[6:]))
    assert {one["account_id"] for one in receiver.bodies} == {"acc0", "acc1"}
    first = tenant.courier.brought["new_relation", "acc0", told[0]]
    assert timedelta(0) < first - tenant.clock.wall_at(0) < timedelta(hours=1)


def test_what_fails_is_tried_again_five_times_at_its_own_times(receiver):
    async def run(status, restored_after):
        tenant = Tenant(receiver)
        tenant.hook("users")
        receiver.clear()
        receiver.status = status
        tenant.store.connect(tenant.accounts[0], tenant.people[0])
        # One long step: the repeats are due within it, as they would be without it.
        await tenant.advance(sum(RETRY_AFTER_S[:restored_after]) + 10)
        receiver.status = 200
        await tenant.advance(2 * sum(RETRY_AFTER_S))
        return tenant

    tenant = asyncio.run(run(500, 2))
    assert tenant.counts == {"delivered": 1, "failed": 3}
    brought = tenant.courier.brought["new_relation", "acc0", "ACoAAp0"] - tenant.clock.wall_at(0)
    assert 2_160 <= brought.total_seconds() <= 2_163
    tenant = asyncio.run(run(202, 5))
    assert tenant.counts == {"failed": 6, "given_up": 1}, "only 200 is taken for an answer"
    assert len(receiver.got) == 6 and receiver.bodies[0] == receiver.bodies[5]


def test_faults_hit_deliveries_and_a_deleted_webhook_gets_nothing_more(receiver):
    async def run():
        tenant = Tenant(receiver)
        hook = tenant.hook("users")
        dial = tenant.world.faults
        kinds = (
            ("lost_reply", {}),
            ("error_before", {}),
            ("late_apply", {"after_s": 500}),
        )
        for number, (kind, more) in enumerate(kinds):
            dial.add(FaultSpec(service="unipile", kind=kind, op="webhook", times=1, **more))
            tenant.store.connect(tenant.accounts[0], tenant.people[number])
            await tenant.advance(10)
            dial.clear()
        before = len(receiver.got)
        await tenant.advance(500)
        after = len(receiver.got)
        dial.add(FaultSpec(service="unipile", kind="error_before", op="webhook"))
        tenant.store.connect(tenant.accounts[0], tenant.people[9])
        await tenant.advance(10)
        del tenant.store.webhooks[hook.id]
        dial.clear()
        await tenant.advance(24 * HOUR_S)
        return tenant, before, after

    tenant, before, after = asyncio.run(run())
    assert (before, after) == (1, 4), "brought, and both failed ones and the late one again"
    assert len(receiver.got) == 4
    assert tenant.counts == {"delivered": 4, "failed": 3}


def test_a_receiver_that_does_not_answer_holds_up_nobody_else(receiver):
    async def run():
        tenant = Tenant(receiver)
        tenant.hook("users", "/slow")
        tenant.hook("messaging", "/quick")
        for number in range(3):
            account, person = tenant.accounts[0], tenant.people[number]
            tenant.store.connect(account, person)
            tenant.store.post_message(account, person, "Hi", sender=person)
        began = time.monotonic()
        await tenant.advance(10, longest_s=0.3)
        took = time.monotonic() - began
        quick = [path for path, _, _ in receiver.got]
        receiver.go_on.set()
        await tenant.world.later.quiet(5)
        return took, quick

    took, quick = asyncio.run(run())
    assert took < 2
    assert quick == ["/quick"] * 3
    assert len(receiver.got) == 6


def test_a_reset_forgets_what_is_on_its_way(receiver):
    async def run():
        tenant = Tenant(receiver, webhook_delay_s=HOUR_S)
        tenant.hook("users")
        tenant.store.connect(tenant.accounts[0], tenant.people[0])
        tenant.world.later.clear()
        tenant.store.clear()
        tenant.courier.reset()
        await tenant.advance(2 * HOUR_S)
        return tenant

    tenant = asyncio.run(run())
    assert receiver.got == [] and tenant.counts == {}


def test_no_other_machine_is_asked():
    async def run():
        tenant = Tenant(Receiver())
        tenant.store.add_webhook(Webhook("hook", "http://203.0.113.7/", "users"))
        tenant.store.connect(tenant.accounts[0], tenant.people[0])
        await tenant.advance(10)
        return tenant

    began = time.monotonic()
    assert asyncio.run(run()).counts == {"failed": 1, "waiting": 1}
    assert time.monotonic() - began < 2

"""Bringing webhooks to their addresses: late, twice, in another order, and again when it failed.

Addresses are asked from threads, one webhook after the other for each of them, so that a receiver
that is slow stops neither the service nor another receiver.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from syncflow_dagster.sandbox.transport import stays_here
from syncflow_dagster.sandbox.unipile import delivery_bodies
from syncflow_dagster.sandbox.unipile.delivery_plan import RETRY_AFTER_S, plan
from syncflow_dagster.sandbox.unipile.model import AccountStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from syncflow_dagster.sandbox.service import World
    from syncflow_dagster.sandbox.unipile.delivery_plan import Coming, Manners
    from syncflow_dagster.sandbox.unipile.model import (
        Account,
        Message,
        Relation,
        StatusChange,
        Webhook,
    )
    from syncflow_dagster.sandbox.unipile.store import UnipileStore

#: What a webhook tells of: the event's name, the account's id, the provider's or message's id.
Event = tuple[str, str, str]
SERVICE = "unipile"
#: What the dial calls a delivery.
OP = "webhook"
# Real seconds for an answer; they stand for the 30 that the service waits.
_TIMEOUT_S = 3.0
# A new relation is found by the service's own look at the account: not while that is down.
_LOOK_AGAIN_S = 3_600.0


@dataclass
class Delivery:
    """One webhook on its way.

    Attributes:
        webhook_id: Which one.
        body: What is sent.
        event: What it tells of.
        due: When it was or is to be tried, in real seconds of the sandbox's clock.
        tries: Failed tries so far.
        postponed: A fault has held it back once already.
    """

    webhook_id: str
    body: dict[str, Any]
    event: Event
    due: float
    tries: int = 0
    postponed: bool = False


class Courier:
    """Tells the registered webhooks what happens in the store.

    Args:
        world: Clock, agenda and dial.
        store: Whose events are told.
        manners: The present settings.
    """

    def __init__(self, world: World, store: UnipileStore, manners: Callable[[], Manners]) -> None:
        self._world = world
        self._store = store
        self._manners = manners
        self.reset()
        store.on("connected", self._connected)
        store.on("message", self._message)
        store.on("status", self._status)

    def reset(self) -> None:
        """Forget everything that is on its way, and all counts."""
        #: `delivered` (answered 200), `failed` tries, `given_up` after the last repeat, `waiting`,
        #: and events `never_sent`, because webhooks get lost.
        self.counts: Counter[str] = Counter()
        #: When an event was first brought to anybody, by event.
        self.brought: dict[Event, datetime] = {}
        self._queues: dict[str, deque[Delivery]] = {}
        self._busy: set[str] = set()

    # -- what happens ----------------------------------------------------------------------

    def _connected(self, relation: Relation) -> None:
        account, person = relation.account, relation.person
        event = ("new_relation", account.id, person.provider_id)
        for coming in self._plan(*event):
            told_as = self._sibling(account, coming.sibling)

            def look(told_as: Account = told_as) -> None:
                if account.status is not AccountStatus.OK:
                    self._world.later.after(_LOOK_AGAIN_S, look)
                    return
                body = delivery_bodies.new_relation(person, told_as.id)
                self._send("users", told_as, body, event)

            self._world.later.after(coming.after_s, look)

    def _message(self, message: Message) -> None:
        chat, account = message.chat, message.chat.account
        if account.status is not AccountStatus.OK:
            # Documented: no message webhooks come while the account is down.
            self.counts["never_sent"] += 1
            return

        def tell() -> None:
            connected = self._store.relation(account, chat.person) is not None
            body = delivery_bodies.message_received(message, connected=connected)
            self._send("messaging", account, body, ("message_received", account.id, message.id))

        # Ids depend on the order of requests; a message's place in its chat does not.
        of = (account.id, chat.person.provider_id, len(chat.messages))
        for coming in self._plan("message_received", *of):
            self._world.later.after(coming.after_s, tell)

    def _status(self, change: StatusChange) -> None:
        for word in ("RECONNECTED", "OK") if change.message == "RECONNECTED" else (change.message,):
            body = delivery_bodies.account_status(change.account, word)
            event = (word.lower(), change.account.id, change.at.isoformat())

            def tell(body: dict[str, Any] = body, event: Event = event) -> None:
                self._send("account_status", change.account, body, event)

            for coming in self._plan(*event):
                self._world.later.after(coming.after_s, tell)

    def _plan(self, event: str, *of: object) -> list[Coming]:
        coming = plan(self._manners(), event, *of)
        self.counts["never_sent"] += not coming
        return coming

    def _sibling(self, account: Account, share: float | None) -> Account:
        others = [one for one in self._store.accounts.values() if one is not account]
        return account if share is None or not others else others[int(share * len(others))]

    # -- bringing it -----------------------------------------------------------------------

    def _send(self, source: str, account: Account, body: dict[str, Any], event: Event) -> None:
        for webhook in self._store.webhooks.values():
            if delivery_bodies.wants(webhook, source, event[0], account.id):
                self.counts["waiting"] += 1
                shaped = delivery_bodies.shaped(webhook, body)
                self._queue(Delivery(webhook.id, shaped, event, self._world.clock.real()))

    def _queue(self, delivery: Delivery) -> None:
        webhook = self._store.webhooks.get(delivery.webhook_id)
        if webhook is None or not webhook.enabled:
            self.counts["waiting"] -= 1
            return
        url = webhook.request_url
        self._queues.setdefault(url, deque()).append(delivery)
        if url not in self._busy:
            self._busy.add(url)
            self._world.later.spawn(self._drain(url, self._queues[url], self._busy))

    async def _drain(self, url: str, queue: deque[Delivery], busy: set[str]) -> None:
        # A reset puts others in the place of `queue` and `busy`.
        try:
            while queue:
                await self._attempt(queue.popleft())
        finally:
            busy.discard(url)

    async def _attempt(self, delivery: Delivery) -> None:
        webhook = self._store.webhooks.get(delivery.webhook_id)
        if webhook is None:
            self.counts["waiting"] -= 1
            return
        drawn = {}
        if not delivery.postponed:
            drawn = self._world.faults.draw_beside(SERVICE, OP)
        for kind, setting in (("late_apply", "after_s"), ("slow", "delay_s")):
            if kind in drawn:
                delivery.postponed = True
                self._again(delivery, getattr(drawn[kind], setting))
                return
        delivery.postponed = False
        counts = self.counts
        taken = "error_before" not in drawn and await asyncio.to_thread(
            _asked, webhook, delivery.body
        )
        if counts is self.counts:
            self._settle(delivery, taken=taken, heard="lost_reply" not in drawn)

    def _settle(self, delivery: Delivery, *, taken: bool, heard: bool) -> None:
        counts = self.counts
        if taken:
            counts["delivered"] += 1
            at = self._world.clock.wall_at(delivery.due)
            self.brought.setdefault(delivery.event, at)
        if taken and heard:
            counts["waiting"] -= 1
            return
        counts["failed"] += 1
        delivery.tries += 1
        if delivery.tries <= len(RETRY_AFTER_S):
            self._again(delivery, RETRY_AFTER_S[delivery.tries - 1])
            return
        counts["waiting"] -= 1
        counts["given_up"] += 1

    def _again(self, delivery: Delivery, after_s: float) -> None:
        # From when it was due: the clock may have been moved on by hours since.
        delivery.due += after_s
        wait = max(0.0, delivery.due - self._world.clock.real())
        self._world.later.after(wait, lambda: self._queue(delivery))


def _asked(webhook: Webhook, body: dict[str, Any]) -> bool:
    """Post to the address; whether it answered 200 in time."""
    if not stays_here(webhook.request_url):
        return False
    headers = dict(webhook.headers)
    data: bytes | dict[str, str]
    if webhook.format == "form":
        data = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in body.items()
        }
    else:
        # No content type goes with it, unless the webhook's own headers say one.
        data = json.dumps(body, ensure_ascii=False).encode()
    with requests.Session() as session:
        # No proxy and no redirect leads away from this machine.
        session.trust_env = False
        try:
            answer = session.post(
                webhook.request_url,
                data=data,
                headers=headers,
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
        except requests.RequestException:
            return False
    return answer.status_code == 200

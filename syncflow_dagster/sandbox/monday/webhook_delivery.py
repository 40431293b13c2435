"""Bringing events to receivers: in order, again when it failed, signed for apps.

Receivers are asked from threads, so that one that is slow, or that asks the sandbox itself before
it answers, stops nobody else.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from syncflow_dagster.sandbox.monday.limits import TOKEN_KINDS
from syncflow_dagster.sandbox.monday.model import ACCOUNT_ID, USERS
from syncflow_dagster.sandbox.transport import stays_here

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.sandbox.faults import FaultSpec
    from syncflow_dagster.sandbox.service import World

SERVICE = "monday"
#: What the dial calls a delivery.
OP = "webhook"
RETRY_AFTER_S = 60.0
RETRIES = 30
#: The secret of the sandbox's app, with which receivers check the JWT.
SIGNING_SECRET = "sandbox-signing-secret"  # noqa: S105 - the sandbox guards nothing
_JWT_LIFE_S = 300
# How long a receiver may take; no source tells the service's own figure.
_TIMEOUT_S = 5.0


@dataclass
class Delivery:
    """One event on its way to one webhook.

    Attributes:
        tries: Failed tries so far.
        postponed: A fault has held it back once already.
    """

    webhook_id: str
    url: str
    event: Mapping[str, Any]
    signed: bool
    tries: int = 0
    postponed: bool = False


@dataclass
class Tally:
    """What became of a webhook's deliveries.

    Attributes:
        delivered: Requests that the receiver answered with 2xx, repeats included.
        failed: Tries that the service takes for failed.
        given_up: Events whose last repeat failed.
        waiting: Events that are neither through nor given up.
    """

    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    waiting: int = 0


def signed_token(url: str, now: float) -> str:
    """The JWT (HS256) that goes with a request to `url`; `now` is Unix time."""
    claims = {
        "accountId": ACCOUNT_ID,
        "userId": int(next(iter(USERS))),
        "aud": url,
        "exp": int(now) + _JWT_LIFE_S,
        "shortLivedToken": next(kind.token for kind in TOKEN_KINDS if kind.name == "app"),
        "iat": int(now),
    }
    parts = [_encoded(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.new(SIGNING_SECRET.encode(), ".".join(parts).encode(), hashlib.sha256)
    return ".".join([*parts, _encoded(signature.digest())])


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _asked(url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
    """Post JSON; the decoded answer (None if it is no JSON), or False when it failed."""
    with requests.Session() as session:
        # No proxy and no redirect leads away from this machine.
        session.trust_env = False
        try:
            answer = session.post(
                url, json=body, headers=dict(headers), timeout=_TIMEOUT_S, allow_redirects=False
            )
        except requests.RequestException:
            return False
    if not 200 <= answer.status_code < 300:
        return False
    try:
        return answer.json()
    except requests.JSONDecodeError:
        return None


@dataclass
class Courier:
    """Delivers each webhook's events one after another, in the order in which they happened.

    Attributes:
        world: Clock, agenda and dial.
        registered: Whether a webhook is still there.
    """

    world: World
    registered: Callable[[str], bool]
    _queues: dict[str, deque[Delivery]] = field(default_factory=dict)
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _tallies: dict[str, Tally] = field(default_factory=dict)

    async def greet(self, url: str, *, signed: bool) -> bool:
        """Challenge a URL; tells whether it echoed."""
        challenge = {"challenge": secrets.token_urlsafe(36)}
        return bool(await self._post(url, challenge, signed=signed) == challenge)

    def send(self, delivery: Delivery) -> None:
        """Deliver soon."""
        self._tallies.setdefault(delivery.webhook_id, Tally()).waiting += 1
        self._queue(delivery)

    def drop(self, webhook_id: str) -> None:
        """Forget what a deleted webhook was still to get."""
        self._queues.pop(webhook_id, None)
        if webhook_id in self._tallies:
            self._tallies[webhook_id].waiting = 0

    def describe(self) -> dict[str, Any]:
        """Counts in all and by webhook."""
        tallies = {webhook_id: asdict(one) for webhook_id, one in self._tallies.items()}
        names = asdict(Tally())
        total = {name: sum(one[name] for one in tallies.values()) for name in names}
        return {**total, "by_webhook": tallies}

    def _queue(self, delivery: Delivery) -> None:
        if not self.registered(delivery.webhook_id):
            return
        self._queues.setdefault(delivery.webhook_id, deque()).append(delivery)
        task = self._busy.get(delivery.webhook_id)
        if task is None or task.done():
            loop = asyncio.get_running_loop()
            self._busy[delivery.webhook_id] = loop.create_task(self._drain(delivery.webhook_id))

    async def _drain(self, webhook_id: str) -> None:
        while queue := self._queues.get(webhook_id):
            await self._attempt(queue.popleft())

    async def _attempt(self, delivery: Delivery) -> None:
        drawn: Mapping[str, FaultSpec] = {}
        if not delivery.postponed:
            drawn = self.world.faults.draw_beside(SERVICE, OP)
        if (late := drawn.get("late_apply")) is not None:
            delivery.postponed = True
            self.world.later.after(late.after_s or 0.0, lambda: self._queue(delivery))
            return
        if (slow := drawn.get("slow")) is not None:
            await self.world.clock.sleep(slow.delay_s or 0.0)
        delivery.postponed = False
        if self.registered(delivery.webhook_id):
            await self._try(delivery, drawn)

    async def _try(self, delivery: Delivery, drawn: Mapping[str, FaultSpec]) -> None:
        taken = "error_before" not in drawn
        if taken:
            body = {"event": {**delivery.event, "isRetry": delivery.tries > 0}}
            taken = await self._post(delivery.url, body, signed=delivery.signed) is not False
        if not self.registered(delivery.webhook_id):
            return
        tally = self._tallies[delivery.webhook_id]
        tally.delivered += taken
        if taken and "lost_reply" not in drawn:
            tally.waiting -= 1
            return
        tally.failed += 1
        delivery.tries += 1
        if delivery.tries <= RETRIES:
            self.world.later.after(RETRY_AFTER_S, lambda: self._queue(delivery))
            return
        tally.waiting -= 1
        tally.given_up += 1

    async def _post(self, url: str, body: Mapping[str, Any], *, signed: bool) -> Any:
        if not stays_here(url):
            return False
        now = self.world.clock.wall().timestamp()
        headers = {"Authorization": signed_token(url, now)} if signed else {}
        return await asyncio.to_thread(_asked, url, body, headers)

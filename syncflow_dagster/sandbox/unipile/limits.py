"""LinkedIn's own limits of an account, whoever uses it: the API, or its owner by hand.

The figures are those that the vendor publishes for LinkedIn
(https://developer.unipile.com/docs/provider-limits-and-restrictions).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from syncflow_dagster.sandbox.unipile.errors import ApiError
from syncflow_dagster.sandbox.unipile.model import MessageType

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.unipile.model import Account, Invitation, Message
    from syncflow_dagster.sandbox.unipile.settings import Settings
    from syncflow_dagster.sandbox.unipile.store import UnipileStore

Bucket = Literal["invite", "note", "message", "inmail", "profile"]
DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
_MONTH_S = 30 * DAY_S
_LANDINGS = (50, 75, 90, 95)


@dataclass(frozen=True)
class Ceiling:
    """So many in a window, in seconds of limit time."""

    bucket: Bucket
    most: int
    window_s: float


class Limits:
    """Counts what each account does, and tells when LinkedIn has had enough.

    Args:
        store: Tells what is done.
        clock: The sandbox's time.
        settings: The present settings.
    """

    def __init__(self, store: UnipileStore, clock: Clock, settings: Callable[[], Settings]) -> None:
        self._clock = clock
        self._settings = settings
        self._times: dict[tuple[str, Bucket], list[float]] = defaultdict(list)
        store.on("invited", self._invited)
        store.on("message", self._written)

    def clear(self) -> None:
        """Forget what was done."""
        self._times.clear()

    def _invited(self, invitation: Invitation) -> None:
        if not invitation.received:
            self.count(invitation.account, "invite")
            if invitation.note:
                self.count(invitation.account, "note")

    def _written(self, message: Message) -> None:
        if message.is_sender and message.type is not MessageType.INVITATION:
            inmail = message.type is MessageType.INMAIL
            self.count(message.chat.account, "inmail" if inmail else "message")

    def count(self, account: Account, bucket: Bucket) -> None:
        """One more was done now."""
        insort(self._times[account.id, bucket], self._clock.limit_time())

    def used(self, account: Account, bucket: Bucket, window_s: float) -> int:
        """How many were done in the last `window_s` seconds of limit time."""
        times = self._times.get((account.id, bucket), [])
        return len(times) - bisect_left(times, self._clock.limit_time() - window_s + 1e-6)

    def ceilings(self, account: Account, bucket: Bucket) -> list[Ceiling]:
        """What holds for an account."""
        given = self._settings()
        free = account.tier == "free"
        figures: dict[Bucket, list[tuple[int | None, float]]] = {
            "invite": [
                (_or(given.invites_per_day, 50 if free else 100), DAY_S),
                (_or(given.invites_per_week, 150 if free else 200), WEEK_S),
            ],
            "note": [(given.note_quota if free else None, _MONTH_S)],
            "message": [(_or(given.messages_per_day, 100), DAY_S)],
            "inmail": [(_or(given.inmails_per_day, 50), DAY_S)],
            "profile": [(_or(given.profiles_per_day, 100), DAY_S)],
        }
        return [Ceiling(bucket, most, w) for most, w in figures[bucket] if most is not None]

    def check(self, account: Account, bucket: Bucket, error: str) -> None:
        """See that one more is possible.

        Raises:
            ApiError: Of the type `error`: a ceiling is reached.
        """
        for one in self.ceilings(account, bucket):
            if self.used(account, bucket, one.window_s) >= one.most:
                raise ApiError(error)

    def usage(self, account: Account) -> int | None:
        """The landing in percent that the last invitation passed, if it passed one."""
        passed = [
            landing
            for one in self.ceilings(account, "invite")
            for landing in _LANDINGS
            if (used := self.used(account, "invite", one.window_s)) * 100 >= landing * one.most
            and (used - 1) * 100 < landing * one.most
        ]
        return max(passed, default=None)


def _or(given: int | None, usual: int) -> int:
    return usual if given is None else given

"""Who is told of a change."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

# What listeners are told, and with what:
#   invited, declined, withdrawn, expired: Invitation · connected: Relation · message: Message
#   viewed: View · status: StatusChange · webhook: Webhook (a new one)
Event = Literal[
    "invited", "declined", "withdrawn", "expired", "connected", "message", "viewed", "status",
    "webhook",
]  # fmt: skip


class Listeners:
    """Callbacks by event."""

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Callable[[Any], None]]] = defaultdict(list)

    def on(self, event: Event, callback: Callable[[Any], None]) -> None:
        """Call `callback` after each such change, in the order of registering."""
        self._callbacks[event].append(callback)

    def tell(self, event: Event, what: object) -> None:
        """Call all of an event's callbacks."""
        for callback in self._callbacks[event]:
            callback(what)

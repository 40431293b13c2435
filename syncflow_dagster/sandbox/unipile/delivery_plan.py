"""When a webhook comes, how often, and under whose name."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

#: Seconds from a failed try to the next; the service tells their number, five, and that they
#: grow, not how long they are.
RETRY_AFTER_S = (60.0, 300.0, 1_800.0, 7_200.0, 21_600.0)
# Messages and states are told at once: within these seconds.
_AT_ONCE_S = 3.0
_REPEAT_WITHIN_S = 1_800.0
_SHUFFLE_WITHIN_S = 1_800.0


class Manners(Protocol):
    """How the service brings its webhooks: the settings of that name."""

    @property
    def webhook_delay_s(self) -> float:
        """Seconds after which a new relation is told at the latest; the service says 8 hours."""

    @property
    def webhook_repeat(self) -> float:
        """Share that comes twice."""

    @property
    def webhook_shuffle(self) -> float:
        """Share that is overtaken by later ones."""

    @property
    def webhook_drop(self) -> float:
        """Share that never comes."""

    @property
    def webhook_sibling(self) -> float:
        """Share of new relations that is told as one of another account of the tenant."""


@dataclass(frozen=True)
class Coming:
    """One delivery that is going to be tried.

    Attributes:
        after_s: Seconds from the event.
        sibling: From 0 to 1, which of the other accounts it is told for; None: its own.
    """

    after_s: float
    sibling: float | None = None


def plan(manners: Manners, event: str, *of: object) -> list[Coming]:
    """The deliveries of one event, each time the same for the same event.

    Args:
        manners: The settings.
        event: Its name, such as `new_relation`.
        of: What tells it from other events of the name.
    """
    chance = random.Random(f"webhook/{event}/{of}")  # noqa: S311 - repeatable
    # All are drawn, whatever the settings: what one share changes leaves the others' draws alone.
    dropped, moved, again, other = (chance.random() for _ in range(4))
    slow, late, second, which = (chance.random() for _ in range(4))
    if dropped < manners.webhook_drop:
        return []
    relation = event == "new_relation"
    after = slow * (manners.webhook_delay_s if relation else _AT_ONCE_S)
    if moved < manners.webhook_shuffle:
        after += late * _SHUFFLE_WITHIN_S
    sibling = which if relation and other < manners.webhook_sibling else None
    coming = [Coming(after, sibling)]
    if again < manners.webhook_repeat:
        coming.append(Coming(after + second * _REPEAT_WITHIN_S, sibling))
    return coming

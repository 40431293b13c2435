"""A pause of an account: a limit that is far from free again, or a service that is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """Why nothing may be sent on an account for a while. It ends by itself.

    Attributes:
        reason: Why, in words that stay the same while it lasts.
        until: Database time at which it is worth trying again.
        calls_per_day: Requests a day may have, if they are used up.
    """

    reason: str
    until: datetime
    calls_per_day: int | None = None

    def in_words(self) -> str:
        """Return the reason and the time of the next try."""
        return f"{self.reason}; next try at {self.until:%Y-%m-%d %H:%M:%S} UTC"


class AccountPaused(RuntimeError):
    """Nothing may be sent on this account for a while; nothing is lost, what is left waits."""

    def __init__(self, pause: Pause) -> None:
        super().__init__(pause.in_words())
        self.pause = pause

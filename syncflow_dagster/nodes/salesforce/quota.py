"""How much of the org's daily API requests is used, and the ceilings at which we stop.

Every answer tells it in `Sforce-Limit-Info`: `api-usage=18/5000`, where further entries may follow
a `,` or `;` (REST API Developer Guide, page "headers_api_usage"). The day is a rolling one: used
requests come back bit by bit.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Name of the budget in outcomes.
DAILY = "daily_requests"
HEADER = "Sforce-Limit-Info"
_USAGE = re.compile(r"(?:^|[;,])\s*api-usage=(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests of the last 24 hours.

    Attributes:
        used: By everybody in the org; None before it has told us.
        allowed: What the org may send; None before it has told us.
        sent: By this client, in its life.
    """

    used: int | None
    allowed: int | None
    sent: int


class QuotaWatch:
    """Counts requests against two ceilings; safe for threads.

    Args:
        org_share: Share of the org's requests that may be used by whomever, above 0, at most 1.
        run_share: Share of them this client may send, above 0, at most 1. Each read of a pull node
            and each run of a tag node has a client of its own.
    """

    def __init__(self, org_share: float, run_share: float) -> None:
        self._org_share = org_share
        self._run_share = run_share
        self._lock = threading.Lock()
        self._usage = Usage(None, None, 0)

    @property
    def usage(self) -> Usage:
        """What is known now."""
        return self._usage

    def heard(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers."""
        found = _USAGE.search(headers.get(HEADER, ""))
        if found:
            self.learn(int(found[1]), int(found[2]))

    def learn(self, used: int, allowed: int) -> None:
        """Learn how many requests are used and allowed."""
        with self._lock:
            self._usage = Usage(used, allowed, self._usage.sent)

    def take(self) -> str | None:
        """Count a request that is about to be sent; or say why it may not be."""
        with self._lock:
            usage = self._usage
            if reason := self._ceiling(usage):
                return reason
            self._usage = Usage(usage.used, usage.allowed, usage.sent + 1)
            return None

    def _ceiling(self, usage: Usage) -> str | None:
        if usage.used is None or usage.allowed is None:
            return None
        if usage.used >= self._org_share * usage.allowed:
            return (
                f"{usage.used} of the org's {usage.allowed} API requests of 24 hours are used, and "
                f"the connection's org_share allows {self._org_share:.0%}; they come back bit by "
                "bit, or raise org_share"
            )
        if usage.sent >= self._run_share * usage.allowed:
            return (
                f"this read or tag node has sent {usage.sent} requests, and run_share allows each "
                f"{self._run_share:.0%} of the org's {usage.allowed}; read less, read by Bulk "
                "API 2.0, or raise run_share"
            )
        return None

"""`Idempotency-Key`: one token's stored answers (DOC: idempotency)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.responses import Response

    from syncflow_dagster.sandbox.clock import Clock

KEPT_S = 30 * 60.0
LARGEST_ANSWER = 1_000_000
IN_FLIGHT_RETRY_S = 1


@dataclass
class IdempotencyKeys:
    """Answers by key. Times are real seconds: clients count on thirty real minutes.

    Attributes:
        memory: Bytes of answers kept per token; beyond, answers are silently not kept, as
            the service does beyond its undisclosed budget.
    """

    clock: Clock
    memory: int = 64_000_000
    _answers: dict[str, tuple[float, Response]] = field(default_factory=dict)
    _in_flight: set[str] = field(default_factory=set)
    _bytes: int = 0

    def stored(self, key: str) -> Response | None:
        """The answer that was given under this key in the last thirty minutes."""
        self._expire()
        found = self._answers.get(key)
        return None if found is None else found[1]

    def in_flight(self, key: str) -> bool:
        """Whether a request with this key is being worked on."""
        return key in self._in_flight

    def begin(self, key: str) -> None:
        """A request with this key starts."""
        self._in_flight.add(key)

    def abandon(self, key: str) -> None:
        """It ended without an answer worth keeping: the key is free again."""
        self._in_flight.discard(key)

    def finish(self, key: str, answer: Response) -> None:
        """It was executed; keep the answer if its size allows."""
        self._in_flight.discard(key)
        size = len(answer.body)
        self._expire()
        if size > LARGEST_ANSWER or self._bytes + size > self.memory:
            return
        self._answers[key] = (self.clock.real() + KEPT_S, answer)
        self._bytes += size

    def forget(self, key: str) -> None:
        """Lose a kept answer."""
        found = self._answers.pop(key, None)
        if found is not None:
            self._bytes -= len(found[1].body)

    def _expire(self) -> None:
        # Keys are kept equally long, so the oldest expire first.
        while self._answers:
            key, (until, answer) = next(iter(self._answers.items()))
            if until > self.clock.real():
                return
            del self._answers[key]
            self._bytes -= len(answer.body)

"""How many effects the next request carries: as many as the service answers well within its time.

Few large requests cost fewer calls and round trips than many small ones; one that takes longer
than the service, or we, wait for leaves everything in it unclear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Pace:
    """The size of requests, learned from how long they take.

    Attributes:
        size: Effects the next request carries.
        most: Effects a request may carry at most.
        target_s: Seconds a request should take at most.
    """

    size: int
    most: int
    target_s: float

    @classmethod
    def steady(cls, size: int) -> Pace:
        """Return requests of one size, however long they take."""
        return cls(size, size, float("inf"))

    def after(self, carried: int, seconds: float) -> Pace:
        """Return the pace after a request that was answered.

        It at most doubles. A small request tells little of a large one, because much of its time
        does not depend on what it carries; it counts only where even it took too long.

        Args:
            carried: Effects it carried, one or more.
            seconds: How long it took.
        """
        if seconds <= self.target_s and carried * 2 < self.size:
            return self
        share = self.target_s / seconds if seconds > 0 else float("inf")
        wanted = int(min(carried * share, 2 * self.size, self.most))
        return replace(self, size=max(1, wanted))

    def after_silence(self, seconds: float) -> Pace:
        """Return the pace after a request to which no clear answer came.

        Only one that took long may have been too large.

        Args:
            seconds: How long it took until it was given up.
        """
        return replace(self, size=max(1, self.size // 2)) if seconds > self.target_s else self

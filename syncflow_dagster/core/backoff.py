"""How long to wait before an effect is tried again."""

from __future__ import annotations

from typing import Protocol


class Random(Protocol):
    """A source of chance, injected so that a test can fix it."""

    def uniform(self, a: float, b: float) -> float:
        """Return a number between `a` and `b`."""
        ...


def full_jitter(tries: int, chance: Random, *, first_s: float = 0.5, most_s: float = 60.0) -> float:
    """Return the seconds to wait after the `tries`-th failed try.

    The ceiling doubles with each try; the wait is drawn evenly below it, so that workers that
    failed together do not come back together.

    Args:
        tries: Tries so far, from 1.
        chance: Where the wait is drawn from.
        first_s: Ceiling after the first try.
        most_s: Highest ceiling.
    """
    ceiling = min(most_s, first_s * 2 ** (min(tries, 32) - 1))
    return chance.uniform(ceiling / 10, ceiling)

"""The phrase somebody most likely meant: the fewest changes that make words readable."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from syncflow_dagster.core.timing.phrases_reading import WORDS, NotUnderstoodError, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Phrases of every form there is.
EXAMPLES = (
    "every day at 09:30",
    "weekdays at 07:00 and 19:00",
    "weekends at 10:00",
    "every Monday at 12:00",
    "every Monday and Thursday at 07:00 and 19:00",
    "first Monday of the month at 09:00",
    "last Friday of the month at 09:30",
    "on the 15th of the month at 08:00",
    "on the 15th and last day of the month at 08:00",
    "last day of the month at 18:00",
    "every business day at 09:00",
    "first business day of the month at 09:00",
    "every hour",
    "every hour at :15",
)
_MOST_CHANGES = 3
_MOST_COST = 1.6
_MOST_WORDS = 40
#: Words that are put in where something is missing.
_MISSING = (("every",), ("at",), ("at", "09:00"), ("09:00",), ("day",), ("of", "the", "month"))
_INSERT, _DELETE = 0.5, 0.7


@dataclass(frozen=True, slots=True)
class _Try:
    """Changed words: how much is still not understood, and what the changes cost."""

    unread: int
    cost: float
    words: tuple[str, ...]
    position: int


def nearest_phrase(words: Sequence[str]) -> str:
    """Return the canonical words of the phrase that is nearest to some words.

    Args:
        words: Words that are no phrase.

    Returns:
        A phrase that is understood: with as few words changed as possible, or else the example
        that resembles them most.
    """
    best = _tried(tuple(word.lower() for word in words[:_MOST_WORDS]), 0)
    for _ in range(_MOST_CHANGES):
        best = min(
            (_tried(changed, best.cost + cost) for changed, cost in _changes(best)),
            key=lambda one: (one.unread, one.cost),
        )
        if best.unread == 0 and best.cost <= _MOST_COST:
            return read(best.words).words
    text = " ".join(words[:_MOST_WORDS]).lower()
    return max(EXAMPLES, key=lambda one: _likeness(text, one.lower()))


def _tried(words: tuple[str, ...], cost: float) -> _Try:
    try:
        read(words)
    except NotUnderstoodError as error:
        # What is missing at the end counts as a word that is not understood.
        return _Try(max(1, len(words) - error.position), cost, words, error.position)
    return _Try(0, cost, words, len(words))


def _changes(tried: _Try) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yield the words with one change where they are not understood, and what it costs."""
    before, after = tried.words[: tried.position], tried.words[tried.position :]
    for more in _MISSING:
        yield (*before, *more, *after), _INSERT
    if after:
        yield (*before, *after[1:]), _DELETE
        for word in WORDS:
            yield (*before, word, *after[1:]), 1 - _likeness(word, after[0])


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()

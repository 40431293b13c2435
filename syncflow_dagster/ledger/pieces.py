"""Which of the claimed effects go into one request."""

from __future__ import annotations

from bisect import bisect_left
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from uuid import UUID

    from syncflow_dagster.ledger.ports import Effect


#: Share of a window whose rest may stay unused.
_LITTLE = 0.05


def pieces(
    batch: Sequence[Effect], most: int, fresh: Callable[[], int] | None = None
) -> Iterator[tuple[Sequence[Effect], UUID | None]]:
    """Split claimed effects into requests, each with the idempotency key it was sent under before.

    A request to which no answer came goes again as it was, under its key: a service that is still
    at work on it, or applies it late, then knows it. Only if that fails too it is split: requests
    that keep failing without a word grow smaller, so that one record that breaks them ends up
    alone and the others arrive.

    Args:
        batch: Claimed effects in their order.
        most: Effects of a request at most.
        fresh: Gives the effects of a request that is sent for the first time, at most; asked
            before each. Left out, they are `most`.

    Yields:
        Effects of one request, and the key; None if it needs a new one.
    """
    failures = max((effect.tries for effect in batch), default=0)
    size = max(1, most >> max(0, failures - 1))
    whole = {key for key, run in _runs(batch) if key is not None and _is_whole(run, batch, size)}
    for key, run in groupby(batch, key=lambda effect: effect.key if effect.key in whole else None):
        some = list(run)
        if key is not None:
            yield some, key
            continue
        while some:
            next_size = min(size, fresh()) if fresh is not None else size
            yield some[:next_size], None
            some = some[next_size:]


def fitting(
    batch: Sequence[Effect],
    cost: Callable[[Sequence[Effect]], Mapping[str, int]],
    room: Mapping[str, int],
    whole: Mapping[str, int],
) -> Iterator[Sequence[Effect]]:
    """Part a request where the rest of a window holds a good deal of it, but not the whole.

    Waiting for the next window with all of it would leave the rest unused. Less than half of it is
    not worth a request more, where it is a small part of the window too. What even an unused window
    does not hold would be refused for ever, so no part is larger than that.

    Args:
        batch: Effects of one request.
        cost: What a request costs, by budget; it grows with each effect.
        room: Units of the budgets that are left for now.
        whole: Units of the budgets that an unused window holds.
    """
    most = max(1, held(batch, cost, whole))
    first = held(batch[:most], cost, room)
    little = any(room.get(name, 1) < _LITTLE * whole.get(name, 0) for name in cost(batch[:1]))
    if little and first * 2 < len(batch[:most]):
        first = most
    yield batch[:first]
    while rest := batch[first:]:
        batch, first = rest, max(1, held(rest, cost, whole))
        yield batch[:first]


def held(
    batch: Sequence[Effect],
    cost: Callable[[Sequence[Effect]], Mapping[str, int]],
    room: Mapping[str, int],
) -> int:
    """Return how many of the effects, from the first on, the room holds in one request.

    Args:
        batch: Effects of one request.
        cost: What a request costs, by budget; it grows with each effect.
        room: Units of the budgets.
    """

    def fits(count: int) -> bool:
        return all(units <= room.get(name, units) for name, units in cost(batch[:count]).items())

    return bisect_left(range(1, len(batch) + 1), True, key=lambda count: not fits(count))


def _runs(batch: Sequence[Effect]) -> Iterator[tuple[UUID | None, list[Effect]]]:
    for key, run in groupby(batch, key=lambda effect: effect.key):
        yield key, list(run)


def _is_whole(run: Sequence[Effect], batch: Sequence[Effect], size: int) -> bool:
    """Tell whether neighbours of one key are a whole request, as it was sent."""
    key = run[0].key
    together = sum(effect.key == key for effect in batch)
    return len(run) == together <= size and all(effect.key_size == together for effect in run)

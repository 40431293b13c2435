"""Work on several things at once, with the results in the order of the things."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Thing], Result],
    things: Iterable[Thing],
    threads: int,
    *,
    finish_begun: bool = False,
) -> Iterator[Result]:
    """Yield what becomes of each thing.

    Things are taken one by one, by the thread that takes the results, and no more than `threads`
    and one of them wait, are in work, or are done and not taken yet: what they hold is bounded.

    Args:
        work: Called in other threads.
        things: What is worked on.
        threads: How many at once.
        finish_begun: Whether, when no further thing can be taken, what is begun still comes
            before the error: who goes on later need not do it again.
    """
    with ThreadPoolExecutor(max_workers=threads) as pool:
        begun: deque[Future[Result]] = deque()
        remaining = iter(things)
        try:
            while True:
                try:
                    thing = next(remaining)
                except StopIteration:
                    break
                except BaseException:
                    while finish_begun and begun:
                        yield begun.popleft().result()
                    raise
                begun.append(pool.submit(work, thing))
                if len(begun) > threads:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for each in begun:
                each.cancel()

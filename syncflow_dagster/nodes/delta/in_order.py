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
    work: Callable[[Thing], Result], things: Iterable[Thing], threads: int
) -> Iterator[Result]:
    """Yield what becomes of each thing.

    Things are taken one by one, by the thread that takes the results, and no more than `threads`
    and one of them wait, are in work, or are done and not taken yet: what they hold is bounded.

    When taking a thing fails, the results of those before it still come, and then its error.

    Args:
        work: Called in other threads.
        things: What is worked on.
        threads: How many at once.
    """
    with ThreadPoolExecutor(max_workers=threads) as pool:
        begun: deque[Future[Result]] = deque()
        remaining = iter(things)
        try:
            while True:
                try:
                    thing = next(remaining)
                except BaseException as error:
                    # What is begun is done in any case, so that nobody has to do it again.
                    while begun:
                        yield begun.popleft().result()
                    if isinstance(error, StopIteration):
                        return
                    raise
                begun.append(pool.submit(work, thing))
                if len(begun) > threads:
                    yield begun.popleft().result()
        finally:
            for each in begun:
                each.cancel()

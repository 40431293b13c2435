"""Work on things while others are still being taken and given, in their order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from concurrent.futures import Future

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def ahead(
    work: Callable[[Thing], Result], things: Iterable[Thing], threads: int, held: int
) -> Generator[Result, None, None]:
    """Yield what becomes of each thing, in the order of the things.

    Things are taken in a thread of their own, so that nothing waits for who takes the results, and
    one such iterator can feed another. Closing it, or an error, waits for what is being worked on.

    Args:
        work: Called in other threads.
        things: What is worked on; what they raise comes after the results of those before.
        threads: How many are worked on at once.
        held: Results that wait, or are being made, beside the one given; one more thing is taken.
    """
    room = threading.Semaphore(held)
    over = threading.Event()
    coming: SimpleQueue[Future[Result] | None] = SimpleQueue()

    def take(pool: ThreadPoolExecutor) -> None:
        for thing in things:
            room.acquire()
            if over.is_set():
                return
            coming.put(pool.submit(work, thing))

    with ThreadPoolExecutor(threads + 1, "salesforce-page") as pool:
        taking = pool.submit(take, pool)
        taking.add_done_callback(lambda _: coming.put(None))
        try:
            while (result := coming.get()) is not None:
                room.release()
                yield result.result()
            taking.result()
        finally:
            over.set()
            room.release()
            pool.shutdown(wait=False, cancel_futures=True)

"""Working ahead: results stay in order, few are held, and nothing goes on once it is closed."""

from __future__ import annotations

import threading

import pytest

from syncflow_dagster.nodes.salesforce.ahead import ahead


def test_results_come_in_order_also_through_two_stages():
    first = ahead(lambda n: n + 1, range(200), 5, 7)
    assert list(ahead(lambda n: n * 10, first, 4, 4)) == [10 * n for n in range(1, 201)]
    assert list(ahead(str, [], 2, 2)) == []


def test_what_is_taken_is_bounded_while_nobody_takes_results():
    taken = threading.Semaphore(0)
    numbers = []

    def things():
        for n in range(100):
            numbers.append(n)
            taken.release()
            yield n

    results = ahead(lambda n: n, things(), 2, 3)
    assert next(results) == 0
    for _ in range(5):
        assert taken.acquire(timeout=10)
    # One given, three held, one taken beyond.
    assert not taken.acquire(timeout=0.05)
    results.close()
    assert numbers == list(range(5))


def test_an_error_comes_after_the_results_before_it():
    def things():
        yield from (1, 2)
        raise KeyError("list")

    results = ahead(lambda n: n, things(), 3, 3)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(KeyError, match="list"):
        next(results)

    failing = ahead(lambda n: 6 // n, [3, 0, 2], 3, 3)
    assert next(failing) == 2
    with pytest.raises(ZeroDivisionError):
        next(failing)
    assert list(failing) == []


def test_closing_waits_for_what_is_worked_on_and_begins_nothing_more():
    begun, go_on, done = [], threading.Event(), []

    def work(n):
        begun.append(n)
        if n:
            go_on.wait(10)
        done.append(n)
        return n

    results = ahead(work, range(100), 2, 4)
    assert next(results) == 0
    threading.Timer(0.02, go_on.set).start()
    results.close()
    assert sorted(done) == sorted(begun)
    assert len(begun) <= 1 + 4

"""Work on several things at once."""

from __future__ import annotations

import threading

import pytest

from syncflow_dagster.nodes.delta.in_order import in_order


class SourceBrokeOff(Exception):
    pass


def breaking_off(count):
    yield from range(count)
    raise SourceBrokeOff


def taken_of(things, **options):
    taken = []
    with pytest.raises(SourceBrokeOff):
        taken.extend(in_order(lambda thing: thing * 10, things, 2, **options))
    return taken


def test_results_come_in_the_order_of_the_things():
    slow = threading.Event()

    def work(thing):
        if thing == 0:
            slow.wait(10)
        else:
            slow.set()
        return thing

    assert list(in_order(work, range(7), 2)) == list(range(7))


def test_no_more_is_taken_ahead_than_threads_and_one():
    ahead = []

    def things():
        for thing in range(9):
            ahead.append(thing)
            yield thing

    for done in in_order(int, things(), 2):
        assert len(ahead) - done <= 3


def test_what_is_begun_comes_before_the_error_where_it_is_wanted():
    assert taken_of(breaking_off(4), finish_begun=True) == [0, 10, 20, 30]
    assert taken_of(breaking_off(0), finish_begun=True) == []


def test_elsewhere_nothing_comes_between_an_error_and_who_asked():
    assert taken_of(breaking_off(4)) == [0, 10]


def test_an_error_in_the_work_comes_at_its_place():
    results = in_order(lambda thing: 12 // (2 - thing), range(5), 2)
    assert [next(results), next(results)] == [6, 12]
    with pytest.raises(ZeroDivisionError):
        next(results)

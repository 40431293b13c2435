"""A push that is told to stop does so between two requests."""

from __future__ import annotations

import os
import signal
import threading

import dagster as dg
import pytest

from syncflow_dagster.assets.progress import Progress
from syncflow_dagster.assets.push import _teller
from syncflow_dagster.assets.stopping import Stop, StoppableClock
from syncflow_dagster.ledger.delivery_report import DeliveryReport
from syncflow_dagster.testing.clock import FakeClock


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_and_stops_only_where_a_request_is_written_down(number):
    stop = Stop()
    tell = _teller(Progress(lambda *_: None, "effects"), stop)
    former = signal.getsignal(number)
    tell(DeliveryReport(), 3)
    with pytest.raises(dg.DagsterExecutionInterruptedError), stop.on_signals():
        os.kill(os.getpid(), number)
        # Whatever is under way goes on.
        assert sum(range(10)) == 45
        with pytest.raises(dg.DagsterExecutionInterruptedError):
            tell(DeliveryReport(), 2)
        # Who asks twice does not wait.
        with pytest.raises(dg.DagsterExecutionInterruptedError):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is former


def test_who_asks_when_the_work_is_at_its_end_is_heard_too():
    stop = Stop()
    with pytest.raises(dg.DagsterExecutionInterruptedError), stop.on_signals():
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_wait_ends_as_soon_as_it_is_asked_for():
    clock, stop = FakeClock(), Stop()
    waiting = StoppableClock(clock, stop)
    begun = waiting.now()
    waiting.sleep(1.5)
    assert (clock.now() - begun).total_seconds() == pytest.approx(1.5)
    clock.sleep = lambda seconds: stop._asked.set()
    with pytest.raises(dg.DagsterExecutionInterruptedError):
        waiting.sleep(300)
    with pytest.raises(dg.DagsterExecutionInterruptedError):
        waiting.sleep(0)


def test_another_thread_than_the_main_one_leaves_signals_alone():
    former = signal.getsignal(signal.SIGTERM)
    seen = []

    def work():
        with Stop().on_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [former]

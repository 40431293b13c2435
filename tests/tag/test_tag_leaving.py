"""Tags that must leave: no job is opened after the end, and no pass begun; the next run goes on."""

from __future__ import annotations

import pytest
from tag_cases import JUNCTION, STATUS
from test_tag_send import times_written

from syncflow_dagster.ledger.delivery_report import DeliveryOptions

WHY = "the window of tags is over"


@pytest.mark.parametrize("bulk_from", [3, 100])
def test_no_job_and_no_request_is_begun_after_the_end(make_world, bulk_from):
    world = make_world([STATUS, JUNCTION], bulk_from=bulk_from)
    world.add_people(*range(5))
    run = world.run(delivery=DeliveryOptions(leave=lambda: WHY))
    run.plan()
    left = run.deliver()
    assert (left.left, left.requests, left.jobs, left.remaining) == (WHY, 0, 0, 10)
    assert times_written(world) == {}
    asked = []

    def leave():
        """Leave once the first job, or the first request, is through."""
        asked.append(len(times_written(world)))
        return WHY if asked[-1] else None

    half = world.run(delivery=DeliveryOptions(leave=leave)).deliver()
    assert half.left == WHY
    assert (half.jobs, len(times_written(world))) == (int(bulk_from == 3), 5)
    rest = world.run().deliver()
    assert (rest.left, rest.remaining) == (None, 0)
    written = times_written(world)
    assert (len(written), set(written.values())) == (10, {1})

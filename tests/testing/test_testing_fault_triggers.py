"""Due times killed on their way to a run, as rows of the fault matrix."""

from datetime import UTC, datetime

import pytest

from syncflow_dagster.testing.faults.triggers import (
    killed_triggers,
    overlaps_and_gaps,
    trigger_cases,
)


def test_a_request_whose_process_was_killed_is_made_again(postgres_url):
    name = "kill -9 at trigger.requested"
    (result,) = killed_triggers(lambda one: one == name, url=postgres_url)
    assert result.passed, result
    assert set(trigger_cases()) > {name}


@pytest.mark.parametrize(
    ("reads", "found"),
    [
        ([], (0, 0)),
        ([(None, 8), (8, 9), (9, 9), (9, 12)], (0, 0)),
        ([(None, 8), (8, 9), (8, 10)], (1, 0)),
        ([(None, 8), (None, 9)], (1, 0)),
        ([(None, 8), (9, 10)], (0, 1)),
        ([(8, 9)], (0, 1)),
    ],
)
def test_reads_that_overlap_or_leave_gaps_are_counted(reads, found):
    def at(hour):
        return None if hour is None else datetime(2026, 11, 2, hour, tzinfo=UTC)

    assert overlaps_and_gaps([(at(start), at(end)) for start, end in reads]) == found

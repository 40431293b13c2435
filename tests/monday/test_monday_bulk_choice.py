"""What a plan needs of the calls of a day."""

import pytest

from syncflow_dagster.nodes.monday.bulk.choice import DayCalls, LaneChoice, calls_of


def test_mutations_share_requests_and_a_job_takes_a_few_calls_however_many_rows_it_has():
    choices = [
        LaneChoice("mutations", "create_group", 30, ""),
        LaneChoice("mutations", "set_status", 75, ""),
        LaneChoice("bulk job", "create_item", 10_001, ""),
        LaneChoice("bulk job", "set_status", 10_001, ""),
    ]
    assert calls_of(choices, batch_size=100) == 2 + 2 * 4
    assert calls_of([], batch_size=100) == 0


@pytest.mark.parametrize(
    ("needed", "words"),
    [
        (900, "at least 900 calls; 1,000 are left today"),
        (1_001, "at least 1,001 calls; 1,000 are left today, and the rest takes 1 more day"),
        (41_000, "at least 41,000 calls; 1,000 are left today, and the rest takes 4 more days"),
    ],
)
def test_the_calls_of_a_plan_are_spread_over_days(needed, words):
    assert DayCalls(needed, left=1_000, per_day=10_000).in_words() == words

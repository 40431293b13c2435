"""What requests cost, what an account may spend, and what answers tell of it."""

from __future__ import annotations

import pytest

from syncflow_dagster.core.budget import Reading
from syncflow_dagster.core.outcomes import Reject, Retry, Stop
from syncflow_dagster.nodes.monday import costs, documents
from syncflow_dagster.nodes.monday.client import Answer
from syncflow_dagster.nodes.monday.headers import readings_of, told
from syncflow_dagster.nodes.monday.plan import ITEMS

_HEADER = {"RateLimit": '"complexityMinute";r=12;t=17'}
_TOLD = {"complexity": {"query": 1, "after": 959_960, "reset_in_x_seconds": 58}}


def test_each_kind_of_change_has_a_weight_and_no_other():
    assert set(costs.WEIGHTS) == set(documents._MUTATIONS)
    assert costs.mutations(["create_item"] * 20) == 20 * 30_011 + 10
    assert ITEMS == 1


def test_every_cost_is_of_a_budget_that_is_opened():
    opened = costs.limits(timeout_s=60)
    assert set(costs.request(5, requests=3)) <= set(opened)
    assert opened[costs.INGEST_ITEMS_BUDGET] == (19_000, 3_600, "window")
    assert opened[costs.INGEST_JOBS_BUDGET] == (100, 3_600, "window")
    # A request that is given up after a minute may still be at work at the service.
    assert opened[costs.CONCURRENCY_BUDGET].window_s > 60


@pytest.mark.parametrize(
    ("data", "headers", "reading"),
    [
        (_TOLD, {}, Reading("complexityMinute", None, None, 959_960, 58)),
        (_TOLD, _HEADER, Reading("complexityMinute", None, None, 12, 17)),
        (None, {}, None),
        ({"complexity": None}, {}, None),
        ({"complexity": {"query": 1}}, {}, None),
        ({"complexity": "much"}, {}, None),
    ],
)
def test_where_the_headers_are_silent_the_document_tells_its_complexity(data, headers, reading):
    found = readings_of(Answer(200, data, [], headers))
    assert found == ([] if reading is None else [reading])


@pytest.mark.parametrize(
    ("outcome", "said", "expected"),
    [
        (Reject("no"), [], []),
        (Retry("wait"), [], []),
        (Retry("wait", 9), [], [Reading("complexityMinute", remaining=0, resets_in_s=9)]),
        (Retry("wait", 9), [Reading("minuteRate", remaining=5)], []),
        (
            Retry("wait", 9, limit="minuteRate"),
            [Reading("complexityMinute", remaining=5)],
            [Reading("minuteRate", remaining=0, resets_in_s=9)],
        ),
        (Retry("wait", 9, limit="minuteRate"), [Reading("minuteRate", remaining=5)], []),
        (
            Stop("used up", "dailyCalls", 3_599),
            [Reading("dailyCalls", allowed=10_000)],
            [Reading("dailyCalls", 10_000, remaining=0, resets_in_s=3_599)],
        ),
        (Stop("used up", "dailyCalls"), [], [Reading("dailyCalls", remaining=0)]),
        (Stop("token revoked"), [], []),
    ],
)
def test_a_refusal_tells_which_budget_is_used_up(outcome, said, expected):
    assert told(outcome, said) == expected

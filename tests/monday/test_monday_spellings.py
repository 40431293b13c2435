"""Every wording of a refusal that the sandbox knows, and what it means for us.

The sandbox holds the wordings, so a new one has to be given a meaning here.
"""

from __future__ import annotations

import json

import pytest
import requests
from graphql import GraphQLError

from syncflow_dagster.core.outcomes import Reject, Retry, Stop, Unknown
from syncflow_dagster.nodes.monday.classify import alias_error, column_of, whole_answer
from syncflow_dagster.nodes.monday.client import Answer, MondayClient
from syncflow_dagster.nodes.monday.costs import (
    COMPLEXITY_BUDGET,
    CONCURRENCY_BUDGET,
    DAILY_BUDGET,
    REQUEST_BUDGET,
)
from syncflow_dagster.sandbox.monday.errors import Denial, execution_body
from syncflow_dagster.sandbox.monday.field_errors import FIELD_ERRORS
from syncflow_dagster.sandbox.monday.spellings import LIMITS, STATUSES
from syncflow_dagster.workflows.models import MondayConnection

DENIAL = Denial("x", 7, cost=30_001, left=100, budget=1_000_000)
TOO_DEAR = Denial("x", None, cost=6_000_000, budget=5_000_000)
#: What a limit means, whatever its wording: (class, the budget that is used up).
OF_LIMIT = {
    "complexity": (Retry, COMPLEXITY_BUDGET),
    "single_query": (Reject, None),
    "minute": (Retry, REQUEST_BUDGET),
    "concurrency": (Retry, CONCURRENCY_BUDGET),
    "daily": (Stop, DAILY_BUDGET),
    "ip": (Retry, None),
    "ingest_jobs": (Retry, None),
    "blocked": (Retry, None),
}
#: These do not say which of the limits on requests was met.
NOT_TOLD = {"rate_limit", "rate_limit_ms", "rate_limited_exception", "mutation_calls"}
#: These do not say for how long.
NO_WAIT = {
    ("minute", "text_only"),
    ("minute", "mutation_calls"),
    ("minute", "rate_limited_exception"),
    ("concurrency", "text_only"),
}
OF_STATUS = {401: Stop, 403: Stop, 409: Unknown, 423: Retry, 500: Unknown, 503: Unknown}
OF_FIELD = {
    Reject: {
        "missing_label",
        "invalid_person",
        "linked_items_limit",
        "inactive_items",
        "validation_code_only",
        "corrected_value",
        "data_validations",
        "bad_column",
        "missing_column",
        "bad_item",
        "bad_group",
        "bad_user",
        "not_found",
        "not_found_200",
        "name_too_long",
        "record_invalid",
    },
    Stop: {
        "bad_board",
        "board_full",
        "user_unauthorized",
        "user_unauthorized_reason",
        "user_access_denied",
        "missing_permissions",
        "unauthorized_field",
    },
    Retry: {"locked", "field_limit", "field_minute_limit", "subgraph_limit"},
}


class Canned(requests.adapters.BaseAdapter):
    """Gives one answer without any connection."""

    def __init__(self, status, body, headers):
        super().__init__()
        self.status, self.body, self.headers = status, body, headers

    def send(self, request, **_):
        response = requests.Response()
        response.status_code = self.status
        response._content = json.dumps(self.body).encode()
        response.headers.update(self.headers)
        response.request, response.url = request, request.url
        return response

    def close(self):
        pass


def heard(status, body, headers=None):
    """What our client makes of an answer."""
    client = MondayClient(MondayConnection(type="monday", token="t", url="http://127.0.0.1:9/v2"))
    client._connected().session.mount("http://", Canned(status, body, headers or {}))
    answer = client.execute("mutation {a}")
    client.close()
    assert isinstance(answer, Answer)
    return answer


@pytest.mark.parametrize(
    ("limit", "spelling"), [(limit, name) for limit, names in LIMITS.items() for name in names]
)
def test_a_limit_of_the_account_in_every_wording(limit, spelling):
    said = LIMITS[limit][spelling].answer(TOO_DEAR if limit == "single_query" else DENIAL, "r-1")
    kind, budget = OF_LIMIT[limit]
    for mutations in (1, 20):
        outcome = whole_answer(heard(said.status, said.body, said.headers), mutations=mutations)
        # The calls of mutations may have been used up by one of several, after others had run.
        one_of_several = spelling == "mutation_calls" and mutations > 1
        assert isinstance(outcome, Unknown if one_of_several else kind), outcome
    outcome = whole_answer(heard(said.status, said.body, said.headers))
    if kind is not Reject:
        assert outcome.limit == (None if spelling in NOT_TOLD else budget)
        # Whatever a limit says of its end is believed.
        assert outcome.after_s == (None if (limit, spelling) in NO_WAIT else 7)
    if kind is Retry:
        assert not outcome.counts


@pytest.mark.parametrize(
    ("status", "spelling"), [(status, name) for status, names in STATUSES.items() for name in names]
)
def test_an_http_status_in_every_wording(status, spelling):
    said = STATUSES[status][spelling].answer(Denial("", None), "r-1")
    outcome = whole_answer(heard(said.status, said.body))
    assert isinstance(outcome, OF_STATUS[status]), outcome


def refused(spelling, version="2026-10"):
    """One of two mutations is refused, as the sandbox's answer has it."""
    error = GraphQLError("", path=["e1"], original_error=FIELD_ERRORS[spelling]())
    error.message = error.original_error.message
    error.extensions = error.original_error.extensions
    return heard(200, execution_body({"e0": {"id": "1"}, "e1": None}, [error], version, "r-1"))


def test_every_wording_of_a_refused_field_has_a_meaning():
    assert set().union(*OF_FIELD.values()) == set(FIELD_ERRORS)


@pytest.mark.parametrize(
    ("kind", "spelling"),
    [(kind, name) for kind, names in OF_FIELD.items() for name in sorted(names)],
)
def test_a_refused_field_in_every_wording(kind, spelling):
    answer = refused(spelling)
    assert whole_answer(answer, mutations=2) is None
    outcome = alias_error(answer.errors[0], answer)
    assert isinstance(outcome, kind), outcome
    # Without data nobody knows which of several mutations were applied.
    old = refused(spelling, "2024-10")
    assert old.old_style
    assert isinstance(whole_answer(old, mutations=2), Unknown)


@pytest.mark.parametrize(
    ("spelling", "column"),
    [
        ("missing_label", "status"),
        ("validation_code_only", "people"),
        ("missing_column", "lost"),
        ("bad_column", "lost"),
        ("data_validations", "numbers"),
    ],
)
def test_the_refused_column_is_known_in_every_wording(spelling, column):
    assert column_of(refused(spelling).errors[0]) == column


def test_a_broken_rule_tells_what_it_wants():
    answer = refused("data_validations")
    text = alias_error(answer.errors[0], answer).reason
    assert "'Numbers' must be at least [5]" in text
    assert "'Note' is required" in text

"""Limits: what is counted, when it refuses, what it says, in whose seconds."""

from __future__ import annotations

import re

import pytest

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.monday.errors import Denial
from syncflow_dagster.sandbox.monday.limits import PLANS, TOKEN_KINDS, TokenLimits
from syncflow_dagster.sandbox.monday.versions import MalformedVersionError, resolve

VERSION = "{version {value}}"
TRIAL = "sandbox-trial"


def creates(count):
    return (
        "mutation {"
        + " ".join(
            f'a{n}: create_item(board_id: 9000000001, item_name: "n{n}") {{id}}'
            for n in range(count)
        )
        + "}"
    )


def budget(answer):
    """(left, seconds) of the complexity budget."""
    found = re.search(r'"complexityMinute";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    return int(found[1]), int(found[2])


def test_headers_on_every_answer(monday):
    answer = monday.post(VERSION)
    assert answer.headers["RateLimit-Policy"] == (
        '"minuteRate";q=2500;w=60, "concurrency";q=100;qu="concurrent-requests", '
        '"complexityMinute";q=10000000;w=60;qu="content-bytes"'
    )
    assert answer.headers["RateLimit"] == (
        '"minuteRate";r=2499, "concurrency";r=99, "complexityMinute";r=9999989;t=60'
    )
    assert answer.headers["api-version"] == "2026-10"
    assert answer.headers["x-request-id"] == answer.json()["extensions"]["request_id"]
    for answer in (
        monday.post("{bad}"),
        monday.session.post(
            monday.url, data=b"x", headers={"Authorization": "sandbox-app"}, timeout=20
        ),
        monday.post(VERSION, headers={"API-Version": "soon"}),
    ):
        assert "RateLimit" in answer.headers
        assert "RateLimit-Policy" in answer.headers


def test_unknown_tokens(monday):
    for token in ("", "wrong", "Bearer wrong"):
        answer = monday.post(VERSION, token=token)
        assert answer.status_code == 401
        assert answer.json()["errors"] == [
            {"message": "Not authenticated", "extensions": {"code": "NOT_AUTHENTICATED"}}
        ]


@pytest.mark.parametrize(
    ("token", "writes"),
    [("sandbox-personal", 333), ("sandbox-app", 166), ("sandbox-trial", 33)],
)
def test_writes_in_a_minute_by_token(monday, control, token, writes):
    """The numbers of mutations that fit in a minute, as the service's budgets imply."""
    done = 0
    while done < writes:
        step = min(25, writes - done)
        assert "errors" not in monday.post(creates(step), token=token).json()
        done += step
    answer = monday.post(creates(1), token=token)
    assert answer.status_code == 429
    assert len(control.log()) == writes


def test_mutation_costs_what_the_service_s_sample_says(monday):
    data = monday.data(
        "mutation {complexity {before query after reset_in_x_seconds} "
        'create_item(board_id: 9000000001, item_name: "x") {id}}'
    )
    assert data["complexity"] == {
        "before": 10_000_000,
        "query": 30_001,
        "after": 9_969_999,
        "reset_in_x_seconds": 60,
    }


def test_failed_fields_are_cheaper_and_lists_are_settled(monday):
    bad = 'mutation {create_item(board_id: 1, item_name: "x") {id}}'
    left, _ = budget(monday.post(bad))
    assert left == 10_000_000 - 3_000
    monday.create("one")
    left, _ = budget(monday.post("{boards(ids: 9000000001) {items_page(limit: 500) {items {id}}}}"))
    # board, page, one item with one scalar: not the five hundred that were charged first
    assert left == 10_000_000 - 3_000 - 30_001 - 31


def test_app_tokens_have_separate_reads_and_writes(monday):
    written, _ = budget(monday.post(creates(10), token="sandbox-app"))
    read, _ = budget(monday.post(VERSION, token="sandbox-app"))
    assert written == 5_000_000 - 10 * 30_001
    assert read == 5_000_000 - 11
    both, _ = budget(monday.post(creates(10)))
    after, _ = budget(monday.post(VERSION))
    assert both - after == 11


def exhaust(monday):
    for _ in range(3):
        monday.post(creates(11), token=TRIAL)


def test_complexity_refusal_of_today(monday, control, clock):
    exhaust(monday)
    clock.advance(15)
    answer = monday.post(creates(1), token=TRIAL)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "45"
    body = answer.json()
    assert body["errors"] == [
        {
            "message": "Complexity budget exhausted",
            "extensions": {"code": "COMPLEXITY_BUDGET_EXHAUSTED", "retry_in_seconds": 45},
        }
    ]
    assert "data" not in body
    assert budget(answer)[1] == 45
    assert len(control.log()) == 33
    clock.advance(45)
    assert "errors" not in monday.post(creates(1), token=TRIAL).json()
    assert control.stats()["monday"]["throttled_by_limit"] == {"complexity": 1}


def test_complexity_refusal_in_the_style_of_early_2025(monday):
    exhaust(monday)
    answer = monday.post(creates(1), token=TRIAL, headers={"API-Version": "2025-01"})
    assert answer.headers["api-version"] == "2025-04"
    assert answer.json()["errors"][0]["extensions"] == {
        "code": "COMPLEXITY_BUDGET_EXHAUSTED",
        "complexity": 30_001,
        "complexity_budget_left": 1_000_000 - 33 * 30_001,
        "complexity_budget_limit": 1_000_000,
        "status_code": 429,
        "retry_in_seconds": 60,
    }


def test_legacy_refusals(monday, control):
    control.settings(reroute_deprecated=False)
    old = {"API-Version": "2024-10"}
    exhaust(monday)
    answer = monday.post(creates(1), token=TRIAL, headers=old)
    text = (
        "Complexity budget exhausted, query cost 30001 budget remaining 9967 out of 1000000 "
        "reset in 60 seconds"
    )
    # HTTP 200, as seen in the wild
    assert (answer.status_code, answer.headers["api-version"]) == (200, "2024-10")
    assert answer.json() == {
        "error_code": "ComplexityException",
        "status_code": 429,
        "error_message": text,
        "error_data": {},
        "errors": [text],
        "account_id": 1,
    }
    bad = 'mutation {create_item(board_id: 1, item_name: "x") {id}}'
    body = monday.post(bad, headers=old).json()
    assert body["error_code"] == "InvalidBoardIdException"
    assert body["error_data"] == {"board_id": 1}
    assert body["errors"] == [body["error_message"]]
    assert "data" not in body


def test_a_single_query_above_five_million(monday, control):
    error = monday.error(creates(167))
    assert error["extensions"] == {
        "code": "REQUEST_MAX_COMPLEXITY_EXCEEDED",
        "cost": 167 * 30_001,
        "max_complexity_per_request": 5_000_000,
    }
    assert control.log() == []
    assert len(monday.data(creates(166))) == 166


def test_requests_per_minute(monday, control, clock):
    control.settings(limits={"requests_per_minute": 3})
    for _ in range(3):
        assert monday.post(VERSION).status_code == 200
    clock.advance(10)
    answer = monday.post(VERSION)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "50"
    assert '"minuteRate";r=0;t=50' in answer.headers["RateLimit"]
    body = answer.json()
    assert body["errors"] == [
        {
            "message": "Minute rate limit exceeded",
            "extensions": {"code": "MINUTE_RATE_LIMIT_EXCEEDED", "retry_in_seconds": 50},
        }
    ]
    assert body["extensions"]["request_id"]
    clock.advance(50)
    assert monday.post(VERSION).status_code == 200


def test_daily_calls_and_the_tenths_of_refused_ones(monday, control, clock):
    control.settings(limits={"calls_per_day": 2})
    monday.post("{complexity {before}}")
    used = control.stats()["monday"]["budget_used"]["sandbox-personal"]["daily_calls"]
    assert used == 0.1
    assert monday.post(VERSION).status_code == 200
    answer = monday.post(VERSION)
    assert answer.status_code == 429
    error = answer.json()["errors"][0]
    assert error["extensions"]["code"] == "DAILY_LIMIT_EXCEEDED"
    to_midnight = 86_400 - clock.limit_time() % 86_400
    assert error["extensions"]["retry_in_seconds"] == pytest.approx(to_midnight, abs=1)
    used = control.stats()["monday"]["budget_used"]["sandbox-personal"]["daily_calls"]
    assert used == pytest.approx(1.2)
    clock.advance(to_midnight + 1)
    assert monday.post(VERSION).status_code == 200


def test_plan_numbers(monday, control):
    control.settings(plans={"personal": "enterprise"})
    policy = monday.post(VERSION).headers["RateLimit-Policy"]
    assert '"minuteRate";q=5000;w=60, "concurrency";q=250' in policy
    assert {name: plan.calls_per_day for name, plan in PLANS.items()} == {
        "free": 1_000,
        "standard": 1_000,
        "pro": 10_000,
        "enterprise": 25_000,
    }


def test_boards_have_a_limit_of_their_own(monday, clock):
    create = 'create_board(board_name: "B", board_kind: public, empty: true) {id}'
    document = "mutation {" + " ".join(f"a{n}: {create}" for n in range(41)) + "}"
    body = monday.body(document)
    assert body["data"]["a40"] is None
    assert body["data"]["a39"] is not None
    assert body["errors"][0]["extensions"] == {
        "code": "FIELD_MINUTE_RATE_LIMIT_EXCEEDED",
        "status_code": 429,
        "retry_in_seconds": 60,
    }
    clock.advance(60)
    assert monday.data("mutation {" + create + "}")


def test_requests_at_once_and_per_address():
    """These limits are out of a test's reach over HTTP, so the rule itself is asked."""
    clock = ManualClock()
    limits = TokenLimits(TOKEN_KINDS[2], PLANS["free"], clock)
    for _ in range(40):
        assert limits.admit() is None
        limits.in_flight += 1
    assert limits.admit() == Denial("concurrency", 15)
    assert '"concurrency";r=0;t=15' in limits.headers("query", "concurrency")["RateLimit"]


def test_faster_clock_shortens_windows_and_speaks_in_client_seconds(monday, control, clock):
    control.clock(20)
    exhaust(monday)
    answer = monday.post(creates(1), token=TRIAL)
    assert answer.json()["errors"][0]["extensions"]["retry_in_seconds"] == 3
    assert answer.headers["Retry-After"] == "3"
    assert '"minuteRate";q=1000;w=3' in answer.headers["RateLimit-Policy"]
    assert budget(answer)[1] == 3
    clock.advance(2.9)
    refused = monday.post(creates(1), token=TRIAL)
    assert refused.headers["Retry-After"] == "1"
    clock.advance(0.1)
    data = monday.post("mutation {complexity {before reset_in_x_seconds}}", token=TRIAL).json()
    assert data["data"]["complexity"] == {"before": 1_000_000, "reset_in_x_seconds": 3}


@pytest.mark.parametrize("speed", [1, 7, 60, 1000])
def test_a_client_that_waits_as_told_is_never_refused_twice(speed):
    clock = ManualClock()
    limits = TokenLimits(TOKEN_KINDS[2], PLANS["free"], clock)
    clock.set_speed(speed)
    clock.advance(0.013)
    for _ in range(50):
        charge = limits.charge("mutation", 400_000)
        if isinstance(charge, Denial):
            clock.advance(charge.retry_s)
            assert not isinstance(limits.charge("mutation", 400_000), Denial)
        clock.advance(0.007)


def test_speed_changes_do_not_move_time_that_has_passed():
    clock = ManualClock(started_at=0.0)
    clock.advance(10)
    clock.set_speed(10)
    clock.advance(10)
    clock.set_speed(1)
    assert (clock.real(), clock.limit_time()) == (20.0, 110.0)
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="positive"):
            clock.set_speed(wrong)


@pytest.mark.parametrize(
    ("header", "served", "kind"),
    [
        (None, "2026-10", "current"),
        ("2026-10", "2026-10", "current"),
        ("2026-07", "2026-07", "maintenance"),
        ("2027-01", "2027-01", "release_candidate"),
        ("2024-10", "2025-04", "old__maintenance"),
        ("2025-01", "2025-04", "old__maintenance"),
        ("2031-04", "2026-10", "current"),
        ("2025-02", "2026-10", "current"),
    ],
)
def test_version_routing(header, served, kind):
    version = resolve(header)
    assert (version.value, version.kind) == (served, kind)


def test_deprecated_versions_as_they_were():
    assert resolve("2024-10", reroute_deprecated=False).kind == "deprecated"
    for malformed in ("", "2026", "2026-13", "latest"):
        with pytest.raises(MalformedVersionError):
            resolve(malformed)


def test_malformed_version(monday):
    answer = monday.post(VERSION, headers={"API-Version": "26-10"})
    # Documented among the errors that come with HTTP 200.
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"]["code"] == "InvalidVersionException"

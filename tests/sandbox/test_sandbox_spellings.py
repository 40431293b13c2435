"""One limit, many wordings: by API version, and as the dial chooses them."""

from __future__ import annotations

import pytest

from syncflow_dagster.sandbox.control import ControlError
from syncflow_dagster.sandbox.monday.errors import Denial
from syncflow_dagster.sandbox.monday.field_errors import FIELD_ERRORS
from syncflow_dagster.sandbox.monday.old_schema_errors import in_old_words
from syncflow_dagster.sandbox.monday.spellings import LIMITS, denial_answer, status_answer

CREATE = 'mutation {create_item(board_id: 9000000001, item_name: "x") {id}}'
COMPLEXITY = Denial("complexity", 7, cost=6_182, left=100, budget=5_000_000)
TOO_DEAR = Denial("single_query", None, cost=5_000_001, budget=5_000_000)
EXHAUSTED = {"code": "COMPLEXITY_BUDGET_EXHAUSTED", "retry_in_seconds": 7}
DETAILED = EXHAUSTED | {
    "complexity": 6_182,
    "complexity_budget_left": 100,
    "complexity_budget_limit": 5_000_000,
    "status_code": 429,
}


@pytest.mark.parametrize(
    ("denial", "version", "status", "extensions"),
    [
        (COMPLEXITY, "2024-10", 200, None),
        (COMPLEXITY, "2025-01", 429, DETAILED),
        (COMPLEXITY, "2025-04", 429, DETAILED),
        (COMPLEXITY, "2025-07", 429, EXHAUSTED),
        (COMPLEXITY, "2026-10", 429, EXHAUSTED),
        (TOO_DEAR, "2024-10", 200, None),
        (TOO_DEAR, "2025-07", 200, {"code": "ComplexityException", "status_code": 200}),
        (
            TOO_DEAR,
            "2025-10",
            200,
            {
                "code": "REQUEST_MAX_COMPLEXITY_EXCEEDED",
                "cost": 5_000_001,
                "max_complexity_per_request": 5_000_000,
            },
        ),
    ],
)
def test_complexity_by_api_version(denial, version, status, extensions):
    answer = denial_answer(denial, version, "r-1")
    assert answer.status == status
    assert answer.headers == ({"Retry-After": "7"} if status == 429 else {})
    if extensions is None:
        assert answer.body["error_code"] == "ComplexityException"
        assert answer.body["errors"] == [answer.body["error_message"]]
        assert "data" not in answer.body
    else:
        assert answer.body["errors"][0]["extensions"] == extensions


@pytest.mark.parametrize("limit", LIMITS)
def test_the_wordings_of_a_limit_differ(limit):
    denial = TOO_DEAR if limit == "single_query" else COMPLEXITY
    answers = [wording.answer(denial, "r-1") for wording in LIMITS[limit].values()]
    assert len({repr((one.status, one.body)) for one in answers}) == len(answers)


def test_a_wait_in_thousandths_and_answers_without_a_code_or_a_text():
    error = denial_answer(Denial("minute", 7), "2026-10", "r-1", "rate_limit_ms").body["errors"][0]
    assert error["extensions"] == {"code": "RATE_LIMIT_EXCEEDED", "retryAfterMs": 7_000}
    assert denial_answer(Denial("minute", 7), "2026-10", "r-1", "text_only").body["errors"] == [
        {"message": "Minute limit rate exceeded"}
    ]
    assert status_answer(503, "r-1").body["errors"] == [
        {"extensions": {"code": "TIMEOUT_EXCEEDED"}}
    ]
    assert status_answer(401, "r-1", "text_only").body["errors"] == ["Not Authenticated"]
    assert status_answer(418, "r-1").body["errors"][0]["extensions"]["status_code"] == 418


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        (
            'Cannot query field "x" on type "Query". Did you mean "y"?',
            "undefinedField",
            "Field 'x' doesn't exist on type 'Query'",
        ),
        (
            'Unknown argument "board_ids" on field "Mutation.create_item".',
            "argumentNotAccepted",
            "Field 'create_item' doesn't accept argument 'board_ids'",
        ),
        (
            'Field "create_item" argument "item_name" of type "String!" is required, but...',
            "missingRequiredArguments",
            "Field 'create_item' is missing required arguments: item_name",
        ),
        (
            'Value "mid" does not exist in "PositionRelative" enum.',
            "argumentLiteralsIncompatible",
            'Argument has an invalid value: Value "mid" does not exist in "PositionRelative" enum.',
        ),
        ("Syntax Error: Expected Name, found }.", None, "Parse error on Expected Name, found }."),
    ],
)
def test_documents_that_do_not_fit_in_the_old_words(message, code, text):
    today = {"message": message, "locations": [1], "extensions": {"code": "NEW"}}
    old = {"message": text, "locations": [1]} | ({"extensions": {"code": code}} if code else {})
    assert in_old_words(today) == old


def test_other_texts_keep_their_words():
    assert in_old_words({"message": "Variable $x"}) == {"message": "Variable $x"}


def test_the_dial_chooses_the_wording(monday, control):
    wanted = [
        ({"kind": "throttle", "limit": "concurrency", "spelling": "concurrency_limit"}, 429),
        ({"kind": "throttle", "limit": "blocked"}, 200),
        ({"kind": "throttle", "limit": "single_query"}, 200),
        ({"kind": "locked", "spelling": "text_only"}, 423),
        ({"kind": "error_before", "status": 403, "spelling": "user_access_denied"}, 403),
        ({"kind": "error_before", "status": 409}, 409),
        ({"kind": "error_before", "spelling": "exception"}, 500),
    ]
    for fault, _ in wanted:
        control.faults(fault, times=1)
    answers = [monday.post(CREATE) for _ in wanted]
    assert [one.status_code for one in answers] == [status for _, status in wanted]
    bodies = [one.json() for one in answers]
    codes = [body.get("errors", [{}])[0] for body in bodies[:-1]]
    assert [error.get("extensions", {}).get("code") for error in codes] == [
        "Concurrency limit exceeded",
        "API_TEMPORARILY_BLOCKED",
        "REQUEST_MAX_COMPLEXITY_EXCEEDED",
        None,
        "USER_ACCESS_DENIED",
        "IDEMPOTENCY_CONFLICT",
    ]
    assert bodies[-1]["error_code"] == "InternalServerError"
    assert control.log() == []
    assert monday.post(CREATE).status_code == 200


def test_one_field_is_refused_in_a_chosen_wording(monday, control):
    control.settings(reroute_deprecated=False)
    control.faults(kind="partial", spelling="data_validations", times=2)
    body = monday.body(CREATE)
    assert body["data"] == {"create_item": None}
    extensions = body["errors"][0]["extensions"]
    assert (extensions["code"], extensions["status_code"]) == ("DATA_VALIDATIONS_ERROR", 422)
    assert [one["columnIds"] for one in extensions["error_data"]] == [["numbers"], ["note"]]
    old = monday.post(CREATE, headers={"API-Version": "2024-10"}).json()
    assert old["error_code"] == "DATA_VALIDATIONS_ERROR"
    assert old["errors"] == ["data_validation_error"]
    old = monday.post("{boards {x}}", headers={"API-Version": "2024-10"}).json()
    assert old["errors"][0]["extensions"] == {"code": "undefinedField"}
    assert control.log() == []


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"kind": "throttle", "limit": "ip", "spelling": "loud"}, "'loud' is not one of: ip_rate_"),
        ({"kind": "error_before", "status": 418, "spelling": "x"}, "'x' is not one of: none"),
        ({"kind": "partial", "spelling": "x"}, "is not one of: " + next(iter(FIELD_ERRORS))),
        ({"kind": "partial", "spelling": "locked", "code": "X"}, "'code' or 'spelling', not both"),
    ],
)
def test_a_wording_that_does_not_fit_is_refused(control, fault, text):
    with pytest.raises(ControlError, match=text):
        control.faults(fault)

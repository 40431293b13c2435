"""monday's error answers, in every spelling and API version's shape, and what each means."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from syncflow_dagster.core.outcomes import Reject, Retry, Stop, Unknown
from syncflow_dagster.nodes.monday.classify import (
    alias_error,
    code_of,
    describe,
    silence,
    wait_of,
    whole_answer,
)
from syncflow_dagster.nodes.monday.client import Answer, MondayClient, NoAnswer
from syncflow_dagster.workflows.models import MondayConnection


class Canned:
    """A server on a loopback port that gives one answer to everything."""

    def __init__(self):
        answers = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                body = answers.body.encode()
                self.send_response(answers.status)
                for name, value in answers.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.status, self.headers, self.body = 200, {}, "{}"
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v2"


@pytest.fixture(scope="module")
def canned():
    one = Canned()
    thread = threading.Thread(target=one.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()


def answered(canned, status, body, headers=None):
    """What our client makes of an HTTP answer."""
    canned.status, canned.headers = status, headers or {}
    canned.body = body if isinstance(body, str) else json.dumps(body)
    client = MondayClient(MondayConnection(type="monday", token="t", url=canned.url))
    try:
        return client.execute("query {me {id}}")
    finally:
        client.close()


def new_style(code, message="No", **extensions):
    extensions = {"code": code, **extensions} if code else extensions
    return {"errors": [{"message": message, "extensions": extensions}]}


def old_style(code, status, message, data=None):
    return {
        "error_code": code,
        "status_code": status,
        "error_message": message,
        "error_data": data or {},
        "errors": [message],
        "account_id": 1,
    }


EXHAUSTED = (
    "Complexity budget exhausted, query cost 30001 budget remaining 19986 out of 1000000 "
    "reset in 3 seconds"
)
#: (HTTP status, body, headers, class, seconds to wait)
WHOLE = {
    "complexity, old style, 200": (
        200, old_style("ComplexityException", 429, EXHAUSTED), {}, Retry, 3),
    "complexity, old style, 429": (
        429, old_style("ComplexityException", 429, EXHAUSTED), {"Retry-After": "4"}, Retry, 4),
    "complexity, 2025-01": (
        200,
        new_style(
            "COMPLEXITY_BUDGET_EXHAUSTED", complexity=6182, complexity_budget_left=100,
            complexity_budget_limit=5_000_000, retry_in_seconds=60, status_code=429),
        {}, Retry, 60),
    "complexity, 2025-07": (
        429, new_style("COMPLEXITY_BUDGET_EXHAUSTED", retry_in_seconds=22), {}, Retry, 22),
    "minute": (429, new_style("MINUTE_RATE_LIMIT_EXCEEDED", retry_in_seconds=58), {}, Retry, 58),
    "minute, as documented": (429, new_style("Minute limit rate exceeded"), {}, Retry, None),
    "rate, as documented": (
        429, new_style("Rate Limit Exceeded"), {"Retry-After": "9"}, Retry, 9),
    "rate, of old clients": (429, old_style("RateLimitedException", 429, "x"), {}, Retry, None),
    "concurrency": (429, new_style("MAX_CONCURRENCY_EXCEEDED", retry_in_seconds=15), {}, Retry, 15),
    "concurrency, as documented": (200, new_style("maxConcurrencyExceeded"), {}, Retry, None),
    "concurrency, in words": (200, new_style("Concurrency limit exceeded"), {}, Retry, None),
    "ip": (429, new_style("IP_RATE_LIMIT_EXCEEDED", retry_in_seconds=10), {}, Retry, 10),
    "ingest job": (429, new_style("RATE_LIMIT_EXCEEDED", retryAfterMs=1500), {}, Retry, 1.5),
    "limit without a code": (429, {"errors": [{"message": "slow down"}]}, {}, Retry, None),
    "limit as a page": (429, "<html>Too many</html>", {"Retry-After": "30"}, Retry, 30),
    "limit with a date": (
        429, new_style("X"), {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, Retry, None),
    "calls of the old kind": (200, new_style("MutationCallsExceeded"), {}, Retry, None),
    "locked": (
        423, new_style("RESOURCE_LOCKED", "Resource is currently locked"), {}, Retry, None),
    "blocked": (200, new_style("API_TEMPORARILY_BLOCKED"), {}, Retry, None),
    "key in flight": (
        409, new_style("IDEMPOTENCY_CONFLICT"), {"Retry-After": "2"}, Unknown, 2),
    "key in flight, in other words": (
        409, new_style("CONFLICT"), {"Retry-After": "2"}, Unknown, 2),
    "key in flight, as a page": (409, "<html>Conflict</html>", {}, Unknown, None),
    "dearer than a window": (
        429,
        new_style(
            "COMPLEXITY_BUDGET_EXHAUSTED", complexity=3_001_110, complexity_budget_limit=1_000_000,
            retry_in_seconds=60),
        {}, Reject, None),
    "dearer than a window, old style": (
        200,
        old_style("ComplexityException", 429, EXHAUSTED.replace("cost 30001", "cost 1000001")),
        {}, Reject, None),
    "daily": (429, new_style("DAILY_LIMIT_EXCEEDED", retry_in_seconds=3599), {}, Stop, None),
    "bad token": (401, new_style("NOT_AUTHENTICATED", "Not authenticated"), {}, Stop, None),
    "bad token, as a page": (401, "<html>no</html>", {}, Stop, None),
    "no rights": (403, new_style("UserUnauthorizedException", status_code=403), {}, Stop, None),
    "no access": (403, new_style("USER_ACCESS_DENIED"), {}, Stop, None),
    "no permission": (200, new_style("missingRequiredPermissions"), {}, Stop, None),
    "no scope": (200, new_style("UNAUTHORIZED_FIELD_OR_TYPE"), {}, Stop, None),
    "no board": (200, new_style("InvalidBoardIdException"), {}, Stop, None),
    "bad version": (400, new_style("InvalidVersionException"), {}, Stop, None),
    "timeout without a message": (
        503, {"errors": [{"extensions": {"code": "TIMEOUT_EXCEEDED"}}]}, {}, Unknown, None),
    "server": (500, new_style("INTERNAL_SERVER_ERROR"), {}, Unknown, None),
    "server, with data": (500, {"data": {"e0": None}}, {}, Unknown, None),
    "gateway page": (502, "<html>Bad gateway</html>", {}, Unknown, None),
    "a page with 200": (200, "<html>Maintenance</html>", {}, Unknown, None),
    "an empty object": (200, "{}", {}, Unknown, None),
    "a list": (200, "[]", {}, Unknown, None),
    "a number": (200, "7", {}, Unknown, None),
    "half a body": (200, '{"data": {"e0"', {}, Unknown, None),
    "no data and no errors": (200, {"data": None}, {}, Unknown, None),
    "schema": (
        200, new_style("GRAPHQL_VALIDATION_FAILED", 'Cannot query field "x"'), {}, Reject, None),
    "a list's cursor is too old": (
        200, new_style("CursorException", "CursorExpiredError: ..."), {}, Reject, None),
    "a list's cursor is too old, old style": (
        200, old_style("CursorException", 200, "CursorExpiredError: ..."), {}, Reject, None),
    "older schema code": (200, new_style("undefinedField"), {}, Reject, None),
    "not JSON inside": (
        200, new_style(None, "Variable $v of type JSON! was provided invalid value"),
        {}, Reject, None),
    "too dear": (
        200, new_style("REQUEST_MAX_COMPLEXITY_EXCEEDED", cost=6_000_000), {}, Reject, None),
    "not JSON outside": (400, new_style("JsonParseException"), {}, Reject, None),
    # Other aliases of the same document may have been applied: an old-style answer names none.
    "refused value, old style": (
        200, old_style("ColumnValueException", 200, "This status label doesn't exist"),
        {}, Unknown, None),
    "server, old style": (200, old_style("InternalServerError", 500, "oops"), {}, Unknown, None),
    "old style without a code": (200, {"error_message": "oops"}, {}, Unknown, None),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_an_answer_that_concerns_the_whole_request(canned, case):
    status, body, headers, kind, wait = WHOLE[case]
    answer = answered(canned, status, body, headers)
    assert isinstance(answer, Answer)
    outcome = whole_answer(answer)
    assert isinstance(outcome, kind), outcome
    assert outcome.reason
    if isinstance(outcome, Retry):
        assert outcome.after_s == wait
        assert not outcome.counts


SEVERAL = {
    "full, old style": (200, old_style("ItemsLimitationException", 200, "x"), {}, Unknown, None),
    "rights, old style": (
        403, old_style("UserUnauthorizedException", 403, "x"), {}, Unknown, None),
    "field limit, old style": (
        429, old_style("FIELD_LIMIT_EXCEEDED", 429, "x"), {}, Unknown, None),
    "locked, of tomorrow": (423, old_style("Locked", 423, "x"), {}, Unknown, None),
    "rights, of one": (
        200,
        {"errors": [{"path": ["e3"], "extensions": {"code": "USER_ACCESS_DENIED"}}]},
        {}, Unknown, None),
    "token, old style": (401, old_style("NotAuthenticated", 401, "x"), {}, Stop, None),
    "points, old style": (
        200, old_style("ComplexityException", 429, EXHAUSTED), {}, Retry, 3),
    "rate, old style": (429, old_style("TooMuch", 429, "x"), {}, Retry, None),
    "rights, new style": (403, new_style("USER_ACCESS_DENIED"), {}, Stop, None),
}  # fmt: skip


@pytest.mark.parametrize("case", SEVERAL)
def test_without_data_the_others_of_several_mutations_may_have_been_applied(canned, case):
    status, body, headers, kind, wait = SEVERAL[case]
    answer = answered(canned, status, body, headers)
    outcome = whole_answer(answer, mutations=20)
    assert isinstance(outcome, kind), outcome
    assert getattr(outcome, "after_s", None) == wait
    # Where it was the only one, the error is its own.
    assert not isinstance(whole_answer(answer), Unknown)


def test_an_answer_with_data_speaks_for_each_effect(canned):
    body = {"data": {"e0": None}, **new_style("ColumnValueException")}
    assert whole_answer(answered(canned, 200, body)) is None


ALIAS = {
    "label": (
        {
            "code": "ColumnValueException",
            "status_code": 200,
            "error_data": {"column_id": "state", "column_type": "color"},
        },
        Reject,
        None,
    ),
    "column": ({"code": "InvalidColumnIdException"}, Reject, None),
    "column of newer services": (
        {"error_reason": "store.monday.automation.error.missing_column"}, Reject, None),
    "item": ({"code": "InvalidItemIdException"}, Reject, None),
    "group": ({"code": "InvalidGroupIdException"}, Reject, None),
    "person": ({"code": "InvalidUserIdException"}, Reject, None),
    "not found": ({"code": "ResourceNotFoundException", "status_code": 404}, Reject, None),
    "name": ({"code": "ItemNameTooLongException"}, Reject, None),
    "validation rule": (
        {
            "code": "DATA_VALIDATIONS_ERROR",
            "status_code": 422,
            "error_data": [{"itemId": 1, "columnIds": ["a"], "message": "m"}],
        },
        Reject,
        None,
    ),
    "board full": ({"code": "ItemsLimitationException"}, Stop, None),
    "board": ({"code": "InvalidBoardIdException", "error_data": {"board_id": 1}}, Stop, None),
    "rights": ({"code": "UserUnauthorizedException"}, Stop, None),
    "field": ({"code": "FIELD_LIMIT_EXCEEDED", "retry_in_seconds": 15}, Retry, 15),
    "field, minute": ({"code": "FIELD_MINUTE_RATE_LIMIT_EXCEEDED"}, Retry, None),
    "part of the service": (
        {"code": "tooManyRequests", "status_code": 400, "service": "data-structure"}, Retry, None),
    "a limit of tomorrow": ({"code": "SOME_NEW_LIMIT", "status_code": 429}, Retry, None),
    "locked": ({"code": "SOME_LOCK", "status_code": 423}, Retry, None),
    "inside": ({"code": "INTERNAL_SERVER_ERROR", "status_code": 500}, Unknown, None),
    "a code of tomorrow": ({"code": "SomethingNew"}, Unknown, None),
    "no code": ({}, Unknown, None),
}  # fmt: skip


@pytest.mark.parametrize("case", ALIAS)
def test_an_error_of_one_mutation(case):
    extensions, kind, wait = ALIAS[case]
    error = {"message": "No", "path": ["e3"], "extensions": extensions}
    outcome = alias_error(error, Answer(200, {"e3": None}, [error], {}))
    assert isinstance(outcome, kind), outcome
    assert outcome.reason.startswith("No") or "(No" in outcome.reason
    if isinstance(outcome, Retry):
        assert outcome.after_s == wait
        assert not outcome.counts


@pytest.mark.parametrize(
    "spelling",
    ["MINUTE_RATE_LIMIT_EXCEEDED", "minuteRateLimitExceeded", "Minute rate limit exceeded"],
)
def test_spelling_does_not_matter(spelling):
    assert code_of({"extensions": {"code": spelling}}) == "minuteratelimitexceeded"


@pytest.mark.parametrize(
    ("error", "headers", "seconds"),
    [
        ({"extensions": {"retry_in_seconds": 7, "retryAfterMs": 9000}}, {"Retry-After": "1"}, 7),
        ({"extensions": {"retry_in_seconds": "7"}}, {}, 7),
        ({"extensions": {"retry_in_seconds": "soon"}}, {"Retry-After": "5"}, 5),
        ({"extensions": {"retry_in_seconds": None}}, {}, None),
        ({"extensions": {"retry_in_seconds": 0}}, {}, 0),
        ({"extensions": {"retryAfterMs": 250}}, {}, 0.25),
        ({"extensions": None}, {"Retry-After": "²"}, None),
        ({"extensions": {"retry_in_seconds": -4}}, {}, None),
        ({"message": "reset in 12 seconds"}, {}, 12),
        ({}, {}, None),
    ],
)
def test_the_wait_monday_asks_for(error, headers, seconds):
    assert wait_of(error, headers) == seconds


def test_an_error_is_told_in_one_line_with_its_column():
    error = {
        "message": "This status label doesn't exist",
        "extensions": {"code": "ColumnValueException", "error_data": {"column_id": "state"}},
    }
    assert (
        describe(error) == "This status label doesn't exist · column state · ColumnValueException"
    )
    assert describe({}) == ""
    assert describe({"extensions": {"code": "TIMEOUT_EXCEEDED"}}) == "no message · TIMEOUT_EXCEEDED"


def test_silence_is_unknown_unless_the_request_never_left():
    assert isinstance(silence(NoAnswer("cut", sent=True)), Unknown)
    unsent = silence(NoAnswer("connection refused", sent=False))
    assert isinstance(unsent, Retry)
    assert not unsent.counts


def test_a_refused_connection_is_known_not_to_have_been_sent():
    client = MondayClient(MondayConnection(type="monday", token="t", url="http://127.0.0.1:9/v2"))
    answer = client.execute("query {me {id}}")
    assert answer == NoAnswer("connection refused", sent=False)


def test_no_token_shows_in_what_we_tell(canned):
    answer = answered(canned, 401, new_style("NOT_AUTHENTICATED"))
    assert "authorization" not in str(whole_answer(answer)).lower()


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Internal server error"},
        {"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR", "status_code": 500}},
        {"message": "x", "extensions": {"code": "REQUEST_TIMEOUT"}},
        {"message": "null in a field that may not be", "path": ["e0"]},
    ],
)
def test_an_answer_without_data_is_no_refusal_unless_it_says_so(error):
    assert isinstance(whole_answer(Answer(200, None, [error], {})), Unknown)


@pytest.mark.parametrize(
    "error",
    [
        {"message": 'Cannot query field "x" on type "Query".'},
        {"message": "Variable $columnValues of type JSON! was provided invalid value"},
        {"message": "x", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}},
    ],
)
def test_a_document_that_never_ran_is_refused(error):
    assert isinstance(whole_answer(Answer(200, None, [error], {})), Reject)

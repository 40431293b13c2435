"""Each error of Salesforce has one meaning for reads and one for writes."""

from __future__ import annotations

import pytest
from scripted import Scripted, answer, error

from syncflow_dagster.core.outcomes import Reject, Retry, Stop, Unknown
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce.answers import Answer, ApiError, NoAnswer
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.consent import Consent, consents
from syncflow_dagster.nodes.salesforce.errors import (
    BulkUnsupported,
    CursorExpired,
    JobGone,
    LoginFailed,
    NotThere,
    QuotaReached,
    job_error,
    read_error,
    row_outcome,
    whole_answer,
)
from syncflow_dagster.nodes.salesforce.limits import BULK_QUERY, Limit, check_bulk, read_limits
from syncflow_dagster.nodes.salesforce.quota import QuotaWatch

BUSY = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
TOTAL = "TotalRequests Limit exceeded."
# status, code, text: whole write, read, whether the read is tried again at once
WHOLE = [
    (400, "MALFORMED_QUERY", "", Reject, QueryFailedError, False),
    (400, "INVALID_FIELD", "No such column", Stop, QueryFailedError, False),
    (400, "INVALID_TYPE", "", Stop, QueryFailedError, False),
    (400, "QUERY_TIMEOUT", "", Retry, SourceUnavailableError, False),
    (400, "INVALID_QUERY_LOCATOR", "", Reject, CursorExpired, False),
    (400, "QUERY_LOCATOR_EXPIRED", "", Reject, CursorExpired, False),
    (404, "INVALID_QUERY_LOCATOR", "", Reject, CursorExpired, False),
    (400, "INVALIDENTITY", "", Stop, BulkUnsupported, False),
    (400, "API_ERROR", "Selecting compound data", Stop, BulkUnsupported, False),
    (400, "SOMETHING_NEW", "", Reject, QueryFailedError, False),
    (401, "INVALID_SESSION_ID", "", Stop, LoginFailed, False),
    (403, "REQUEST_LIMIT_EXCEEDED", BUSY, Retry, SourceUnavailableError, True),
    (403, "REQUEST_LIMIT_EXCEEDED", TOTAL, Stop, QuotaReached, False),
    (403, "API_DISABLED_FOR_ORG", "", Stop, QueryFailedError, False),
    (403, "INSUFFICIENT_ACCESS", "", Stop, QueryFailedError, False),
    (404, "NOT_FOUND", "", Stop, NotThere, False),
    (406, "", "", Unknown, SourceUnavailableError, True),
    (409, "", "", Stop, QueryFailedError, False),
    (410, "", "", Stop, QueryFailedError, False),
    (420, "", "", Unknown, SourceUnavailableError, True),
    (429, "", "", Retry, SourceUnavailableError, True),
    (431, "", "", Reject, QueryFailedError, False),
    (500, "UNKNOWN_EXCEPTION", "", Unknown, SourceUnavailableError, True),
    (503, "SERVER_UNAVAILABLE", "", Unknown, SourceUnavailableError, True),
    (503, "REQUEST_LIMIT_EXCEEDED", TOTAL, Unknown, SourceUnavailableError, True),
]


@pytest.mark.parametrize(("status", "code", "text", "write", "read", "again"), WHOLE)
def test_a_whole_answer_means_one_thing(status, code, text, write, read, again):
    given = error(code, status, text)
    assert type(whole_answer(given)) is write
    assert type(read_error(given, "the query")) is read
    client = Scripted(*[given] * 9)
    with pytest.raises(read):
        ask(client, "query", "the query")
    assert len(client.asked) == (5 if again else 1)
    assert len(client.waits) == len(client.asked) - 1


def test_limits_say_when_they_end_and_whether_somebody_is_to_blame():
    busy = whole_answer(error("REQUEST_LIMIT_EXCEEDED", 403, BUSY))
    assert (busy.counts, busy.after_s) == (False, 5.0)
    total = whole_answer(error("REQUEST_LIMIT_EXCEEDED", 403, TOTAL))
    assert (total.limit, total.after_s) == ("daily_requests", 3600.0)
    assert whole_answer(error("", 429, **{"Retry-After": "7"})).after_s == 7
    assert whole_answer(error("", 502)).outage
    assert not whole_answer(error("MALFORMED_QUERY")).gone
    client = Scripted(error("", 429, **{"Retry-After": "7"}), answer({"ok": 1}))
    assert ask(client, "limits", "x").body == {"ok": 1}
    assert client.waits == [7]
    hour = Scripted(error("", 429, **{"Retry-After": "3600"}))
    with pytest.raises(SourceUnavailableError):
        ask(hour, "limits", "x")


@pytest.mark.parametrize(
    ("given", "write", "read", "again"),
    [
        (NoAnswer("cut", sent=True), Unknown, SourceUnavailableError, True),
        (NoAnswer("connection refused", sent=False), Retry, SourceUnavailableError, True),
        (NoAnswer("no such user", sent=False, refused=True), Stop, LoginFailed, False),
        (NoAnswer("80%", sent=False, ceiling=True), Stop, QuotaReached, False),
        (Answer(200, {}, text="<html>"), Unknown, SourceUnavailableError, True),
        (Answer(502, {}, text="<html>"), Unknown, SourceUnavailableError, True),
        (Answer(302, {}), Stop, QueryFailedError, False),
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(given, write, read, again):
    assert type(whole_answer(given)) is write
    client = Scripted(*[given] * 5)
    with pytest.raises(read):
        ask(client, "query", "the query")
    assert len(client.asked) == (5 if again else 1)


@pytest.mark.parametrize(
    ("code", "text", "fields", "kind", "gone"),
    [
        ("UNABLE_TO_LOCK_ROW", "", (), Retry, None),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "UNABLE_TO_LOCK_ROW, in trigger", (), Retry, None),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger", (), Reject, False),
        ("DUPLICATES_DETECTED", "Use one of these records?", (), Reject, False),
        ("DUPLICATE_VALUE", "", (), Reject, False),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "", ("Email",), Reject, False),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "", ("Email",), Reject, False),
        ("INVALID_FIELD", "", (), Reject, False),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "", (), Reject, False),
        ("ENTITY_IS_DELETED", "", (), Reject, True),
        ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (), Reject, True),
        ("INVALID_CROSS_REFERENCE_KEY", "", ("Past_Account__c",), Reject, False),
        ("UNKNOWN_EXCEPTION", "", (), Retry, None),
        ("SERVER_UNAVAILABLE", "", (), Retry, None),
        ("REQUEST_LIMIT_EXCEEDED", BUSY, (), Retry, None),
        ("LIMIT_EXCEEDED", "Apex CPU time limit exceeded", (), Retry, None),
        ("STORAGE_LIMIT_EXCEEDED", "", (), Stop, None),
        ("SOMETHING_NEW", "", (), Reject, False),
    ],
)
def test_one_records_error_is_never_unknown(code, text, fields, kind, gone):
    found = row_outcome(ApiError(code, text, fields))
    assert type(found) is kind
    assert getattr(found, "gone", None) is gone
    assert all(one in found.reason for one in (code, *fields))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("INVALIDENTITY : Entity 'X' is not supported by the Bulk API.", BulkUnsupported),
        ("API_ERROR : Selecting compound data not supported in Bulk Query", BulkUnsupported),
        ("InternalServerError : Retried more than fifteen times", SourceUnavailableError),
        ("InvalidBatch : MALFORMED_QUERY", QueryFailedError),
        ("", QueryFailedError),
    ],
)
def test_a_failed_job_says_whether_rest_or_time_helps(text, kind):
    found = job_error(text, "the bulk query")
    assert type(found) is kind
    assert text in str(found)


def test_the_requests_of_a_day_stop_at_both_ceilings():
    watch = QuotaWatch(0.8, 0.25)
    assert watch.take() is None  # nothing is known yet
    watch.heard({"Sforce-Limit-Info": "api-usage=70/100; api-bursts=1/750"})
    assert watch.usage.used == 70
    assert [watch.take() is None for _ in range(25)] == [True] * 24 + [False]
    assert "run_share" in watch.take()
    watch.heard({"Sforce-Limit-Info": "per-app-api-usage=9/250(appName=x), api-usage=80/100"})
    assert "org_share" in watch.take()
    watch.heard({"Sforce-Limit-Info": "per-app-api-usage=9/9(appName=x)"})
    assert watch.usage.used == 80

    client = Scripted(answer({
        "DailyApiRequests": {"Max": 100, "Remaining": 60},
        "DailyBulkV2QueryJobs": {"Max": 10, "Remaining": 1},
        "PermissionSets": {"Max": 1500},
    }))  # fmt: skip
    limits = read_limits(client)
    assert (client.usage.used, client.usage.allowed) == (40, 100)
    assert limits["DailyBulkV2QueryJobs"] == Limit(10, 1)
    check_bulk(limits, BULK_QUERY, 0.95)
    with pytest.raises(QuotaReached, match="9 of 10 DailyBulkV2QueryJobs"):
        check_bulk(limits, BULK_QUERY, 0.8)


def test_consent_is_only_what_the_org_clearly_says():
    said = {
        "a": {"result": "Success", "proceed": {"email": "true", "emailResult": "Success",
                                              "track": False, "trackResult": "Success"}},
        "b": {"result": "Success", "proceed": {"email": "true", "emailResult": "INFO_NOT_FOUND",
                                              "track": "false", "trackResult": "INFO_NOT_FOUND"}},
        "c": {"result": "INVALID_ID"},
        "e": {"result": "Success", "proceed": {"email": "maybe", "track": None}},
    }  # fmt: skip
    found = consents(Scripted(answer(said)), ["email", "track"], ["a", "b", "c", "d", "e", "a"])
    forget = {"a": {"result": "Success", "proceed": {"shouldforget": "true", "mail": "true",
                                                    "shouldForgetResult": "Success"}}}  # fmt: skip
    assert consents(Scripted(answer(forget)), ["shouldForget", "mail"], ["a"])["a"] == {
        "shouldForget": Consent.ALLOWED,
        "mail": Consent.UNREADABLE,
    }
    unreadable = dict.fromkeys(["email", "track"], Consent.UNREADABLE)
    assert found["a"] == {"email": Consent.ALLOWED, "track": Consent.REFUSED}
    assert [found[one] for one in "bcde"] == [unreadable] * 4

    refused = Scripted(error("FUNCTIONALITY_NOT_ENABLED", 403))
    assert consents(refused, ["email"], ["a"]) == {"a": {"email": Consent.UNREADABLE}}
    for nobody in (
        NoAnswer("cut", sent=True),
        NoAnswer("no login", sent=False, refused=True),
        error("INVALID_SESSION_ID", 401),
        error("REQUEST_LIMIT_EXCEEDED", 403, TOTAL),
    ):
        with pytest.raises(SourceUnavailableError):
            consents(Scripted(*[nobody] * 5), ["email"], ["a"])
    many = Scripted(answer({}), answer({}))
    consents(many, ["email"], [f"{n:018}" for n in range(401)])
    assert max(len(asked[2]["ids"]) for asked in many.asked) < 16_000


def test_errors_say_what_was_asked_and_what_to_do():
    found = str(read_error(error("INVALID_FIELD", 400, "No such\n column 'X'"), "the query"))
    assert found.startswith("the query: Salesforce answers 400: No such column 'X' · INVALID_FIELD")
    assert "the user cannot see it" in found
    assert issubclass(JobGone, SourceUnavailableError)

"""Bulk jobs from our side: what each answer about one means, and how files go up and down."""

from __future__ import annotations

import http.server
import socket
import threading
import uuid

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import MaxRetryError, NameResolutionError

from syncflow_dagster.core.budget import Reading
from syncflow_dagster.core.outcomes import Reject, Retry, Stop
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.bulk import report
from syncflow_dagster.nodes.monday.bulk.answers import (
    Counts,
    NotOffered,
    NotRead,
    NotStarted,
    NotStored,
    Progress,
    ReportUnreadable,
    Started,
    Unclear,
    Uploaded,
)
from syncflow_dagster.nodes.monday.bulk.jobs import BulkJobs, start_cost
from syncflow_dagster.nodes.monday.bulk.report import NoReport, ReportRow
from syncflow_dagster.nodes.monday.client import Answer, MondayClient, NoAnswer
from syncflow_dagster.nodes.transport import failure, never_left
from syncflow_dagster.workflows.models import MondayConnection

SECRET = "X-Amz-Signature=5ec2e7"
KEY = uuid.UUID(int=7)
NOT_STARTED = {costs.INGEST_JOBS_BUDGET: 0}
ASKED = {costs.REQUEST_BUDGET: 1, costs.DAILY_BUDGET: 1}


class Says:
    """A client that gives one answer and keeps what it was asked."""

    def __init__(self, answer):
        self.answer, self.asked = answer, None

    def execute(self, document, variables=None, idempotency_key=None):
        self.asked = variables, idempotency_key
        return self.answer


def jobs(client, url="http://127.0.0.1:1/v2", timeout_s=5):
    connection = {"type": "monday", "token": "t", "url": url, "timeout_s": timeout_s}
    return BulkJobs(client, MondayConnection.model_validate(connection))


def answer(data=None, status=200, headers=(), **error):
    errors = [{"message": "No", **error}] if error else []
    return Answer(status, data, errors, CaseInsensitiveDict(headers))


def start(given_answer):
    return jobs(Says(given_answer)).start("500", "topics", "record_uuid", KEY)


def coded(code, **extensions):
    return {"extensions": {"code": code, **extensions}}


def test_a_job_is_started_so_that_it_may_run_twice():
    upload = f"https://files/upload?{SECRET}"
    job = {"job_id": "j1", "upload_url": upload}
    complexity = {"query": 30022, "after": 900, "reset_in_x_seconds": 9}
    client = Says(answer({"complexity": complexity, "ingest_items": job}))
    started = jobs(client).start("500", "topics", "record_uuid", KEY)
    match = {"match_column_id": "record_uuid", "behaviour": "UPSERT"}
    assert client.asked == ({"board": "500", "group": "topics", "match": match}, KEY)
    assert isinstance(started, Started)
    assert (started.job_id, started.upload_url, started.replayed) == ("j1", upload, False)
    assert SECRET not in repr(started)
    assert started.readings == [Reading(costs.COMPLEXITY_BUDGET, remaining=900, resets_in_s=9)]
    assert started.spent == ASKED | {costs.COMPLEXITY_BUDGET: 30022, costs.INGEST_JOBS_BUDGET: 1}
    assert started.spent.keys() <= start_cost().keys()

    replayed = start(answer({"ingest_items": job}, headers={"Idempotency-Replayed": "true"}))
    assert replayed.replayed
    assert replayed.spent[costs.INGEST_JOBS_BUDGET] == 0


NULL = {"ingest_items": None}
AT = {"path": ["ingest_items"]}
NOT_BEGUN = [
    (NoAnswer("no answer (ReadTimeout)", sent=True), Retry("", counts=False, outage=True)),
    (NoAnswer("connection refused", sent=False), Retry("", counts=False, outage=True)),
    (answer(status=502), Retry("", counts=False, outage=True)),
    (answer(NULL), Retry("")),
    (answer({"ingest_items": {"job_id": "j1", "upload_url": None}}), Retry("")),
    (answer(NULL, **AT, **coded("INTERNAL_SERVER_ERROR")), Retry("")),
    (
        answer(None, 409, {"Retry-After": "3"}, **coded("IDEMPOTENCY_CONFLICT")),
        Retry("", 3, counts=False),
    ),
    (
        answer(None, 429, **coded("RATE_LIMIT_EXCEEDED", retryAfterMs=90_500)),
        Retry("", 90.5, counts=False, limit=costs.INGEST_JOBS_BUDGET),
    ),
    (
        answer(NULL, **AT, **coded("RATE_LIMIT_EXCEEDED", retryAfterMs=1000)),
        Retry("", 1, counts=False, limit=costs.INGEST_JOBS_BUDGET),
    ),
    (
        answer(None, 429, **coded("COMPLEXITY_BUDGET_EXHAUSTED", retry_in_seconds=5)),
        Retry("", 5, counts=False, limit=costs.COMPLEXITY_BUDGET),
    ),
    (answer(None, 401, **coded("NOT_AUTHENTICATED")), Stop("")),
    (
        answer(None, 429, **coded("DAILY_LIMIT_EXCEEDED", retry_in_seconds=60)),
        Stop("", costs.DAILY_BUDGET, 60),
    ),
]


@pytest.mark.parametrize(("given_answer", "meant"), NOT_BEGUN)
def test_a_start_without_a_job_has_applied_nothing(given_answer, meant):
    found = start(given_answer)
    assert isinstance(found, NotStarted)
    assert found.outcome.reason
    # Only what is to be done next counts here.
    assert {**_fields(found.outcome), "reason": ""} == _fields(meant)
    told = [(one.name, one.remaining, one.resets_in_s) for one in found.readings]
    assert told == ([(meant.limit, 0, meant.after_s)] if meant.limit else [])


def _fields(outcome):
    return {name: getattr(outcome, name) for name in type(outcome).__slots__} | {
        "is": type(outcome)
    }


@pytest.mark.parametrize(
    "given_answer",
    [
        answer(status=400, message='Cannot query field "ingest_items" on type "Mutation".'),
        answer(message='Unknown type "OnMatchInput".'),
        answer(NULL, **AT, **coded("InvalidGroupIdException")),
        answer(None, **AT, **coded("ResourceNotFoundException")),
        answer(NULL, **AT, **coded("UNAUTHORIZED_FIELD_OR_TYPE")),
        answer(NULL, **AT, **coded("FEATURE_NOT_AVAILABLE")),
        Answer(200, None, [{"message": "Field 'ingest_items' missing"}], {}, old_style=True),
    ],
)
def test_where_jobs_are_not_to_be_had_mutations_can_do(given_answer):
    found = start(given_answer)
    assert isinstance(found, NotOffered)
    assert found.reason
    assert found.spent[costs.INGEST_JOBS_BUDGET] == 0


def state(given_answer):
    return jobs(Says(given_answer)).state("j1")


def test_the_state_of_a_job_is_read():
    told = {
        "status": "COMPLETED",
        "counts": {"submitted": 3, "invalid": 1, "created": 2, "failed": None},
        "report_url": f"https://files/report?{SECRET}",
    }
    found = state(answer({"fetch_job_status": told}))
    assert (found.status, found.status.is_over) == (Progress.COMPLETED, True)
    assert found.counts == Counts(submitted=3, invalid=1, created=2)
    assert found.report_url.endswith(SECRET)
    assert SECRET not in repr(found)
    assert found.spent == ASKED

    told = {"status": "REJECTED", "failure_reason": "INVALID_UPLOAD", "failure_message": "Bad"}
    found = state(answer({"fetch_job_status": told}))
    assert (found.failure_reason, found.failure_message) == ("INVALID_UPLOAD", "Bad")
    assert found.status.is_over
    assert not state(answer({"fetch_job_status": {"status": "UPLOAD_PENDING"}})).status.is_over


@pytest.mark.parametrize(
    ("given_answer", "kind"),
    [
        (NoAnswer("no answer (ReadTimeout)", sent=True), Retry),
        (answer(status=500), Retry),
        (answer({"fetch_job_status": {"status": "RESTING"}}), Retry),
        (answer({"fetch_job_status": {}}), Retry),
        (answer(None, 429, **coded("MINUTE_RATE_LIMIT_EXCEEDED", retry_in_seconds=5)), Retry),
        (answer(None, path=["fetch_job_status"], **coded("SOMETHING_NEW")), Retry),
        (answer(None, path=["fetch_job_status"], **coded("ResourceNotFoundException")), Reject),
        (answer(None, 401, **coded("NOT_AUTHENTICATED")), Stop),
    ],
)
def test_a_state_that_is_not_told_is_asked_for_again_or_given_up(given_answer, kind):
    found = state(given_answer)
    assert isinstance(found, NotRead)
    assert isinstance(found.outcome, kind)
    assert found.outcome.reason
    limit = getattr(found.outcome, "limit", None)
    assert [one.name for one in found.readings] == ([limit] if limit else [])


HEADER = b"serialNo,status,itemId,error,color1,date1\n"
REPORT = HEADER + (
    b"1,success,12559470820,,,\n"
    b'3,validation_error,,"[color1]: Label ""No"" is invalid","Label ""No""\n is invalid",\n'
)


def test_a_report_tells_of_each_row_it_has():
    wrong = ReportRow(
        "validation_error",
        None,
        '[color1]: Label "No" is invalid',
        {"color1": 'Label "No"\n is invalid'},
    )
    assert report.read(REPORT) == {1: ReportRow(report.SUCCESS, "12559470820"), 3: wrong}
    assert report.read(HEADER) == {}
    assert report.read(b"\xef\xbb\xbfitemId,serialNo,status\r\n7,1,success\r\n\r\n") == {
        1: ReportRow("success", "7")
    }
    # A column of the board that is called as one of the report's own comes after it.
    named_alike = b"serialNo,status,itemId,error,status\n1,success,7,,\n"
    assert report.read(named_alike)[1].status == "success"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "begins with ''"),
        (b"<html>Bad gateway</html>", "begins with '<html>"),
        (b"serialNo,status\n1,success\n", "right would be serialNo,status,itemId"),
        (HEADER + b"1,success,7,,,\n1,success,8,,,\n", "twice of row 1"),
        (HEADER + b"1,success,7\n", "has 3 cells, its header 6"),
        (HEADER + b"one,success,7,,,\n", "cannot be right: 'one,"),
        (HEADER + b"0,success,7,,,\n", "cannot be right"),
        (HEADER + b"1,,7,,,\n", "cannot be right"),
        (HEADER + b"1,success,seven,,,\n", "cannot be right"),
        (HEADER + b'1,success,7,"a', "not CSV in UTF-8"),
        (HEADER + b"1,success,7,\xff,,\n", "not CSV in UTF-8"),
    ],
)
def test_a_report_that_is_none_is_told(content, reason):
    with pytest.raises(NoReport) as refusal:
        report.read(content)
    assert reason in str(refusal.value)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.integers(0, len(REPORT)))
def test_a_damaged_report_is_told_or_shorter_and_never_something_else(noise, cut):
    whole = report.read(REPORT)
    for damaged, may_be in ((noise, {}), (REPORT[:cut], whole)):
        try:
            rows = report.read(damaged)
        except NoReport as refusal:
            assert 0 < len(str(refusal)) < 250
        else:
            assert rows.items() <= may_be.items()


class Store:
    """A file store on a loopback port that gives one answer to everything."""

    def __init__(self):
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                store.stored = body, {name.lower(): text for name, text in self.headers.items()}
                self.do_GET()

            def do_GET(self):
                if store.status is None:
                    store.released.wait(10)
                    return
                if store.status == "cut":
                    self.close_connection = True
                    return
                self.send_response(store.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(store.body)))
                self.end_headers()
                self.wfile.write(store.body)

            def log_message(self, *_):
                pass

        self.status, self.body, self.stored = 200, b"", None
        self.released = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/file?{SECRET}"


@pytest.fixture(scope="module")
def store():
    one = Store()
    threading.Thread(target=one.server.serve_forever, args=(0.01,), daemon=True).start()
    yield one
    one.released.set()
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def bulk():
    one = jobs(MondayClient(None), timeout_s=0.2)
    yield one
    one.close()


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (200, Uploaded, None),
        (403, NotStored, "HTTP 403"),
        (302, NotStored, "HTTP 302"),
        (503, Unclear, "HTTP 503"),
        ("cut", Unclear, "no answer (ConnectionError)"),
        (None, Unclear, "no answer ("),
    ],
)
def test_a_file_goes_up_or_it_is_said_whether_it_may_have(store, bulk, status, kind, reason):
    store.status, store.body = status, b"<Error/>"
    found = bulk.upload(store.url, b"name\r\n\xc3\xa4\r\n")
    content, headers = store.stored
    assert content == b"name\r\n\xc3\xa4\r\n"
    assert headers["content-type"] == "text/csv"
    assert not {name for name in headers if name.startswith("x-amz")} | (
        {*headers} & {"authorization"}
    )
    assert isinstance(found, kind)
    if reason:
        assert reason in found.reason
        assert SECRET not in found.reason


def test_a_name_that_nobody_knows_is_no_request_that_may_have_arrived():
    unknown = NameResolutionError("files", None, socket.gaierror())
    error = requests.ConnectionError(MaxRetryError(None, f"/file?{SECRET}", unknown))
    assert never_left(error)
    assert SECRET not in failure(error)
    assert not never_left(requests.ConnectionError("Connection aborted."))
    assert never_left(requests.ConnectTimeout())
    assert not never_left(requests.ReadTimeout())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "no address", "ftp://x/y"])
def test_a_file_that_met_nobody_is_not_there(bulk, url):
    found = bulk.upload(f"{url}?{SECRET}", b"")
    assert isinstance(found, NotStored)
    assert SECRET not in found.reason


def test_a_report_is_fetched_or_it_is_said_why_not(store, bulk):
    store.status, store.body = 200, REPORT
    assert bulk.report(store.url)[1] == ReportRow("success", "12559470820")
    for status, body, reason in (
        (403, REPORT, "HTTP 403"),
        (200, b"<html>", "begins with"),
        ("cut", b"", "no answer"),
    ):
        store.status, store.body = status, body
        found = bulk.report(store.url)
        assert isinstance(found, ReportUnreadable)
        assert reason in found.reason
        assert SECRET not in found.reason
    assert isinstance(bulk.report("nowhere"), ReportUnreadable)

"""Rows of a query by REST and by Bulk 2.0, through every fault that can hit a read."""

from __future__ import annotations

import gzip
import itertools
import threading
import time
from dataclasses import replace

import pyarrow as pa
import pytest
from conftest import NASTY
from requests.adapters import HTTPAdapter
from scripted import Scripted, answer, connection, error, response

from syncflow_dagster.core.soql.check import Checker
from syncflow_dagster.core.soql.split import LONGEST_ADDRESS
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce import bulk_reading, reading
from syncflow_dagster.nodes.salesforce.answers import Answer, NoAnswer
from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.nodes.salesforce.columns import Column
from syncflow_dagster.nodes.salesforce.describe import Describes
from syncflow_dagster.nodes.salesforce.errors import (
    BulkUnsupported,
    CursorExpired,
    JobGone,
    LoginFailed,
    QuotaReached,
)

ROWS = 450
IDS = (Column("Id", "id"),)
SOQL = "SELECT Id FROM Contact ORDER BY Id"


def everything(client, name, *more):
    """A query of all that both ways can read of an object."""
    describes = Describes(client)
    owner = describes.object(name)
    simple = [one.name for one in owner.fields if one.type not in {"address", "location"}]
    paths = Checker(owner, describes).fields([*simple, *more], ("fields",))
    columns = tuple(Column(one.text, one.field.type) for one in paths)
    soql = f"SELECT {', '.join(one.name for one in columns)} FROM {name} ORDER BY Id"
    return soql, columns


def table(batches):
    return pa.Table.from_batches(list(batches))


def test_every_field_of_every_record_is_the_same_by_rest_and_by_bulk(org):
    client = org.client()
    org.settings(page_size=200, bulk_page_rows=37)
    soql, columns = everything(
        client, "Contact", "Account.Name", "Account.AnnualRevenue", "Account.NumberOfEmployees",
        "Account.Owner.IsActive", "Account.CreatedDate",
    )  # fmt: skip
    for deleted in (False, True):
        rest = table(reading.read_rest(client, soql, columns, deleted=deleted, batch_rows=64))
        bulk = table(bulk_reading.read_bulk(client, soql, columns, deleted=deleted, batch_rows=64))
        assert rest.schema == bulk.schema
        assert rest.num_rows == bulk.num_rows == ROWS + deleted
        for name in rest.column_names:
            assert rest[name].to_pylist() == bulk[name].to_pylist(), name
        assert sum(rest["IsDeleted"].to_pylist()) == deleted
    first = rest.to_pylist()[: len(NASTY)]
    assert [one["LastName"] for one in first] == NASTY
    assert [one["Account.Name"] for one in first[:3]] == ["Acme", "Zéro", None]
    assert [one["Account.AnnualRevenue"] for one in first[:3]] == [3.5e7, 3.0, None]
    assert {one["Champion_Tags__c"] for one in first} == {"champion;moved", None}
    assert [one["Score__c"] for one in first[:3]] == [0.0, 0.25, 0.5]
    assert {chunk.num_rows for chunk in rest.to_batches()[:-1]} == {64}
    assert reading.count(client, "SELECT COUNT() FROM Contact") == ROWS
    nobody = "SELECT Id FROM Contact WHERE LastName = 'nobody'"
    for read in (reading.read_rest, bulk_reading.read_bulk):
        (batch,) = read(client, nobody, IDS)
        assert (batch.num_rows, batch.schema.names) == (0, ["Id"])
    # Nothing is left behind at the org.
    assert org.stats()["bulk"]["query"]["jobs"] == {}


PASSING = [
    {"kind": "lost_reply"},
    {"kind": "lost_reply", "mid_body": True},
    {"kind": "error_before", "status": 503},
    {"kind": "error_before", "status": 420},
    {"kind": "error_before", "status": 406},
    {"kind": "error_after", "status": 500},
    {"kind": "html_error", "status": 502},
    {"kind": "throttle", "limit": "concurrency"},
    {"kind": "expired_session"},
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda one: "-".join(map(str, one.values())))
def test_a_fault_that_passes_costs_no_row_and_gives_none_twice(org, fault):
    client = org.client()
    org.settings(page_size=200, bulk_page_rows=60, bulk_poll_s=2.0)
    for op in ("query", "query_more", "bulk_query", "bulk_results"):
        org.fault(op=op, nth=2 if op == "bulk_results" else 1, times=1, **fault)
    for read in (reading.read_rest, bulk_reading.read_bulk):
        ids = table(read(client, SOQL, IDS))["Id"].to_pylist()
        assert len(ids) == len(set(ids)) == ROWS
    assert org.hits() == 4
    # An `expired_session` ends the one session all use; each time one login follows.
    assert org.stats()["logins"] <= 5


REFUSALS = [
    ({"kind": "throttle", "limit": "daily"}, QuotaReached),
    ({"kind": "error_before", "status": 400}, SourceUnavailableError),  # QUERY_TIMEOUT
    ({"kind": "error_before", "status": 404}, QueryFailedError),
    ({"kind": "error_before", "status": 503}, SourceUnavailableError),
    ({"kind": "expired_session"}, LoginFailed),
]


@pytest.mark.parametrize(("fault", "kind"), REFUSALS)
def test_a_fault_that_stays_is_an_error_and_never_an_end_of_rows(org, fault, kind):
    org.settings(page_size=200, bulk_page_rows=60)
    for op, read in (
        ("query_more", reading.read_rest),
        ("bulk_query", bulk_reading.read_bulk),
        ("bulk_results", bulk_reading.read_bulk),
    ):
        org.control.clear_faults()
        client = org.client()
        org.fault(op=op, **fault)
        with pytest.raises((kind, JobGone) if fault.get("status") == 404 else kind):
            list(read(client, SOQL, IDS))
    assert org.stats()["operations"]["query_more"] <= 7


def test_a_cursor_that_ends_is_told_apart_and_the_rows_before_it_stand(org):
    client = org.client()
    org.settings(page_size=200, locator_ttl_s=60.0)
    pages = reading.read_rest(client, SOQL, IDS, batch_rows=200)
    given = [next(pages)]
    while org.stats()["operations"].get("query_more") != 1:
        time.sleep(0.001)  # the second page is on its way
    org.clock.advance(7200)
    with pytest.raises(CursorExpired, match="the next page"):
        given.extend(pages)
    assert [one.num_rows for one in given] == [200, 200]


def test_jobs_that_are_gone_ended_or_never_ready_are_told_apart(org):
    client = org.client()
    job = bulk_reading.start_query(client, SOQL)
    assert bulk_reading.await_query(client, job) == ROWS
    bulk_reading.drop_query(client, job, complete=True)
    with pytest.raises(JobGone):
        bulk_reading.await_query(client, job)
    with pytest.raises(JobGone):
        list(bulk_reading.read_pages(client, job, IDS))

    org.settings(bulk_page_rows=60)
    job = bulk_reading.start_query(client, SOQL)
    pages = bulk_reading.read_pages(client, job, IDS, parallel=1)
    next(pages)
    bulk_reading.drop_query(client, job, complete=True)
    with pytest.raises(JobGone):
        list(pages)

    org.settings(bulk_poll_s=1e9)
    job = bulk_reading.start_query(client, SOQL)
    told: list[str] = []
    with pytest.raises(SourceUnavailableError, match="still"):
        bulk_reading.await_query(client, job, most_s=200, tell=told.append)
    begins = f"bulk job {job} is "
    assert [one.startswith(begins) for one in told] == [True] * 3
    client.patch(f"jobs/query/{job}", {"state": "Aborted"})
    with pytest.raises(JobGone, match="somebody ended"):
        bulk_reading.await_query(client, job)
    org.settings(bulk_poll_s=1.0)
    org.fault("error_before", op="query_job")
    with pytest.raises(SourceUnavailableError, match="more than fifteen"):
        list(bulk_reading.read_bulk(client, SOQL, IDS))


def test_what_bulk_cannot_read_is_told_apart_from_what_nobody_can(org):
    client = org.client()
    for soql, kind in (
        ("SELECT MailingAddress FROM Contact", BulkUnsupported),
        ("SELECT COUNT(Id) FROM Contact", BulkUnsupported),
        ("SELECT Nope FROM Contact", QueryFailedError),
        ("SELECT Id FROM Contact WHERE", QueryFailedError),
    ):
        with pytest.raises(QueryFailedError) as found:
            list(bulk_reading.read_bulk(client, soql, IDS))
        assert type(found.value) is kind, soql
    with pytest.raises(QueryFailedError, match="Body: a file"):
        list(bulk_reading.read_bulk(client, "SELECT Body FROM X", (Column("Body", "base64"),)))
    assert org.stats()["bulk"]["query"]["today"] == 0


def test_a_job_is_read_on_from_any_page_and_by_old_versions_too(org):
    org.settings(bulk_page_rows=60)
    client = org.client()
    job = bulk_reading.start_query(client, SOQL)
    bulk_reading.await_query(client, job)
    pages = bulk_reading.read_pages(client, job, IDS)
    read = list(itertools.islice(pages, 3))
    pages.close()
    known = {page.path for page in read}
    rest = list(bulk_reading.read_pages(org.client(), job, IDS, done=known.__contains__))
    assert not known & {page.path for page in rest}
    ids = [one for page in (*read, *rest) for one in page.rows["Id"].to_pylist()]
    assert ids == table(reading.read_rest(client, SOQL, IDS))["Id"].to_pylist()
    old = org.client(api_version="57.0")
    assert table(bulk_reading.read_bulk(old, SOQL, IDS)).num_rows == ROWS
    assert org.stats()["operations"]["bulk_results"] >= 9


def csv_page(first, rows, **headers):
    lines = "".join(f'"{first + n}"\n' for n in range(rows))
    told = {"Content-Encoding": "gzip", "Sforce-NumberOfRecords": str(rows), **headers}
    return Answer(200, told, content=gzip.compress(f'"Id"\n{lines}'.encode()))


class Pages(Scripted):
    """A job of many pages; counts how many are out at a time."""

    def __init__(self, pages, *, processed=None, **headers):
        super().__init__()
        self.pages, self.headers, self.processed = pages, headers, processed
        self.lock, self.fetched, self.most, self.taken = threading.Lock(), 0, 0, 0

    def request(self, method, path, *, params=None, body=None, headers=None, stop=None):
        if "/results?" in path:
            with self.lock:
                self.fetched += 1
                self.most = max(self.most, self.fetched - self.taken)
            return csv_page(int(path.rpartition("=")[2]) * 10, 10, **self.headers)
        if "resultPages" in path:
            begin = int(path.rpartition("=")[2]) if "=" in path else 0
            end = min(begin + 5, self.pages)
            listed = [{"resultUrl": f"/services/data/x/results?locator={n}"}
                      for n in range(begin, end)]  # fmt: skip
            more = {"nextRecordsUrl": f"/services/data/x/resultPages?locator={end}"}
            return answer({"resultPages": listed, "done": False,
                           **(more if end < self.pages else {})})  # fmt: skip
        told = self.pages * 10 if self.processed is None else self.processed
        return answer({"id": "750A", "state": "JobComplete", "numberRecordsProcessed": told})


def test_a_few_pages_are_held_whatever_their_number_and_they_stay_in_order():
    client = Pages(40)
    ids = []
    for page in bulk_reading.read_pages(client, "750A", IDS):
        ids += page.rows["Id"].to_pylist()
        client.taken += 1
    assert ids == [str(n) for n in range(400)]
    assert client.most <= 13  # 7 packed, 4 parsed, one on its way between, one given


@pytest.mark.parametrize(
    ("client", "kind", "words"),
    [
        (Pages(2, **{"Sforce-NumberOfRecords": "11"}), SourceUnavailableError, "was cut off"),
        (Pages(2, processed=21), JobGone, "has 21 records, and its pages 20"),
        (Scripted(answer({"id": "750A"}), answer({"id": "750A"}), answer(), answer()),
         QueryFailedError, "without 'state'"),
    ],
)  # fmt: skip
def test_rows_that_are_missing_without_a_word_are_an_error(client, kind, words):
    with pytest.raises(kind, match=words):
        list(bulk_reading.read_bulk(client, SOQL, IDS))


def test_answers_to_a_query_that_lead_nowhere_are_errors():
    record = {"attributes": {}, "Id": "1"}
    for given, words in (
        ([answer({"records": [record], "done": False})], "not how to go on"),
        ([answer({"totalSize": 1})], "without 'records'"),
        ([answer([])], "without 'records'"),
        ([error("MALFORMED_QUERY", 400, "unexpected token")], "unexpected token"),
        ([NoAnswer("no such user", sent=False, refused=True)], "no such user"),
    ):
        with pytest.raises(QueryFailedError, match=words):
            list(reading.read_rest(Scripted(*given), SOQL, IDS))
    loop = answer({"resultPages": [], "nextRecordsUrl": "/services/data/x/resultPages?locator=1"})
    with pytest.raises(QueryFailedError, match="the same list again"):
        list(bulk_reading.read_pages(Scripted(loop, loop), "750A", IDS))


def test_a_page_that_was_cut_off_is_fetched_again():
    whole = csv_page(0, 400)
    one = answer({"resultPages": [{"resultUrl": "/services/data/x/results?locator=1"}]})
    broken = [
        replace(whole, content=whole.content[:-20]),
        replace(whole, content=b'"Id"\n"1', headers={"Sforce-NumberOfRecords": "400"}),
        replace(whole, headers=whole.headers | {"Sforce-NumberOfRecords": "401"}),
        replace(whole, content=None, body={}),
    ]
    for first, second in itertools.pairwise(broken):
        client = Scripted(one, first, second, whole)
        (page,) = bulk_reading.read_pages(client, "750A", IDS)
        assert page.rows.num_rows == 400
        assert len({path for _, path, _ in client.asked[1:]}) == 1
        client = Scripted(first, second, whole, api_version="57.0")
        assert [page.rows.num_rows for page in bulk_reading.read_pages(client, "1", IDS)] == [400]


def test_the_longest_query_fits_beside_a_token_that_is_a_jwt(monkeypatch):
    beside = []

    def send(_self, request, **_settings):
        fields = sum(len(f"{name}: {value}\r\n") for name, value in request.headers.items())
        beside.append(len(f"GET  HTTP/1.1\r\nHost: {'h' * 60}\r\n\r\n") + fields)
        return response(200, {"records": [], "done": True})

    monkeypatch.setattr(HTTPAdapter, "send", send)
    client = SalesforceClient(connection(auth={"type": "session", "token": "j" * 2000}))
    list(reading.read_rest(client, SOQL, IDS))
    assert beside[0] + LONGEST_ADDRESS < 16_384


def test_pages_that_lead_back_to_themselves_are_an_error():
    record = {"attributes": {}, "Id": "1"}
    page = answer({"records": [record], "done": False, "nextRecordsUrl": "/services/data/x/1"})
    with pytest.raises(QueryFailedError, match="the same next page again after 1 rows"):
        list(reading.read_rest(Scripted(*[page] * 9), SOQL, IDS))
    loop = csv_page(0, 1, **{"Sforce-Locator": "MQ"})
    with pytest.raises(QueryFailedError, match="the same page again"):
        list(bulk_reading.read_pages(Scripted(*[loop] * 9, api_version="57.0"), "750A", IDS))
    # A new query would end so, too: it is no place to go on.
    gone = error("INVALID_QUERY_LOCATOR")
    nothing = answer({"records": [], "done": False, "nextRecordsUrl": "/services/data/x/1"})
    for given in ([gone], [nothing, gone]):
        with pytest.raises(SourceUnavailableError, match="before it gave any row") as found:
            list(reading.read_rest(Scripted(*given), SOQL, IDS))
        assert not isinstance(found.value, CursorExpired)

"""Query jobs of the fake Salesforce's Bulk API 2.0."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sf_calls import Calls, rows

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.faults import FaultDial
from syncflow_dagster.sandbox.later import Later
from syncflow_dagster.sandbox.log import WriteLog
from syncflow_dagster.sandbox.salesforce import rest_query, soql
from syncflow_dagster.sandbox.salesforce.block_query import block_count, block_rows, block_sheet
from syncflow_dagster.sandbox.salesforce.blocks import Block, add_rows
from syncflow_dagster.sandbox.salesforce.bulk_csv import Form, cell, double, lines
from syncflow_dagster.sandbox.salesforce.bulk_results import (
    CHUNK_ROWS,
    LocatorError,
    Sheet,
    locator,
    place,
)
from syncflow_dagster.sandbox.salesforce.ids import make_id
from syncflow_dagster.sandbox.salesforce.objects import standard_schema
from syncflow_dagster.sandbox.salesforce.org import Org
from syncflow_dagster.sandbox.salesforce.users import INTEGRATION
from syncflow_dagster.sandbox.service import World

JOB = make_id("750", 7)
UNTIL = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NASTY = 'He said "no", and\nleft\u2028NA'


@pytest.fixture
def calls(salesforce):
    return Calls(salesforce)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_as_java_writes_doubles(number):
    text = double(number)
    assert float(text) == number
    assert "." in text
    assert "e" not in text
    plain = number == 0 or 1e-3 <= abs(number) < 1e7
    assert ("E" not in text) == plain


def test_cells_have_the_forms_of_the_bulk_api():
    moment = datetime(2023, 10, 22, 6, 25, 12, tzinfo=UTC)
    values = [None, True, 7, 39000.0, 99213206.0, date(2024, 2, 29), moment, time(13, 5), "NA"]
    shown = ["", "true", "7", "39000.0", "9.9213206E7", "2024-02-29"]
    shown += ["2023-10-22T06:25:12.000Z", "13:05:00.000Z", "NA"]
    assert [cell(one) for one in values] == shown
    assert list(lines([['a"b', None]], Form("\t", "\r\n"))) == ['"a""b"\t""\r\n']


@given(st.integers(0, 30), st.integers(1, 12))
def test_pages_hold_every_row_once_behind_a_header_each(count, size):
    sheet = Sheet("h\n", lambda start, until: (f"{n}\n" for n in range(start, until)), count)
    seen, start = [], 0
    while True:
        page = sheet.page(start, size)
        header, *found = page.plain.decode().splitlines()
        assert header == "h"
        assert len(found) == page.rows
        seen += found
        if page.until >= sheet.rows:
            break
        start, told = place(JOB, sheet.rows, locator(JOB, page.until, size))
        assert told == size
    assert seen == [str(n) for n in range(count)]


def test_pages_across_chunks_and_locators_of_others():
    sheet = Sheet("h\n")
    sheet.add(f"{n}\n" for n in range(CHUNK_ROWS + 10))
    page = sheet.page(CHUNK_ROWS - 2, 5)
    assert page.plain == b"h\n4998\n4999\n5000\n5001\n5002\n"
    assert sheet.page(CHUNK_ROWS - 2, 5) is page
    for wrong in (locator(make_id("750", 8), 1), locator(JOB, 10**6), "nonsense!", ""):
        with pytest.raises(LocatorError):
            place(JOB, sheet.rows, wrong)


@given(st.integers(0, 400), st.integers(-20, 20))
def test_computed_records_are_found_by_their_stamps_and_ids(count, seconds):
    block = Block(standard_schema().object("Invoice__c"), count, UNTIL)
    moment = UNTIL - timedelta(seconds=count // 50 + 1) + timedelta(seconds=seconds)
    stamps = [block.stamp(n) for n in range(count)]
    assert block.first_at(moment) == sum(one < moment for one in stamps)
    assert block.first_behind(moment) == sum(one <= moment for one in stamps)
    for n in range(0, count, 37):
        assert block.id(n) == make_id("a01", 50_000_000 + n)
        assert block.number(block.id(n)) == n
    assert block.number(block.id(count)) is None


RANGES = (
    "",
    "WHERE SystemModstamp >= 2026-10-29T00:00:00Z",
    "WHERE SystemModstamp > {0} AND SystemModstamp <= {1} ORDER BY SystemModstamp, Id LIMIT 70",
    "WHERE (SystemModstamp >= {0} AND SystemModstamp < {1}) ORDER BY Id LIMIT 30 OFFSET 7",
    "WHERE SystemModstamp = {0}",
    "WHERE SystemModstamp >= {0} AND Paid__c = true",
    "ORDER BY Id DESC LIMIT 3",
)


@pytest.mark.parametrize("rest", RANGES)
def test_ranges_of_computed_records_are_those_that_a_search_finds(rest):
    clock = ManualClock()
    org = Org(World(clock, WriteLog(clock), FaultDial(), Later(clock)))
    add_rows(org, org.schema.object("Invoice__c"), 220)
    stamps = [org.now() - timedelta(seconds=one) for one in (4, 2)]
    where = rest.format(*(one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in stamps))
    query = f"SELECT Id, Number__c, SystemModstamp FROM Invoice__c {where}"
    checked = rest_query.check(org, INTEGRATION, query)
    seen = rest_query.seen_by(org, INTEGRATION, deleted=False)
    searched = list(soql.run(checked, **seen))
    computed = block_rows(org, checked)
    if " = " in rest or "DESC" in rest:
        assert computed is None
        return
    assert list(computed) == computed[:] == searched
    assert block_count(org, checked) == len(searched)
    sheet = block_sheet(org, checked, Form())
    made = list(lines((row.values() for row in searched), Form()))
    assert sheet.page(0, 10_000).plain.decode().split("\n", 1)[1] == "".join(made)
    # Once one of them is changed, rows are looked at again.
    org.update("Invoice__c", searched[0]["Id"], {"Amount__c": 1}, viewer=INTEGRATION)
    assert block_rows(org, checked) is None
    org.delete("Invoice__c", searched[1]["Id"], viewer=INTEGRATION)
    found = [row["Id"] for row in soql.run(checked, **seen)]
    assert searched[1]["Id"] not in found


def test_a_job_passes_its_states_and_keeps_the_rows_of_the_moment_it_ran(calls, control, clock):
    ids = calls.create(
        *({"LastName": f"P{n}", "Department": "mine"} for n in range(11)),
        {
            "LastName": "Nasty",
            "Description": NASTY,
            "Email": "Zoë.M@Example.com",
            "Department": "mine",
        },
    )
    control.settings("salesforce", bulk_poll_s=10.0, bulk_page_rows=2)
    fields = "Id, LastName, Description, Email, Account.Name, DoNotCall, CreatedDate"
    query = f"SELECT {fields} FROM Contact WHERE Department = 'mine'"
    job_id = calls.query_job(query)
    told = calls.job(job_id, "query")
    assert (told["state"], told["object"], told["apiVersion"]) == (
        "UploadComplete",
        "Contact",
        60.0,
    )
    clock.advance(5)
    assert calls.job(job_id, "query")["state"] == "InProgress"
    assert calls.code("GET", f"/jobs/query/{job_id}/results") == "INVALIDJOBSTATE"
    # What changes from now on is not in the results.
    calls.send("PATCH", f"/sobjects/Contact/{ids[0]}", json={"LastName": "Later"})
    calls.create({"LastName": "Too late", "Department": "mine"})
    clock.advance(5)
    assert calls.job(job_id, "query")["numberRecordsProcessed"] == 12

    whole = calls.results(job_id)
    assert whole.headers["Content-Type"] == "text/csv"
    assert whole.headers["Content-Encoding"] == "gzip"
    assert whole.headers["Sforce-NumberOfRecords"] == "2"
    got, where = [], {}
    while True:
        page = calls.results(job_id, maxRecords=5, **where)
        got += rows(page)
        assert page.content.startswith(b'"Id","LastName","Description","Email","Account.Name"')
        if page.headers["Sforce-Locator"] == "null":
            break
        where = {"locator": page.headers["Sforce-Locator"]}
    assert [one["Id"] for one in got] == ids
    assert (got[0]["LastName"], got[0]["Account.Name"], got[0]["DoNotCall"]) == ("P0", "", "false")
    assert got[-1]["Description"] == NASTY
    assert got[-1]["Email"] == "zoë.m@example.com"
    assert got[-1]["CreatedDate"].endswith(".000Z")
    plain = calls.send(
        "GET", f"/jobs/query/{job_id}/results", headers={"Accept-Encoding": "identity"}
    )
    assert plain.content == whole.content

    pages = calls.json("GET", f"/jobs/query/{job_id}/resultPages")
    assert (len(pages["resultPages"]), pages["done"]) == (5, False)
    more = calls.json("GET", pages["nextRecordUrl"])
    assert more["done"]
    urls = [one["resultUrl"] for one in pages["resultPages"] + more["resultPages"]]
    parallel = [one for url in urls for one in rows(calls.send("GET", url))]
    assert parallel == got


def test_what_only_rest_answers_is_refused_and_jobs_end_in_other_ways(calls, control, clock):
    for query, code in {
        "SELECT Id, MailingAddress FROM Contact": "API_ERROR",
        "SELECT Id, Scan__c FROM Invoice__c": "API_ERROR",
        "SELECT COUNT() FROM Contact": "API_ERROR",
        "SELECT COUNT(Id) FROM Contact": "API_ERROR",
        "SELECT LastName FROM Contact GROUP BY LastName": "API_ERROR",
        "SELECT Id FROM Contact LIMIT 5 OFFSET 1": "API_ERROR",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account": "API_ERROR",
        "SELECT Id FROM Nothing": "INVALID_TYPE",
        "SELECT Nothing FROM Contact": "INVALID_FIELD",
        "SELECT Id FROM": "MALFORMED_QUERY",
    }.items():
        body = {"operation": "query", "query": query}
        assert calls.code("POST", "/jobs/query", json=body) == code, query
    calls.create({"LastName": "Gone"})
    done = calls.query_job("SELECT Id FROM Contact")
    elsewhere = f"/services/data/v61.0/jobs/query/{done}/results"
    assert calls.send("GET", elsewhere).status_code == 409
    assert calls.send("GET", f"/jobs/query/{done}/results?maxRecords=x").status_code == 400
    assert calls.send("GET", f"/jobs/query/{done}/results?locator=x").status_code == 400
    abort = {"json": {"state": "Aborted"}}
    assert calls.code("PATCH", f"/jobs/query/{done}", **abort) == "INVALIDJOBSTATE"
    control.settings("salesforce", bulk_ttl_s=30.0)
    clock.advance(30)
    assert calls.send("GET", f"/jobs/query/{done}").status_code == 404

    control.faults(service="salesforce", kind="error_before", op="query_job", times=1)
    failed = calls.job(calls.query_job("SELECT Id FROM Contact"), "query")
    assert (failed["state"], failed["errorMessage"][:19]) == ("Failed", "InternalServerError")
    control.settings("salesforce", bulk_poll_s=10.0, bulk_query_jobs=3)
    aborted = calls.query_job("SELECT Id FROM Contact")
    path = f"/jobs/query/{aborted}"
    assert calls.send("DELETE", path).status_code == 400
    assert calls.json("PATCH", path, **abort)["state"] == "Aborted"
    clock.advance(20)
    assert calls.job(aborted, "query")["state"] == "Aborted"
    assert calls.send("DELETE", path).status_code == 204
    assert calls.send("GET", path).status_code == 404
    one_more = {"operation": "query", "query": "SELECT Id FROM Contact"}
    assert calls.code("POST", "/jobs/query", json=one_more) == "LIMIT_EXCEEDED"
    control.clock(86_400)
    clock.advance(2)
    assert calls.query_job("SELECT Id FROM Contact")


def test_bulk_sees_deleted_rows_only_with_query_all_and_never_hidden_fields(
    calls, salesforce, control
):
    kept, gone = calls.create(*({"LastName": one, "Department": "mine"} for one in ("A", "B")))
    calls.send("DELETE", f"/sobjects/Contact/{gone}")
    query = "SELECT Id, IsDeleted FROM Contact WHERE Department = 'mine'"
    found = {one: rows(calls.results(calls.query_job(query, one))) for one in QUERIES}
    assert [one["Id"] for one in found["query"]] == [kept]
    assert {one["Id"]: one["IsDeleted"] for one in found["queryAll"]} == {
        kept: "false",
        gone: "true",
    }
    less = salesforce.tokens["restricted_session"]
    body = {"operation": "query", "query": "SELECT DoNotCall FROM Contact"}
    assert calls.code("POST", "/jobs/query", json=body, token=less) == "INVALID_FIELD"
    # A session that ends in the middle of a job is dead for everything that follows.
    job_id = calls.query_job(query)
    control.faults(service="salesforce", kind="expired_session", op="bulk_results", times=1)
    assert calls.code("GET", f"/jobs/query/{job_id}/results", 401) == "INVALID_SESSION_ID"
    assert calls.code("GET", f"/jobs/query/{job_id}", 401) == "INVALID_SESSION_ID"


QUERIES = ("query", "queryAll")

"""Ingest jobs of the fake Salesforce's Bulk API 2.0."""

from __future__ import annotations

import pytest
from sf_calls import CSV, Calls

LOGGED = ("op", "key", "payload")


@pytest.fixture
def calls(salesforce):
    return Calls(salesforce)


def written(control, after=0):
    return [tuple(one[name] for name in LOGGED) for one in control.log("salesforce", after)]


def test_rows_are_inserted_updated_upserted_and_deleted_with_a_result_each(calls, control):
    job_id = calls.ingest(
        "insert",
        "LastName;Email;Account.External_Id__c;Description\r\n"
        'One;One@Example.com;A-1;"a; b"\r\n'
        ";nobody@example.com;;\r\n"
        "Two;no address;;\r\n"
        "Three;;X-9;\r\n",
        columnDelimiter="SEMICOLON",
        lineEnding="CRLF",
    )
    job = calls.job(job_id)
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (
        "JobComplete",
        4,
        3,
    )
    [good] = calls.outcome(job_id, "successfulResults", ";")
    assert (good["sf__Created"], good["LastName"], good["Email"]) == (
        "true",
        "One",
        "One@Example.com",
    )
    one = calls.get(good["sf__Id"])
    assert (one["Email"], one["Description"]) == ("one@example.com", "a; b")
    assert calls.get(one["AccountId"], "Account")["Name"] == "Acme"
    bad = {one["Email"]: one for one in calls.outcome(job_id, "failedResults", ";")}
    missing = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    assert bad["nobody@example.com"]["sf__Error"] == missing
    assert bad["no address"]["sf__Error"].startswith("INVALID_EMAIL_ADDRESS:Email: invalid email")
    assert bad[""]["sf__Error"].startswith("INVALID_FIELD:Foreign key external ID: x-9 not found")
    assert calls.outcome(job_id, "unprocessedRecords", ";") == []

    # An empty cell leaves a field as it is, #N/A clears it.
    update = f"Id,Email,Description\n{one['Id'][:15]},,#N/A\n003Hn0000009999AAA,,x\n"
    job_id = calls.ingest("update", update)
    [done] = calls.outcome(job_id, "successfulResults")
    assert (done["sf__Id"], done["sf__Created"]) == (one["Id"], "false")
    changed = calls.get(one["Id"])
    assert (changed["Email"], changed["Description"]) == ("one@example.com", None)
    assert len(calls.outcome(job_id, "failedResults")) == 1

    upsert = "Assignment_Key__c,Tag__c,Contact__c\n" + "".join(
        f"{key},champion,{one['Id']}\n" for key in ("k1", "k2", "k2", "")
    )
    more = {"kind": "Tag_Assignment__c", "externalIdFieldName": "Assignment_Key__c"}
    for created in ("true", "false"):
        job_id = calls.ingest("upsert", upsert, **more)
        [made] = calls.outcome(job_id, "successfulResults")
        assert (made["sf__Created"], made["Assignment_Key__c"]) == (created, "k1")
        codes = [bad["sf__Error"].split(":")[0] for bad in calls.outcome(job_id, "failedResults")]
        assert sorted(codes) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    assert [op for op, key, _ in written(control) if key.endswith("/k1")] == ["upsert", "upsert"]

    job_id = calls.ingest("delete", f"Id\n{one['Id']}\n{one['Id']}\n")
    assert [row["sf__Id"] for row in calls.outcome(job_id, "successfulResults")] == [one["Id"]]
    [again] = calls.outcome(job_id, "failedResults")
    assert again["sf__Error"] == "ENTITY_IS_DELETED:entity is deleted:--"
    assert written(control)[-1][:2] == ("delete", f"Contact/{one['Id']}")


@pytest.mark.parametrize(
    ("operation", "content", "message"),
    [
        ("insert", "LastName\r\nA\r\n", "ClientInputError : LineEnding is invalid on user data."),
        ("insert", "LastName,Nope__c\nA,B\n", "InvalidBatch : Field name not found : Nope__c"),
        ("insert", "LastName,Nope.Id\nA,B\n", "InvalidBatch : Field name not found : Nope.Id"),
        ("insert", b"LastName\n\xff\n", "ClientInputError : File is not UTF-8"),
        ("insert", "LastName\nA,B\n", "ClientInputError : The number of columns in line 2"),
        ("insert", "", "ClientInputError : Empty file"),
        ("update", "LastName\nA\n", "InvalidBatch : Field name not found : Id"),
        ("delete", "Id,LastName\n003Hn0000000001AAA,A\n", "InvalidBatch : The 'delete' batch"),
    ],
)
def test_a_file_that_does_not_fit_fails_the_job_and_writes_nothing(
    calls, control, operation, content, message
):
    job = calls.job(calls.ingest(operation, content))
    assert job["state"] == "Failed"
    assert job["errorMessage"].startswith(message)
    assert written(control) == []


def test_what_a_job_takes_and_when(calls, control, clock):
    open_job = {"operation": "insert", "contentType": "CSV"}
    for more in ({"object": "Nope"}, {"object": "Contact", "operation": "upsert"}):
        assert calls.code("POST", "/jobs/ingest", json=open_job | more) == "INVALIDJOB"
    control.settings("salesforce", bulk_upload_bytes=20, bulk_poll_s=10.0)
    job_id = calls.open("insert")
    batches, path = f"/jobs/ingest/{job_id}/batches", f"/jobs/ingest/{job_id}"
    assert calls.code("PUT", batches, 413, data="LastName\n" + "x" * 20, headers=CSV)
    assert calls.send("PUT", batches, data="x", headers={"Content-Type": "text/plain"}).status_code
    assert calls.send("PUT", batches, data="LastName\nA\nB\nC\nD\n", headers=CSV).status_code == 201
    assert calls.code("PUT", batches, data="LastName\nA\n", headers=CSV) == "INVALIDJOBSTATE"
    assert calls.code("GET", f"{path}/successfulResults") == "INVALIDJOBSTATE"
    closed = calls.json("PATCH", path, json={"state": "UploadComplete"})
    assert (closed["state"], closed["contentUrl"]) == (
        "UploadComplete",
        f"services/data/v60.0{batches}",
    )
    assert calls.code("PATCH", path, json={"state": "UploadComplete"}) == "INVALIDJOBSTATE"
    # Aborted half-way: what is written stays, the rest is told.
    clock.advance(5)
    assert calls.job(job_id)["numberRecordsProcessed"] == 2
    assert calls.json("PATCH", path, json={"state": "Aborted"})["state"] == "Aborted"
    clock.advance(5)
    assert [one["LastName"] for one in calls.outcome(job_id, "unprocessedrecords")] == ["C", "D"]
    assert [one["LastName"] for one in calls.outcome(job_id, "successfulResults")] == ["B", "A"]
    assert [payload["LastName"] for _, _, payload in written(control)] == ["A", "B"]
    assert calls.code("PATCH", path, json={"state": "Aborted"}) == "INVALIDJOBSTATE"
    assert calls.send("DELETE", path).status_code == 204
    assert calls.send("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("kind", "written_rows", "left"),
    [("error_before", 0, 4), ("partial", 2, 2), ("error_after", 4, 0)],
)
def test_a_job_that_breaks_tells_which_rows_it_did_not_reach(
    calls, control, kind, written_rows, left
):
    control.faults(service="salesforce", kind=kind, op="ingest_job", times=1)
    job_id = calls.ingest("insert", "LastName\nA\nB\nC\nD\n")
    assert calls.job(job_id)["state"] == "Failed"
    assert len(calls.outcome(job_id, "unprocessedRecords")) == left
    assert len(calls.outcome(job_id, "successfulResults")) == len(written(control)) == written_rows


def test_faults_of_requests_hit_the_steps_of_a_job(calls, control, clock):
    control.faults(service="salesforce", kind="partial", op="bulk_ingest", nth=2, times=1)
    job_id = calls.ingest("insert", "LastName\nA\nB\nC\n")
    [failed] = calls.outcome(job_id, "failedResults")
    assert failed["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access")
    assert calls.job(job_id)["numberRecordsFailed"] == 1
    # A lost answer to the upload: it is there all the same.
    job_id = calls.open("insert")
    control.clear_faults()
    control.faults(service="salesforce", kind="lost_reply", op="bulk_ingest", times=1)
    batches = f"/jobs/ingest/{job_id}/batches"
    with pytest.raises(OSError, match=r"aborted|closed"):
        calls.send("PUT", batches, data="LastName\nLost\n", headers=CSV)
    assert calls.code("PUT", batches, data="LastName\nLost\n", headers=CSV) == "INVALIDJOBSTATE"
    # A job that is closed late, behind an answer that says it was not.
    control.faults(
        service="salesforce",
        kind="late_apply",
        op="bulk_ingest",
        times=1,
        after_s=3,
        reply="timeout",
    )
    close = {"json": {"state": "UploadComplete"}}
    assert calls.code("PATCH", f"/jobs/ingest/{job_id}", 503, **close) == "SERVER_UNAVAILABLE"
    assert calls.job(job_id)["state"] == "Open"
    clock.advance(4)
    assert calls.job(job_id)["state"] == "JobComplete"
    control.faults(service="salesforce", kind="html_error", op="bulk_results", times=1)
    page = calls.send("GET", f"/jobs/ingest/{job_id}/successfulResults")
    assert (page.status_code, page.headers["content-type"][:9]) == (502, "text/html")
    assert [one["LastName"] for one in calls.outcome(job_id, "successfulResults")] == ["Lost"]

"""Bulk jobs: from the start over the upload to the report, and what goes wrong on the way."""

from __future__ import annotations

import pytest
import requests
from bulk_calls import CSV, ON_RECORD, START, finished, report, start, status, upload
from conftest import BOARD, SUB_BOARD

from syncflow_dagster.sandbox.control import ControlError


def test_a_job_passes_in_time_and_leaves_items_log_and_report(monday, clock, control):
    job = start(monday)
    assert job["upload_url"].startswith(monday.url.removesuffix("/v2") + "/")
    assert status(monday, job) == {
        "status": "UPLOAD_PENDING",
        "counts": dict.fromkeys(
            ("submitted", "invalid", "skipped", "created", "updated", "failed"), 0
        ),
        "progress_percentage": 0,
        "failure_reason": None,
        "failure_message": None,
        "fully_imported": False,
        "report_created": False,
        "report_url": None,
    }
    lines = "".join(f"Order {n},u{n},{'New' if n != 7 else 'new'}\n" for n in range(1, 201))
    put = upload(job, "name,record_uuid,status\n" + lines)
    assert put.status_code == 200
    assert put.headers["etag"].startswith('"')
    clock.advance(1)
    told = status(monday, job)
    assert (told["status"], told["progress_percentage"]) == ("PROCESSING", 50)
    assert told["counts"]["created"] == 99
    # Nobody asks while the rest passes.
    clock.advance(1)
    assert len(control.log()) == 199
    told = status(monday, job)
    assert (told["status"], told["progress_percentage"]) == ("COMPLETED", 100)
    assert told["fully_imported"] is True
    assert told["counts"] == {
        "submitted": 200,
        "invalid": 1,
        "skipped": 0,
        "created": 199,
        "updated": 0,
        "failed": 0,
    }
    header, *rows = report(told)
    entry = control.log()[0]
    # The column of a failing cell stands behind the four usual ones, whatever its name.
    assert header == ["serialNo", "status", "itemId", "error", "status"]
    reason = 'Label "new" is invalid for column "status"'
    assert rows[0] == ["1", "success", entry["remote_id"], "", ""]
    assert rows[6] == ["7", "validation_error", "", f"[status]: {reason}", reason]
    assert (entry["op"], entry["key"]) == ("create_item", "u1")
    assert entry["payload"] == {
        "board_id": BOARD,
        "group_id": "top",
        "item_id": entry["remote_id"],
        "changed": True,
        "item_name": "Order 1",
        "column_values": {"record_uuid": "u1", "status": {"label": "New"}},
        "job_id": job["job_id"],
    }


def test_upsert_updates_the_newest_match_on_the_whole_board(monday, clock, control):
    monday.create("First", record_uuid="a", note="kept")
    newest = monday.create("Second", record_uuid="a", note="kept", numbers="1", link="x:y z")
    moved = monday.data(
        'mutation ($i: ID!) {move_item_to_group(item_id: $i, group_id: "low") {id}}', i=newest
    )
    assert moved
    written = len(control.log())
    text = (
        "name,record_uuid,note,numbers,link\n"
        "Old,a,lost,7,\n"
        ",a,,5,<NULL>\n"
        "New,b,n,,\n"
        "No key,,x,,\n"
        "No key,,x,,\n"
        ",c,,,\n"
    )
    job, told = finished(monday, clock, text, ON_RECORD)
    assert told["counts"] == {
        "submitted": 6,
        "invalid": 1,
        "skipped": 1,
        "created": 3,
        "updated": 1,
        "failed": 0,
    }
    _, *rows = report(told)
    assert [row[1] for row in rows] == [
        "skipped",
        "success",
        "success",
        "success",
        "success",
        "validation_error",
    ]
    change, *created = control.log(after=written)
    assert (change["op"], change["remote_id"]) == ("change_multiple_column_values", newest)
    assert change["payload"]["column_values"] == {"record_uuid": "a", "numbers": "5", "link": None}
    assert (change["payload"]["job_id"], change["payload"]["group_id"]) == (job["job_id"], "low")
    assert [(e["op"], e["key"]) for e in created] == [
        ("create_item", "b"),
        ("create_item", "No key"),
        ("create_item", "No key"),
    ]
    assert monday.cell(newest, "note")["text"] == "kept"
    assert monday.cell(newest, "link")["value"] is None
    skip = {"match_column_id": "name", "behaviour": "SKIP"}
    _, told = finished(monday, clock, "name,note\nNew,changed\nOther,x\n", skip)
    assert (told["counts"]["skipped"], told["counts"]["created"]) == (1, 1)
    assert monday.cell(created[0]["remote_id"], "note")["text"] == "n"


def test_subitem_rows_attach_to_the_item_above(monday, clock, control):
    text = (
        "name,record_uuid,name.subitem,qty.subitem\n"
        "Order,o1,,\n"
        ",,Line 1,2\n"
        ",,Line 2,two\n"
        "Bad,o2,Both,\n"
        ",,Orphan,1\n"
    )
    job, told = finished(monday, clock, text)
    assert (told["counts"]["created"], told["counts"]["invalid"]) == (2, 3)
    item, line = control.log()
    assert (item["op"], line["op"]) == ("create_item", "create_subitem")
    assert line["payload"] == {
        "board_id": SUB_BOARD,
        "group_id": "topics",
        "parent_item_id": item["remote_id"],
        "item_id": line["remote_id"],
        "changed": True,
        "item_name": "Line 1",
        "column_values": {"qty": "2"},
        "job_id": job["job_id"],
    }
    header, *rows = report(told)
    assert header[4:] == ["qty.subitem", "name.subitem"]
    assert [row[1] for row in rows] == ["success", "success", *["validation_error"] * 3]


def test_the_store_answers_only_what_was_signed_for_ten_minutes(monday, clock, control):
    job = start(monday)
    text = "name\na\n"
    for headers in (
        {"Content-Type": "text/csv", "x-amz-checksum-crc32": "AAAAAA=="},
        {"Content-Type": "text/plain"},
        {},
    ):
        assert upload(job, text, headers).status_code == 403
    unsigned = requests.put(job["upload_url"][:-1], text, headers=CSV, timeout=20)
    assert "<Code>SignatureDoesNotMatch</Code>" in unsigned.text
    other = start(monday)
    control.clock(60)
    clock.advance(10)
    expired = upload(other, text)
    assert (expired.status_code, status(monday, other)["status"]) == (403, "UPLOAD_PENDING")
    assert "Request has expired" in expired.text
    last = start(monday)
    clock.advance(9.9)
    assert upload(last, text).status_code == 200
    # Sent twice: the job works on the first file.
    assert upload(last, "name\nb\n").status_code == 200
    clock.advance(0.01)
    told = status(monday, last)
    assert (told["status"], [e["payload"]["item_name"] for e in control.log()]) == (
        "COMPLETED",
        ["a"],
    )
    clock.advance(9)
    again = status(monday, last)
    assert again["report_url"] != told["report_url"]
    clock.advance(2)
    assert requests.get(told["report_url"], timeout=20).status_code == 403
    assert len(report(again)) == 2
    assert requests.put(again["report_url"], text, headers=CSV, timeout=20).status_code == 405
    counted = control.stats()["monday"]["ingest"]
    assert (counted["uploads"], counted["uploads_repeated"], counted["uploads_refused"]) == (
        1,
        1,
        5,
    )
    assert (counted["reports"], counted["reports_refused"]) == (1, 1)


def test_faults_of_jobs_uploads_and_reports(monday, clock, control):
    text = "name\n" + "".join(f"n{n}\n" for n in range(10))
    for kind, applied in (("error_before", 0), ("partial", 5), ("error_after", 10)):
        before = len(control.log())
        control.faults(kind=kind, op="ingest_job", times=1)
        _, told = finished(monday, clock, text)
        assert (told["status"], told["failure_reason"]) == ("FAILED", "INTERNAL_ERROR")
        assert (told["counts"]["created"], told["report_url"]) == (applied, None)
        assert len(control.log()) - before == applied
    used = control.stats()["monday"]["budget_used"]["sandbox-personal"]["ingest_items"]
    assert used["used"] == 15
    control.reset()
    job = start(monday)
    # A fault that names nothing concerns requests of the API only.
    control.faults(kind="error_before")
    control.faults(kind="error_before", op="upload", times=1)
    assert upload(job, text).status_code == 500
    control.faults(kind="lost_reply", op="upload", times=1)
    with pytest.raises(requests.ConnectionError):
        upload(job, text)
    control.clear_faults()
    clock.advance(1)
    told = status(monday, job)
    assert told["counts"]["created"] == 10
    control.faults(kind="error_before", op="report", status=503, times=1)
    assert requests.get(told["report_url"], timeout=20).status_code == 503
    assert len(report(told)) == 11
    control.faults(kind="throttle", op="ingest_items", limit="ingest_jobs", retry_in_s=3, times=1)
    refused = monday.post(START, b=BOARD, g="top")
    assert refused.json()["errors"][0]["extensions"]["retryAfterMs"] == 3_000
    with pytest.raises(ControlError, match="'throttle' cannot hit 'upload'"):
        control.faults(kind="throttle", op="upload")


def test_what_the_board_lost_meanwhile_fails_its_row(monday, clock, control):
    linked = monday.create("Linked")
    job = start(monday)
    text = f'name,board_relation,dropdown,people\nx,{linked},,\ny,,"A, B",owner@sandbox.example\n'
    assert upload(job, text).ok
    monday.data("mutation ($i: ID!) {delete_item(item_id: $i) {id}}", i=linked)
    clock.advance(1)
    told = status(monday, job)
    assert (told["counts"]["failed"], told["counts"]["created"]) == (1, 1)
    assert (told["status"], told["fully_imported"]) == ("COMPLETED", False)
    _, lost, kept = report(told)
    assert (lost[1], lost[2], kept[1]) == ("failed", "", "success")
    assert monday.cell(kept[2], "dropdown")["text"] == "A, B"
    # Unlike a mutation, a job keeps the relations of a new item.
    _, told = finished(monday, clock, f"name,board_relation\nz,{kept[2]}\n")
    entry = control.log()[-1]
    cell = monday.cell(
        entry["remote_id"], "board_relation", "... on BoardRelationValue {linked_item_ids}"
    )
    assert cell == {"linked_item_ids": [kept[2]]}

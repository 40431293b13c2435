"""Bulk jobs that are refused: files, limits, rights, versions."""

from __future__ import annotations

import pytest
from bulk_calls import ON_RECORD, START, STATUS, finished, start, status, upload
from conftest import BOARD, SUB_BOARD


@pytest.mark.parametrize(
    ("text", "match", "reason"),
    [
        ("title\nx\n", None, "'name'"),
        ("name,Note\nx,y\n", None, "'Note'"),
        ("name,tags\nx,1\n", None, "tags"),
        ("name,note\nx\n", None, "Row 1"),
        ("name;note\nx;y\n", None, "'name'"),
        ("name,note,note\nx,y,z\n", None, "twice"),
        ("name\n", None, "no rows"),
        ('name\n"x\n', None, "CSV"),
        ("name\n" + "x\n" * 4, None, "maximum is 3"),
        ("name,note\nx,y\n", ON_RECORD, "record_uuid"),
        ("name,record_uuid,name.subitem\nx,y,\n", ON_RECORD, "Subitems"),
        ("name,qty.subitem\nx,\n", None, "name.subitem"),
    ],
)
def test_a_file_that_cannot_be_used_is_rejected(monday, clock, control, text, match, reason):
    control.settings(ingest={"rows": 3})
    _, told = finished(monday, clock, text, match)
    assert (told["status"], told["failure_reason"]) == ("REJECTED", "INVALID_UPLOAD")
    assert reason in told["failure_message"]
    assert (told["report_url"], told["fully_imported"], control.log()) == (None, False, [])


def test_limits_of_jobs_rows_board_and_file(monday, clock, control):
    limits = {"jobs_per_hour": 5, "items_per_hour": 3, "file_bytes": 50}
    control.settings(ingest=limits)
    _, told = finished(monday, clock, "name,status\na,New\nb,New\nc,none\n")
    assert told["counts"]["created"] == 2
    # The invalid row gave its place back, so one is left, not none.
    _, told = finished(monday, clock, "name\nd\ne\n")
    assert (told["status"], told["failure_reason"]) == ("REJECTED", "ACCOUNT_CAPACITY_EXCEEDED")
    _, told = finished(monday, clock, "name\nd\n")
    assert told["counts"]["created"] == 1
    _, told = finished(monday, clock, "name\n" + "e" * 50 + "\n")
    assert told["failure_reason"] == "FILE_TOO_LARGE"
    start(monday)
    answer = monday.post(START, b=BOARD, g="top", headers={"Idempotency-Key": "k"})
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, False)
    extensions = answer.json()["errors"][0]["extensions"]
    assert extensions == {"code": "RATE_LIMIT_EXCEEDED", "retryAfterMs": 2_800_000}
    stats = control.stats()["monday"]
    assert stats["throttled_by_limit"] == {"ingest_items": 1, "ingest_jobs": 1}
    assert stats["ingest"] == {
        "jobs": {"COMPLETED": 2, "REJECTED": 2, "UPLOAD_PENDING": 1},
        "failures": {"ACCOUNT_CAPACITY_EXCEEDED": 1, "FILE_TOO_LARGE": 1},
        "uploads": 4,
        "uploads_repeated": 0,
        "uploads_refused": 0,
        "reports": 0,
        "reports_refused": 0,
    }
    used = stats["budget_used"]["sandbox-personal"]
    assert (used["ingest_jobs"]["used"], used["ingest_items"]["used"]) == (5, 3)
    # The refused start was not processed: its key is free.
    clock.advance(2_800)
    assert start(monday, headers={"Idempotency-Key": "k"})["job_id"]
    assert start(monday, token="sandbox-trial")["job_id"]


def test_a_full_board_and_a_lost_right(monday, clock, control):
    groups = [{"id": "top", "title": "Top"}]
    board = {"id": "9000000701", "name": "Small", "items_limit": 2, "groups": groups}
    control.seed({"boards": [board]})
    monday.create(board="9000000701")
    small = monday.data(START, b="9000000701", g="top")["ingest_items"]
    assert upload(small, "name\na\nb\n").ok
    told = status(monday, small)
    assert (told["status"], told["failure_reason"]) == ("REJECTED", "BOARD_CAPACITY_EXCEEDED")
    # Room enough at first; somebody else fills the board while the job passes.
    late = monday.data(START, b="9000000701", g="top")["ingest_items"]
    assert upload(late, "name\na\n").ok
    monday.create(board="9000000701")
    clock.advance(1)
    told = status(monday, late)
    assert (told["status"], told["failure_reason"]) == ("FAILED", "BOARD_CAPACITY_EXCEEDED")
    job = start(monday)
    control.settings(view_only=["personal"])
    assert upload(job, "name\na\n").ok
    assert status(monday, job)["failure_reason"] == "PERMISSION_DENIED"
    error = monday.error(START, b=BOARD, g="top")
    assert error["extensions"]["code"] == "UserUnauthorizedException"
    control.settings(view_only=[])


def test_who_may_start_what_and_since_when(monday, control, clock):
    older = {"API-Version": "2026-04"}
    unknown = monday.post(START, b=BOARD, g="top", headers=older).json()["errors"][0]
    assert unknown["message"] == 'Cannot query field "ingest_items" on type "Mutation".'
    assert unknown["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert monday.post(START, b=BOARD, g="top", headers={"API-Version": "2026-07"}).json()["data"]
    backfill = (
        'mutation ($b: ID!) {backfill_items(board_id: $b, group_id: "top") {job_id upload_url}}'
    )
    refused = monday.post(backfill, token="sandbox-app", b=BOARD).json()["errors"][0]
    assert refused["extensions"]["code"] == "UserUnauthorizedException"
    control.settings(ingest={"items_per_hour": 1, "rows": 1})
    job = monday.data(backfill, b=BOARD)["backfill_items"]
    assert upload(job, "name\na\nb\n").ok
    clock.advance(1)
    assert status(monday, job)["counts"]["created"] == 2
    # One's own jobs only.
    others = monday.post(STATUS, token="sandbox-app", j=job["job_id"]).json()
    assert others["errors"][0]["extensions"]["code"] == "ResourceNotFoundException"
    for given, code in (
        ({"b": "1", "g": "top"}, "InvalidBoardIdException"),
        ({"b": BOARD, "g": "none"}, "InvalidGroupIdException"),
        ({"b": SUB_BOARD, "g": "topics"}, "InvalidArgumentException"),
        ({"m": ON_RECORD | {"match_column_id": "none"}}, "InvalidColumnIdException"),
        ({"m": ON_RECORD | {"match_column_id": "people"}}, "InvalidArgumentException"),
    ):
        error = monday.error(START, **({"b": BOARD, "g": "top"} | given))
        assert error["extensions"]["code"] == code
    key = {"Idempotency-Key": "one"}
    first = start(monday, headers=key)
    assert start(monday, headers=key) == first
    assert control.stats()["monday"]["budget_used"]["sandbox-personal"]["ingest_jobs"]["used"] == 2

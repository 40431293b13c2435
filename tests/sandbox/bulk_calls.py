"""Calls of the bulk lane, for the tests of jobs."""

from __future__ import annotations

import csv
import io

import requests
from conftest import BOARD

START = (
    "mutation ($b: ID!, $g: ID!, $m: OnMatchInput) "
    "{ingest_items(board_id: $b, group_id: $g, on_match: $m) {job_id upload_url}}"
)
STATUS = (
    "query ($j: ID!) {fetch_job_status(job_id: $j) {... on ItemsJobStatus {status "
    "counts {submitted invalid skipped created updated failed} progress_percentage "
    "failure_reason failure_message fully_imported report_created report_url}}}"
)
ON_RECORD = {"match_column_id": "record_uuid", "behaviour": "UPSERT"}
CSV = {"Content-Type": "text/csv"}


def start(monday, match=None, **options):
    answer = monday.post(START, b=BOARD, g="top", m=match, **options)
    assert answer.ok, answer.text
    body = answer.json()
    assert "errors" not in body, body
    return body["data"]["ingest_items"]


def upload(job, text, headers=CSV):
    return requests.put(job["upload_url"], text.encode(), headers=headers, timeout=20)


def status(monday, job):
    return monday.data(STATUS, j=job["job_id"])["fetch_job_status"]


def finished(monday, clock, text, match=None):
    """A job that has had its time, and its status."""
    job = start(monday, match)
    assert upload(job, text).status_code == 200
    clock.advance(200)
    return job, status(monday, job)


def report(told):
    answer = requests.get(told["report_url"], timeout=20)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text)))

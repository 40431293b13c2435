"""A bulk job from start to report, against the sandbox."""

from __future__ import annotations

import time
import uuid

import pytest
from monday_world import BOARD, workflow
from test_monday_bulk_file import KEY, effect

from syncflow_dagster.nodes.monday.bulk import file
from syncflow_dagster.nodes.monday.bulk.answers import (
    Counts,
    NotOffered,
    NotRead,
    Progress,
    Started,
    Uploaded,
)
from syncflow_dagster.nodes.monday.bulk.fit import file_columns, misfit
from syncflow_dagster.nodes.monday.bulk.jobs import BulkJobs
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.contract import read_contract

VALUES = {
    "title": 'a\nb, "c" =1+1 שלום',
    "amount": "-12.5",
    "due": {"date": "2026-10-01"},
    "approved": {"checked": "true"},
    "email": {"email": "a@b.co", "text": "a@b.co"},
}
ITEMS = f"""query {{ boards(ids: ["{BOARD}"]) {{ groups {{ id items_page(limit: 50) {{ items {{
  name column_values {{ id text }} }} }} }} }} }}"""


@pytest.fixture
def connect(push_server):
    """Makes a client and the bulk jobs of the usual account, or of one that is different."""
    clients = []

    def connected(**monday):
        made = workflow(push_server.urls["monday"], monday=monday)
        client = MondayClient(made.connections["monday"])
        clients.append(client)
        return made, client, BulkJobs(client, made.connections["monday"])

    yield connected
    for client in clients:
        client.close()


def run(jobs, effects, types):
    """Bring effects to the board; return the job's state and its report."""
    started = jobs.start(BOARD, "topics", KEY, uuid.uuid4())
    assert isinstance(started, Started)
    assert jobs.state(started.job_id).status is Progress.UPLOAD_PENDING
    assert jobs.upload(started.upload_url, file.write(effects, types)) == Uploaded()
    ends = time.monotonic() + 20
    while not (state := jobs.state(started.job_id)).status.is_over:
        assert time.monotonic() < ends
    return state, jobs.report(state.report_url) if state.report_url else None


def items(client):
    groups = client.execute(ITEMS).data["boards"][0]["groups"]
    found = [one for group in groups for one in group["items_page"]["items"]]
    cells = [{cell["id"]: cell["text"] for cell in one["column_values"]} for one in found]
    return {one[KEY]: (item["name"], one) for item, one in zip(found, cells, strict=True)}


def test_a_job_makes_items_of_creates_and_makes_none_of_them_twice(control, connect):
    control.clock(100)
    made, client, jobs = connect()
    columns = file_columns(made.node("push"), read_contract(client, made.node("push")))
    effects = [effect(1, name='First, "1"', **VALUES), effect(2), effect(3, title="last")]
    assert [misfit(one.payload, columns.types, columns.labels) for one in effects] == [None] * 3

    state, rows = run(jobs, effects[:2], columns.types)
    assert (state.status, state.counts) == (Progress.COMPLETED, Counts(2, 0, 0, 2, 0, 0))
    again, more = run(jobs, effects, columns.types)
    assert again.counts == Counts(3, 0, 0, 1, 2, 0)
    assert [rows[1], rows[2]] == [more[1], more[2]]
    assert len({row.item_id for row in more.values()}) == 3

    on_board = items(client)
    assert on_board.keys() == {"k-1", "k-2", "k-3"}
    assert (on_board["k-2"][1]["title"], on_board["k-3"][1]["title"]) == ("", "last")
    name, cells = on_board["k-1"]
    assert {"name": name} | {one: cells[one] for one in VALUES} == {
        "name": 'First, "1"',
        "title": VALUES["title"],
        "amount": "-12.5",
        "due": "2026-10-01",
        "approved": "v",
        "email": "a@b.co",
    }


def test_what_a_job_refuses_is_told_by_row_or_as_a_whole(control, connect):
    control.clock(100)
    _, _, jobs = connect()
    types = {KEY: "text", "state": "status"}
    wrong, right = ({"label": label} for label in ("open", "Open"))
    effects = [effect(1, state=wrong), effect(2, state=right)]
    state, rows = run(jobs, effects, types)
    assert (state.counts.invalid, state.counts.created) == (1, 1)
    assert rows[1].item_id is None
    assert [*rows[1].columns] == ["state"]
    assert rows[2].item_id is not None

    state, _ = run(jobs, [effect(1, nowhere="x")], {KEY: "text", "nowhere": "text"})
    assert (state.status, state.failure_reason) == (Progress.REJECTED, "INVALID_UPLOAD")
    assert isinstance(jobs.state("nobody-started-this"), NotRead)
    assert isinstance(jobs.start(BOARD, "no-such-group", KEY, uuid.uuid4()), NotOffered)
    _, _, older = connect(api_version="2026-04")
    assert isinstance(older.start(BOARD, "topics", KEY, uuid.uuid4()), NotOffered)

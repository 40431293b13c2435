"""Reads in several parts, of an org whose records change from one part to another meanwhile."""

from __future__ import annotations

import dataclasses

import pytest
from pull_cases import build, load, rows_of, truth, view
from test_salesforce_pull import contacts, edit, read_all, table

from syncflow_dagster.nodes.pull import salesforce
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.rows import PositionLost
from syncflow_dagster.nodes.salesforce import bulk_reading, csv_pages
from syncflow_dagster.nodes.salesforce.client import SalesforceClient

HASH = "{strategy: hash}"
#: The least lists that take two queries by REST, and by Bulk.
FILLERS = {"rest": 700, "bulk": 6000}


def names(api):
    listed = [f"Plain {n:03}" for n in range(437)]
    listed += [f"Filler name number {n:06}" for n in range(FILLERS[api])]
    return f"where: {{attribute: LastName, operator: in, value: [{', '.join([*listed, 'Last'])}]}}"


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_who_changes_from_a_later_part_to_an_earlier_one_is_not_deleted(
    org, database, tmp_path, api
):
    loaded = load(tmp_path, org, f"api: {api}", names(api), detection=HASH)
    build(database, loaded, rows_of(loaded, org))
    them = contacts(org)
    org.settings(edits=[edit("update", them[2], fields={"LastName": "Last"})])
    org.clock.advance(3600)
    source = rows_of(loaded, org)
    real = source.read

    def read(position):
        for number, piece in enumerate(real(position)):
            yield piece
            if number == 0:
                org.settings(edits=[
                    edit("update", them[2], fields={"LastName": "Plain 000"}),
                    edit("update", them[1], fields={"LastName": "Last"}),
                ])  # fmt: skip

    source.read = read
    result = build(database, loaded, source)
    assert len(source.told.queries) > 1
    assert (result.counts["deleted"], result.counts["rejected"]) == (0, 0)
    # Who was read before it changed is read as it was; the next read shows it as it is.
    build(database, loaded, rows_of(loaded, org))
    shown, held = view(database)[0], truth(org)
    assert shown == {who: held[who] for who in shown}
    assert {them[1], them[2]} <= shown.keys()
    assert org.stats()["bulk"]["query"]["jobs"] == {}


def test_parts_that_records_change_between_go_on_nowhere_and_need_a_stamp(
    org, tmp_path, monkeypatch
):
    loaded = load(tmp_path, org, "api: rest", names("rest"), detection=HASH)
    source = rows_of(loaded, org)
    pieces = read_all(source)
    assert {one.resume for one in pieces} == {None}
    monkeypatch.setattr(salesforce, "late_condition", lambda *_: None)
    with pytest.raises(QueryFailedError, match=r"no SystemModstamp.*detect: false"):
        read_all(source)
    deltas = [
        one.model_copy(update={"deletes": one.deletes.model_copy(update={"detect": False})})
        for one in loaded.workflow.deltas
    ]
    nodes = [*loaded.workflow.salesforce_pulls, *deltas]
    lenient = loaded.workflow.model_copy(update={"nodes": nodes})
    again = rows_of(dataclasses.replace(loaded, workflow=lenient), org)
    assert table(read_all(again)) == table(pieces)
    monkeypatch.undo()
    # By Ids, which never change, parts keep places; a place of other parts leads nowhere.
    ids = [f"003{n:012}" for n in range(501)]
    by_id = load(tmp_path, org, f"where: {{attribute: Id, operator: in, value: "
                 f"{[*ids, contacts(org)[0]]}}}")  # fmt: skip
    source = rows_of(by_id, org)
    (piece,) = read_all(source)
    assert len(source.told.queries) > 1
    assert piece.resume is not None
    (one,) = read_all(rows_of(load(tmp_path, org, "api: rest"), org), pages=1)
    with pytest.raises(PositionLost):
        read_all(rows_of(loaded, org), after=one.resume)


def test_a_job_that_nobody_can_go_on_with_is_deleted(org, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_pages, "_BLOCK_BYTES", 2000)  # several batches in a page
    org.settings(bulk_page_rows=60)
    loaded = load(tmp_path, org, "api: bulk")

    def jobs():
        return len(org.stats()["bulk"]["query"]["jobs"])

    (piece,) = read_all(rows_of(loaded, org), pages=1)
    assert (piece.resume, jobs()) == (None, 0)
    found = read_all(rows_of(loaded, org), pages=6)
    marks = [one.resume for one in found if one.resume]
    assert marks
    assert jobs() == 1
    # The file was changed meanwhile: the place is given up, and what it names with it.
    other = load(tmp_path, org, "api: bulk", "where: {attribute: LastName, operator: is_not_null}")
    with pytest.raises(PositionLost):
        read_all(rows_of(other, org), after=marks[-1])
    assert jobs() == 0
    # Parts that go on nowhere leave none either.
    long = load(tmp_path, org, "api: bulk", names("bulk"), detection=HASH)
    read_all(rows_of(long, org), pages=3)
    assert jobs() == 0


def test_a_job_is_not_waited_for_a_day(org, tmp_path, monkeypatch):
    def look(*_):
        return {"state": "InProgress"}

    monkeypatch.setattr(bulk_reading, "_look", look)
    source = rows_of(load(tmp_path, org, "api: bulk"), org)
    waits = []
    source.connect = lambda given: SalesforceClient(given, wait=waits.append)
    with pytest.raises(SourceUnavailableError, match="still InProgress"):
        read_all(source)
    assert 3600 < sum(waits) < 3 * 3600
    assert org.stats()["bulk"]["query"]["jobs"] == {}

"""Pulling from an org that changes meanwhile: 0 missed and 0 twice against its truth."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pyarrow as pa
import pytest
from pull_cases import FIELDS, build, load, rows_of, truth, view

from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.pull.salesforce import open_records
from syncflow_dagster.nodes.pull.salesforce_window import LAG, LONGEST_TRANSACTION
from syncflow_dagster.nodes.rows import Position, PositionLost
from syncflow_dagster.nodes.salesforce.errors import BulkUnsupported, JobGone, QuotaReached

ROWS = 451
SKEW_S = 120.0


def edit(op, who, **more):
    return {"op": op, "object": "Contact", "id": who, **more}


def contacts(org):
    """Ids of contacts with plain names that nobody has touched."""
    records = org.control.state("salesforce")["records"]["Contact"]
    return [one["Id"] for one in records if one["LastName"].startswith("Plain")]


def read_all(source, after=None, since=None, pages=None):
    """Pieces of a read, the first `pages` of them."""
    found = []
    read = source.read(Position(after=after, changed_since=since))
    for piece in read:
        found.append(piece)
        if len(found) == pages:
            break
    read.close()
    return found


def table(pieces):
    return pa.Table.from_batches([one.batch for one in pieces]).to_pylist()


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_what_is_committed_late_is_missed_by_no_window(org, database, tmp_path, api):
    loaded = load(tmp_path, org, f"api: {api}")
    source = rows_of(loaded, org)
    org.settings(page_size=200, bulk_page_rows=60)
    them = contacts(org)
    org.clock.advance(1800)
    org.settings(edits=[edit("update", them[-1])])
    org.clock.advance(1800)
    build(database, loaded, source)
    assert view(database) == (truth(org), 0)
    for step in range(5):
        one, *others = them[step * 12 : step * 12 + 12]
        # Stamped now, all in the same second, and shown two minutes later, each third at once.
        org.settings(
            commit_skew_s=0.0 if step % 3 == 2 else SKEW_S,
            edits=[
                *(edit("update", who, fields={"LastName": f"New {step}"}) for who in others[:4]),
                edit("update", others[4], fields={"Email": f"{step}@new.com"}, stamp="system"),
                {"op": "create", "object": "Contact", "fields": {"LastName": f"Born {step}"}},
                edit("delete", others[5]),
                edit("merge", one, losers=others[6:8]),
                *([edit("undelete", them[5 + 1])] if step == 3 else []),
            ],
        )
        org.clock.advance(45)
        counts = build(database, loaded, source).counts
        assert counts["read"] < 100
        assert view(database)[1] == 0
    org.settings(commit_skew_s=0.0)
    org.clock.advance(SKEW_S + LAG.seconds)
    build(database, loaded, source)
    assert view(database) == (truth(org), 0)
    assert source.told.choice.api == api
    assert source.told.window.covered == source.told.window.upto
    whole = load(tmp_path, org, f"api: {api}", detection="{strategy: hash}")
    counts = build(database, whole, rows_of(whole, org)).counts
    assert (counts["inserted"], counts["updated"], counts["deleted"]) == (0, 0, 0)


def test_where_the_org_tells_no_coverage_a_transaction_is_waited_for(org, tmp_path, monkeypatch):
    source = rows_of(load(tmp_path, org), org)

    def refuses(*_):
        raise QueryFailedError("no replication")

    monkeypatch.setattr("syncflow_dagster.nodes.pull.salesforce_window.covered_to", refuses)
    (piece,) = read_all(source)
    now = org.clock.wall()
    waited = now - LONGEST_TRANSACTION
    assert waited - timedelta(seconds=2) < piece.covered <= waited
    read_all(source, since=piece.covered)
    window = source.told.window
    assert now - LAG - timedelta(seconds=2) < window.upto <= now - LAG
    assert window.since == piece.covered <= window.covered <= waited + timedelta(seconds=1)
    assert f"SystemModstamp < {window.upto:%Y-%m-%dT%H:%M:%SZ}" in source.told.queries[0]
    # A record without the stamp is of no time, so it is always read.
    low, high = window.conditions("LoginTime", nillable=False)
    assert window.conditions("LoginTime", nillable=True) == (
        f"(({low} AND {high}) OR LoginTime = null)",
    )
    with pytest.raises(QueryFailedError, match="type: datetime"):
        read_all(source, since=7)


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_a_read_goes_on_behind_any_page_while_records_change(org, tmp_path, api):
    org.settings(page_size=200, bulk_page_rows=60)
    loaded = load(tmp_path, org, f"api: {api}")
    pages = 3 if api == "rest" else 8
    whole = read_all(rows_of(loaded, org), pages=pages)
    assert sum(one.batch.num_rows for one in whole) == ROWS
    columns = [one for one in FIELDS if one != "SystemModstamp"]
    same = pa.Table.from_batches([one.batch for one in whole]).select(columns)
    them = contacts(org)
    for number in range(pages):
        piece = whole[number]
        if api == "rest":
            # Read already, or not yet: it stands where it stood, whatever its stamp.
            org.settings(edits=[edit("update", who, stamp="user") for who in them[::97]])
        source = rows_of(loaded, org)
        rest = read_all(source, after=piece.resume)
        assert source.told.resumed
        assert {one.covered for one in rest} == {piece.covered}
        there = [one.batch for one in (*whole[: number + 1], *rest)]
        assert pa.Table.from_batches(there).select(columns).combine_chunks() == (
            same.combine_chunks()
        )
        if api == "bulk":  # the read that ended has deleted the job
            assert org.stats()["bulk"]["query"]["jobs"] == {}
            with pytest.raises(PositionLost):
                read_all(rows_of(loaded, org), after=piece.resume)
            whole = read_all(rows_of(loaded, org), pages=pages)
            assert len(org.stats()["bulk"]["query"]["jobs"]) == 1
    other = load(tmp_path, org, "where: {attribute: LastName, operator: is_not_null}")
    for place in (whole[0].resume, "nonsense", 5, '{"window":{}}'):
        with pytest.raises(PositionLost):
            read_all(rows_of(other, org), after=place)


def test_a_cursor_that_ends_costs_a_new_query_and_no_row(org, tmp_path):
    org.settings(page_size=100, locator_ttl_s=60.0)
    source = rows_of(load(tmp_path, org, "api: rest"), org)
    found = []
    for piece in source.read(Position()):
        found += piece.batch["Id"].to_pylist()
        org.clock.advance(7200)
    assert len(found) == len(set(found)) == ROWS
    assert source.told.restarted >= 1
    assert source.told.rows == ROWS


def test_quota_jobs_and_sessions_that_end_leave_a_place_to_go_on(org, database, tmp_path):
    from syncflow_dagster.nodes.delta import source as cutting

    org.settings(page_size=100, bulk_page_rows=50)
    before, cutting.cuts.__defaults__ = cutting.cuts.__defaults__, (100,)
    try:
        for number, (api, fault) in enumerate([
            ("rest", {"op": "query_more", "kind": "throttle", "limit": "daily", "nth": 3}),
            ("bulk", {"op": "bulk_results", "kind": "throttle", "limit": "daily", "nth": 8}),
            ("bulk", {"op": "bulk_results", "kind": "expired_session", "nth": 4, "times": 1}),
        ]):  # fmt: skip
            loaded = load(tmp_path, org, f"api: {api}", detection="{strategy: hash}")
            source = rows_of(loaded, org)
            org.control.clear_faults()
            org.fault(**fault)
            if fault["kind"] == "throttle":
                with pytest.raises(QuotaReached, match="come back bit by bit"):
                    build(database, loaded, source, home=tmp_path, threads=1)
                org.control.clear_faults()
            result = build(database, loaded, source, home=tmp_path)
            assert bool(result.resumed) == (fault["kind"] == "throttle")
            assert result.counts["read"] == ROWS
            assert view(database) == (truth(org), 0)
            assert result.counts["inserted"] == (0 if number else ROWS - 2)
        ceiling = rows_of(load(tmp_path, org), org)
        most = org.stats()["api_usage"] + 5
        org.settings(daily_requests=most)
        with pytest.raises(QuotaReached, match=f"of the org's {most} API requests.*come back"):
            read_all(ceiling)
    finally:
        cutting.cuts.__defaults__ = before


def test_the_api_is_told_and_rest_takes_what_bulk_cannot_read(org, tmp_path, monkeypatch):
    from syncflow_dagster.nodes.pull import salesforce_read

    source = rows_of(load(tmp_path, org, "bulk_from: 452"), org)
    assert len(table(read_all(source))) == ROWS
    assert (source.told.choice.api, source.told.choice.why) == (
        "rest", "451 records, fewer than bulk_from, 452",
    )  # fmt: skip
    assert source.told.usage.sent > 3
    source = rows_of(load(tmp_path, org, "bulk_from: 451"), org)
    by_bulk = read_all(source)
    assert (source.told.choice.api, source.told.rows) == ("bulk", ROWS)

    def refuses(*_args, **_more):
        raise BulkUnsupported("Entity 'Contact' is not supported by the Bulk API")

    monkeypatch.setattr(salesforce_read, "start_query", refuses)
    assert table(read_all(source)) == table(by_bulk)
    assert source.told.choice.api == "rest"
    assert "not supported by the Bulk API" in source.told.choice.why

    def gone(*_args, **_more):
        raise JobGone("somebody ended it")

    monkeypatch.undo()
    monkeypatch.setattr(salesforce_read, "await_query", gone)
    with pytest.raises(JobGone):
        read_all(source)
    assert org.stats()["bulk"]["query"]["jobs"] == {}


def test_parts_of_a_long_query_give_each_record_once(org, tmp_path):
    names = [f"{{attribute: LastName, operator: starts_with, value: Plain {n:03}}}"
             for n in range(437)]  # fmt: skip
    twice = "{attribute: LastName, operator: like, value: 'Plain %0'}"
    where = f"where: {{any: [{', '.join([*names, twice])}]}}"
    loaded = load(tmp_path, org, "api: rest", where)
    pull, delta = loaded.workflow.nodes
    nodes = [pull.model_copy(update={"fields": list(FIELDS[1:])}), delta]
    without_id = loaded.workflow.model_copy(update={"nodes": nodes})
    source = rows_of(dataclasses.replace(loaded, workflow=without_id), org)
    pieces = read_all(source)
    assert len(source.told.queries) > 1
    assert pieces[0].batch.schema.names == list(FIELDS[1:])
    assert len(table(pieces)) == source.told.rows == 437
    assert {one.resume for one in pieces} == {None}
    source = rows_of(
        load(tmp_path, org, "where: {attribute: LastName, operator: in, value: []}"), org
    )
    (nothing,) = read_all(source)
    assert (nothing.batch.num_rows, source.told.queries) == (0, ())


def test_a_new_field_is_filled_in_for_records_that_did_not_change(org, database, tmp_path):
    org.settings(edits=[edit("update", who, fields={"Title": "CEO"}) for who in contacts(org)[:40]])
    org.clock.advance(3600)
    loaded = load(tmp_path, org)
    build(database, loaded, rows_of(loaded, org))
    title = "{name: title, column: Title, backfill: true}"
    more = load(tmp_path, org, fields=(*FIELDS, "Title"), more=(title,))
    counts = build(database, more, rows_of(more, org)).counts
    assert (counts["read"], counts["migrated"] + counts["updated"]) == (ROWS, ROWS - 2)
    (row,) = database.fetch_all(
        "select count(*) as n, count(*) filter (where title = 'CEO') as those"
        " from champions_people where title is not null"
    )
    assert counts["updated"] == row["n"] >= row["those"] == 40
    assert build(database, more, rows_of(more, org)).counts["updated"] == 0


def test_what_names_no_stamp_is_read_whole(org, tmp_path):
    loaded = load(tmp_path, org)
    (node,) = loaded.workflow.salesforce_pulls
    cases = {("Id", "CreatedDate"): True, ("Id", "lastmodifieddate"): True, ("Id", "Name"): False}
    for fields, selects in cases.items():
        given = node.model_copy(update={"fields": list(fields)})
        assert open_records(loaded, given).selects_changes == selects
    query = node.model_copy(update={"soql": "SELECT Id, SystemModstamp FROM Contact"})
    prints = {open_records(loaded, one).fingerprint for one in (node, given, query)}
    assert (len(prints), open_records(loaded, query).selects_changes) == (3, True)
    (piece,) = read_all(rows_of(loaded, org))
    assert piece.covered < org.clock.wall() - LAG + timedelta(seconds=1)

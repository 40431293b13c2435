"""Reading only what changed: what is asked of the source, and when everything is read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from delta_cases import NOW, delta_rows, headers_node, order, snapshot_rows
from source_cases import ClockAt, MarkedRows, build_from

from syncflow_dagster.nodes.delta import cursor
from syncflow_dagster.nodes.delta.retry import retry_rejected
from syncflow_dagster.nodes.pull.ports import SourceUnavailableError


def versioned_node(strategy="rowversion", kind="integer", scale=2, **detection):
    fields = [{**each.model_dump(), "scale": scale} for each in headers_node().fields]
    version = {"name": "version", "column": "V", "type": kind, "compared": False}
    return headers_node(
        fields=[*fields, version],
        detection={"strategy": strategy, "rowversion": "version", **detection},
    )


def row(n, version, **changes):
    return {"N": n, **order(f"SO-{n}", **changes), "V": version}


def table(*rows, **changes):
    """Ten rows of version 1 to 10, and those given in their place or behind them."""
    known = {n: row(n, n) for n in range(1, 11)}
    known |= {each["N"]: each for each in rows}
    return MarkedRows(list(known.values()), version="V", **changes)


class Builds:
    """Builds of one node, with what each asked its source for."""

    def __init__(self, database, node):
        self.database = database
        self.node = node
        self.clock = ClockAt()

    def __call__(self, source, **options):
        asked = len(source.asked)
        result = build_from(self.database, self.node, source, clock=self.clock, **options)
        (position,) = source.asked[asked:]
        counts = {name: result.counts[name] for name in ("inserted", "updated", "deleted")}
        return result.strategy, position.changed_since, *counts.values()

    def cursor(self):
        rows = self.database.fetch_all("select rowversion, swept_at from delta_cursor")
        return [tuple(each.values()) for each in rows]


@pytest.fixture
def builds(database):
    return Builds(database, versioned_node())


def test_after_the_first_read_only_newer_rows_are_asked_for(database, builds):
    source = table()
    assert builds(source) == ("sweep", None, 10, 0, 0)
    source.rows[2] = row(3, 11, total="3")
    del source.rows[8]
    source.given.clear()
    assert builds(source) == ("changes", 10, 0, 1, 0)
    assert [each["N"] for each in source.given] == [3]
    # What is gone has no version, so that only a read of everything finds it.
    assert len(snapshot_rows(database, builds.node)) == 10
    assert builds(source) == ("changes", 11, 0, 0, 0)
    assert builds.cursor() == [("integer:11", NOW)]
    strategies = database.fetch_all("select strategy from batch order by batch_id")
    assert [each["strategy"] for each in strategies] == ["sweep", "changes", "changes"]


def test_a_read_of_changes_that_finds_none_writes_nothing(database, builds):
    source = table()
    builds(source)
    state = "select xmin::text, ctid::text, * from order_list_delta"
    both = [f"{state} order by delta_id", f"{state}_snapshot order by bk_hash"]
    before = [database.fetch_all(statement) for statement in both]
    # One was touched, and is what it was.
    source.rows[4] = row(5, 12)
    assert builds(source) == ("changes", 10, 0, 0, 0)
    assert [database.fetch_all(statement) for statement in both] == before
    assert builds(table(row(5, 12))) == ("changes", 12, 0, 0, 0)


def test_an_overlap_finds_versions_that_show_late(database):
    builds = Builds(database, versioned_node(overlap=3))
    builds(table(row(10, 20)))
    # Its transaction ended after the one of version 20.
    late = table(row(10, 20), row(11, 18))
    assert builds(late) == ("changes", 17, 1, 0, 0)
    assert builds(late) == ("changes", 17, 0, 0, 0)


def test_an_overlap_of_date_times_is_of_seconds(database):
    def at(second):
        return datetime(2026, 5, 1, 9, 0, second, 500_000, tzinfo=UTC)

    builds = Builds(database, versioned_node(kind="datetime", overlap=2))
    source = MarkedRows([row(1, at(1)), row(2, at(9))], version="V")
    builds(source)
    assert builds(source) == ("changes", at(7), 0, 0, 0)
    assert builds.cursor() == [("datetime:2026-05-01T09:00:09.500000+00:00", NOW)]


def test_a_row_without_a_version_asks_for_everything_next_time(builds):
    builds(table())
    assert builds(table(row(11, None))) == ("changes", 10, 1, 0, 0)
    assert builds.cursor() == [(None, NOW)]
    assert builds(table(row(11, None, total="5"))) == ("sweep", None, 0, 1, 0)
    assert builds(table(row(11, 12))) == ("sweep", None, 0, 1, 0)
    assert builds(table(row(11, 12))) == ("changes", 12, 0, 0, 0)


def test_after_a_restore_the_versions_of_the_next_sweep_are_believed(database):
    builds = Builds(database, versioned_node("auto", sweep_every_h=1))
    builds(table(row(11, 99)))
    builds.clock.time += timedelta(minutes=59)
    restored = table(row(4, 12, total="4"))
    assert builds(restored) == ("changes", 99, 0, 0, 0)
    builds.clock.time += timedelta(minutes=1)
    assert builds(restored) == ("sweep", None, 0, 1, 1)
    assert builds(table(row(4, 12), row(5, 13, total="8"))) == ("changes", 12, 0, 1, 0)


def test_auto_sweeps_find_what_the_versions_missed(database):
    builds = Builds(database, versioned_node("auto", sweep_every_h=24))
    builds(table())
    missed = table(row(2, 2, total="2"))
    del missed.rows[6]
    for hours in (8, 15):
        builds.clock.time += timedelta(hours=hours)
        assert builds(missed) == ("changes", 10, 0, 0, 0)
    assert builds.cursor() == [("integer:10", NOW)]
    builds.clock.time += timedelta(hours=1)
    assert builds(missed) == ("sweep", None, 0, 1, 1)
    assert builds.cursor() == [("integer:10", NOW + timedelta(hours=24))]
    builds.clock.time += timedelta(hours=23)
    assert builds(missed) == ("changes", 10, 0, 0, 0)


def test_rowversion_alone_never_sweeps_by_the_clock(builds):
    builds(table())
    builds.clock.time += timedelta(days=400)
    assert builds(table()) == ("changes", 10, 0, 0, 0)


def test_another_query_or_definition_reads_everything(builds):
    builds(table())
    assert builds(table(fingerprint="wider")) == ("sweep", None, 0, 0, 0)
    assert builds(table(fingerprint="wider")) == ("changes", 10, 0, 0, 0)
    builds.node = versioned_node(scale=1)
    assert builds(table(fingerprint="wider")) == ("sweep", None, 0, 0, 0)


def test_a_source_that_cannot_select_is_read_as_a_whole(builds):
    plain = table()
    plain.version = None
    assert builds(plain) == ("sweep", None, 10, 0, 0)
    del plain.rows[0]
    assert builds(plain) == ("sweep", None, 0, 0, 1)


def test_a_read_of_some_rows_moves_no_cursor(builds):
    part = MarkedRows([row(9, 9)], version="V")
    # Nothing says that the eight before it were ever read.
    assert builds(part, complete=False) == ("hash", None, 1, 0, 0)
    assert builds(table()) == ("sweep", None, 9, 0, 0)
    newer = MarkedRows([row(12, 12)], version="V")
    assert builds(newer, complete=False) == ("hash", None, 1, 0, 0)
    assert builds.cursor() == [("integer:10", NOW)]
    assert builds(table(row(11, 11), row(12, 12))) == ("changes", 10, 1, 0, 0)


def test_another_try_of_rejected_rows_moves_no_cursor(database, builds):
    source = table(row(11, 11, due="31/02/2026"))
    assert builds(source) == ("sweep", None, 10, 0, 0)
    tried = retry_rejected(database, "orders", builds.node, parent=None, clock=builds.clock)
    assert tried.counts["rejected"] == 1
    assert builds(source) == ("changes", 11, 0, 0, 0)


def test_a_full_resync_reads_everything_and_begins_again_from_there(builds):
    builds(table())
    more = table(row(11, 11))
    assert builds(more, full_resync=True) == ("sweep", None, 1, 10, 0)
    assert builds(more) == ("changes", 11, 0, 0, 0)


def test_what_is_not_committed_is_asked_for_again(database, builds, monkeypatch):
    builds(table())
    more = table(row(11, 11))
    keep = cursor.keep

    def broken(*given):
        keep(*given)
        raise psycopg.OperationalError("the server is gone")

    with monkeypatch.context() as patched, pytest.raises(psycopg.OperationalError):
        patched.setattr(cursor, "keep", broken)
        builds(more)
    assert builds.cursor() == [("integer:10", NOW)]
    assert len(delta_rows(database, builds.node)) == 10
    assert builds(more) == ("changes", 10, 1, 0, 0)


def test_what_changes_while_a_read_is_broken_off_is_found(builds, tmp_path, monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (4,))

    def break_off(source):
        with pytest.raises(SourceUnavailableError):
            builds(source, home=tmp_path, threads=1)

    break_off(table(breaks_after=8))
    # The first row was read before, the last one is read now.
    source = table(row(1, 50, total="5"), row(10, 51))
    assert builds(source, home=tmp_path) == ("sweep", None, 10, 0, 0)
    assert source.asked[0].after == 4
    assert builds.cursor() == [("integer:4", NOW)]
    assert builds(source) == ("changes", 4, 0, 1, 0)
    assert builds.cursor() == [("integer:51", NOW)]

    source.rows += [row(n, n + 50) for n in range(11, 23)]
    source.breaks_after = 8
    break_off(source)
    source.breaks_after = None
    source.rows[10], source.rows[21] = row(11, 80, total="6"), row(22, 81)
    assert builds(source, home=tmp_path) == ("changes", 51, 12, 0, 0)
    assert builds.cursor() == [("integer:64", NOW)]
    assert builds(source) == ("changes", 64, 0, 1, 0)


def test_a_read_of_changes_is_gone_on_with_too(builds, tmp_path, monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (4,))
    builds(table())
    newer = table(*(row(n, n) for n in range(11, 31)), breaks_after=12)
    with pytest.raises(SourceUnavailableError):
        builds(newer, home=tmp_path, threads=1)
    newer.breaks_after = None
    assert builds(newer, home=tmp_path) == ("changes", 10, 20, 0, 0)
    assert [position.after for position in newer.asked] == [None, 18]


def marked_node(**changes):
    fields = [each.model_dump() for each in headers_node().fields]
    gone = {"name": "gone", "type": "boolean", "column": "GONE", "compared": False}
    version = {"name": "version", "column": "V", "type": "integer", "compared": False}
    return headers_node(
        fields=[*fields, gone, version],
        detection={"strategy": "rowversion", "rowversion": "version"},
        deletes={"marker": "gone"},
        **changes,
    )


def test_a_row_that_says_it_is_deleted_is_deleted_in_a_read_of_changes(database):
    builds = Builds(database, marked_node())
    known = [{**row(n, n), "GONE": False} for n in range(1, 5)]
    builds(MarkedRows(known, version="V"))
    # Of a deleted row the key is enough; one that was never known is no news.
    gone = [
        {**row(2, 7, total="x"), "GONE": True},
        {**row(9, 8), "GONE": True},
        {**row(3, 9, total="3"), "GONE": None},
    ]
    assert builds(MarkedRows(known + gone, version="V"))[0:5] == ("changes", 4, 0, 1, 1)
    operations = [each["operation"] for each in delta_rows(database, builds.node)]
    assert operations[4:] == ["UPDATE", "DELETE"]
    assert builds(MarkedRows(known + gone, version="V")) == ("changes", 9, 0, 0, 0)
    back = [{**row(2, 10), "GONE": False}]
    assert builds(MarkedRows(known + back, version="V"))[2:] == (1, 0, 0)


@pytest.mark.parametrize(("rule", "deleted"), [("reject", 0), ("first", 0), ("last", 1)])
def test_a_key_with_and_without_a_mark_goes_by_the_rule_of_duplicates(database, rule, deleted):
    builds = Builds(database, marked_node(duplicates=rule))
    builds(MarkedRows([{**row(1, 1), "GONE": False}], version="V"))
    both = [{**row(1, 2), "GONE": False}, {**row(1, 3), "GONE": True}]
    assert builds(MarkedRows(both, version="V", mark=None))[4] == deleted


def test_a_read_is_believed_only_as_far_as_its_source_shows_every_change(database, builds):
    source = table()
    source.covered = 7
    builds(source)
    assert builds.cursor() == [("integer:7", NOW)]
    late = table(row(11, 8))
    assert builds(late) == ("changes", 7, 1, 0, 0)
    assert builds.cursor() == [("integer:10", NOW)]

"""Old delta rows move away in batches: which do, which never do, and what a kill leaves behind."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from retention_cases import NOW, TABLE, Clock, fill, left, record, should_go, workflow

from syncflow_dagster.ledger.worker import Busy, only_one
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
from syncflow_dagster.nodes.retention import RetainOptions, retain

ARCHIVE = f"{TABLE}_archive"
#: Records of each kind, oldest row first with days since it was settled, and how many rows stay.
KINDS = {
    "new": ([("INSERT", "SYNCED", 100)], 1),
    "changed": ([("INSERT", "SYNCED", 300), ("UPDATE", "SYNCED", 100)], 1),
    "changed lately": ([("INSERT", "SYNCED", 300), ("UPDATE", "SYNCED", 5)], 2),
    "changed, not sent": ([("INSERT", "SYNCED", 300), ("UPDATE", "PENDING", 200)], 2),
    "overtaken": ([("INSERT", "SUPERSEDED", 200), ("UPDATE", "SYNCED", 199)], 1),
    "overtaken lately": ([("INSERT", "SUPERSEDED", 5), ("UPDATE", "SYNCED", 4)], 2),
    "refused": ([("INSERT", "DEAD", 300)], 1),
    "waits": ([("INSERT", "WAITING", 300)], 1),
    "one under way between": (
        [("INSERT", "SYNCED", 300), ("UPDATE", "PUSHING", 200), ("UPDATE", "SYNCED", 150)],
        2,
    ),
    "gone": ([("INSERT", "SYNCED", 300), ("DELETE", "SYNCED", 200)], 0),
    "gone lately": ([("INSERT", "SYNCED", 300), ("DELETE", "SYNCED", 2)], 2),
    "gone, not told": ([("INSERT", "SYNCED", 300), ("DELETE", "PENDING", 200)], 2),
    "gone and back": (
        [("INSERT", "SYNCED", 300), ("DELETE", "SYNCED", 250), ("INSERT", "SYNCED", 200)],
        1,
    ),
}


def fill_kinds(database):
    fill(database, [(name, *row) for name, (rows, _) in KINDS.items() for row in rows])


def ids(rows):
    return {row["delta_id"] for row in rows}


@pytest.mark.parametrize("batch", [1, 1000])
def test_of_each_record_the_past_goes_and_the_present_stays(database, batch):
    fill_kinds(database)
    before = left(database)
    report = retain(database, Clock(), workflow(), RetainOptions(batch=batch))
    keys = [row["business_key"] for row in left(database)]
    assert {name: keys.count(name) for name in KINDS} == {
        name: kept for name, (_, kept) in KINDS.items()
    }
    archived = left(database, ARCHIVE)
    assert report.rows == len(archived)
    assert report.tables[0].archive == ARCHIVE
    assert report.tables[0].oldest == left(database)[0]["created_at"]
    kept = {row["delta_id"]: row for row in before}
    for row in archived:
        assert (row["state"], row["state_since"]) == ("ARCHIVED", NOW)
        assert {**kept[row["delta_id"]], "state": "ARCHIVED", "state_since": NOW} == row


def test_a_second_time_there_is_nothing_to_look_at(database):
    fill_kinds(database)
    retain(database, Clock(), workflow())
    kept = left(database)
    again = retain(database, Clock(), workflow())
    assert (again.rows, again.tables[0].looked_at) == (0, 0)
    assert left(database) == kept


def test_what_is_settled_later_brings_its_record_up_again(database):
    fill_kinds(database)
    retain(database, Clock(), workflow())
    database.execute(
        f"update {TABLE} set state = 'SYNCED', state_since = %s where state = 'PENDING'", [NOW]
    )
    # Those that were settled lately by now: two pairs, one of which ends with a DELETE.
    assert retain(database, Clock(NOW + timedelta(days=90)), workflow()).rows == 4
    found = retain(database, Clock(NOW + timedelta(days=91)), workflow())
    assert found.rows == 3
    assert "gone, not told" not in {row["business_key"] for row in left(database)}


def test_by_day_or_at_once_the_same_rows_go_as_the_rule_says(database):
    chance = random.Random(7)
    states = ["SYNCED", "SYNCED", "SYNCED", "SUPERSEDED", "DEAD", "WAITING"]
    rows = []
    for number in range(60):
        day = chance.randint(0, 300)
        for _ in range(chance.randint(1, 6)):
            operation = chance.choice(["INSERT", "UPDATE", "UPDATE", "DELETE"])
            rows.append((f"SO-{number}", operation, chance.choice(states), day))
            day = max(0, day - chance.randint(0, 120))
    fill(database, rows)
    before = left(database)
    gone = set()
    for days in (200, 130, 60, 0):
        now = NOW - timedelta(days=days)
        retain(database, Clock(now), workflow(action="delete"), RetainOptions(batch=7))
        expected = should_go(before, now - timedelta(days=90))
        gone = ids(before) - ids(left(database))
        assert gone == expected
    assert gone


def test_a_dry_run_counts_the_same_and_changes_nothing(database):
    fill_kinds(database)
    before = left(database)
    counted = retain(database, Clock(), workflow(), RetainOptions(dry_run=True, batch=3))
    assert left(database) == before
    assert counted.rows == retain(database, Clock(), workflow()).rows > 0


def test_a_dry_run_counts_each_row_once_however_its_record_is_spread_over_batches(database):
    fill(
        database,
        [
            (f"SO-{number}", operation, "SYNCED", days - number)
            for number in range(5)
            for operation, days in [("INSERT", 300), ("UPDATE", 250), ("DELETE", 200)]
        ],
    )
    for row in left(database):
        database.execute(
            "insert into effect (effect_key, workflow, node, account, kind, pass, object_key,"
            " creates, payload, state, delta_table, delta_id, planned_at) values (%(id)s::text,"
            " 'orders', 'push', 'a', 'change_item', 1, 'k', false, '{}', 'DONE', %(table)s, %(id)s,"
            " '2026-01-01')",
            {"id": row["delta_id"], "table": TABLE},
        )
    database.execute(
        "insert into attempt (effect_id, action, request_id, started_at)"
        " select effect_id, 'send', gen_random_uuid(), planned_at from effect"
    )
    database.execute(
        "create function never() returns trigger language plpgsql as"
        " $$ begin raise 'a dry run deletes nothing'; end $$"
    )
    for table in (TABLE, "effect", "attempt"):
        database.execute(f"create trigger never before delete on {table} execute function never()")
    counted = {}
    for batch in (1, 2, 1000):
        report = retain(database, Clock(), workflow(), RetainOptions(dry_run=True, batch=batch))
        (table,) = report.tables
        counted[batch] = (table.looked_at, table.rows, table.effects, report.attempts)
    assert counted == dict.fromkeys(counted, (15, 15, 15, 15))
    assert database.fetch_all("select * from retention_mark") == []


def test_a_field_that_comes_between_two_batches_is_taken_along(database):
    histories = [(f"SO-{n}", "UPDATE", "SYNCED", 300 - i) for n in range(2) for i in (0, 50)]
    fill(database, sorted(histories, key=lambda row: -row[3]))
    retain(database, Clock(NOW - timedelta(days=300)), workflow())

    def grow(gone):
        if gone == 1:
            database.execute(f"alter table {TABLE} add column colour text default 'red'")

    options = RetainOptions(batch=1)
    assert retain(database, Clock(), workflow(), options, grow).rows == 2
    assert [row["colour"] for row in left(database, ARCHIVE)] == [None, "red"]


def test_a_field_that_is_new_comes_to_the_archive_too(database):
    fill(database, [("SO-1", "INSERT", "SYNCED", 300), ("SO-1", "UPDATE", "SYNCED", 200)])
    retain(database, Clock(), workflow())
    database.execute(f"alter table {TABLE} add column colour text")
    fill(database, [("SO-1", "UPDATE", "SYNCED", 150)])
    database.execute(f"update {TABLE} set colour = 'red'")
    database.execute(f"alter table {ARCHIVE} drop column title")
    assert retain(database, Clock(), workflow()).rows == 1
    assert [row["colour"] for row in left(database, ARCHIVE)] == [None, "red"]


def test_an_archive_that_does_not_fit_is_told_before_anything_moves(database):
    fill_kinds(database)
    retain(database, Clock(), workflow())
    kept = left(database)
    database.execute(f"alter table {ARCHIVE} alter column title type bytea using null")
    with pytest.raises(DeltaDefinitionError, match=r"title is text .* bytea in orders_delta_arch"):
        retain(database, Clock(NOW + timedelta(days=300)), workflow())
    assert left(database) == kept


def test_an_index_that_was_half_made_is_made_again(database):
    fill_kinds(database)
    index = f"{TABLE}_settled"
    database.execute(f"create index {index} on {TABLE} (state_since)")
    database.execute(
        "update pg_index set indisvalid = false where indexrelid = %s::regclass",
        [f"syncflow.{index}"],
    )
    retain(database, Clock(), workflow())
    found = database.fetch_one(
        "select i.indisvalid as valid, i.indnkeyatts as keys from pg_index i "
        "where i.indexrelid = %s::regclass",
        [f"syncflow.{index}"],
    )
    assert (found["valid"], found["keys"]) == (True, 2)


def test_a_rejected_row_of_a_gone_record_can_still_tell_that_it_is_older(database):
    fill_kinds(database)
    database.execute(
        "insert into batch (workflow, node, started_at) values ('orders', 'orders', now())"
    )
    database.execute(
        "insert into rejected_record (workflow, node, fingerprint, row_number, column_name, rule,"
        " reason, record, first_batch, last_batch, bk_hash) values ('orders', 'orders',"
        " gen_random_uuid(), 1, 'title', 'required', 'empty', '{}', 1, 1, %s)",
        [record("gone")],
    )
    retain(database, Clock(), workflow())
    assert [row["operation"] for row in left(database) if row["business_key"] == "gone"] == [
        "DELETE"
    ]


def test_two_at_once_do_not_meet(database):
    fill_kinds(database)
    with only_one(database, "retention of orders"), pytest.raises(Busy):
        retain(database, Clock(), workflow())
    assert len(left(database)) == sum(len(rows) for rows, _ in KINDS.values())

"""Definitions that change: what changed in the source is found, and what did not is left alone."""

from __future__ import annotations

import pytest
from delta_cases import batch_of, build, delta_rows, headers_node, order, snapshot_rows, some

from syncflow_dagster.nodes.delta.errors import DeleteGuard

RECORDS = 12


def rows(**changes):
    """Orders by number; `changes` are those of SO-3."""
    made = [order(f"SO-{n}", total=f"{n}.25", due=f"2026-06-{n + 1:02}") for n in range(RECORDS)]
    made[3] = {**made[3], **changes}
    return made


def with_fields(node, *, without=(), more=(), **changes):
    """The node with fields changed by name, left out, or added."""
    fields = [
        {**field.model_dump(), **changes.get(field.name, {})}
        for field in node.fields
        if field.name not in without
    ]
    return headers_node(fields=[*fields, *more])


def renamed(made, old, new):
    return [{new if name == old else name: value for name, value in row.items()} for row in made]


@pytest.fixture
def node(database):
    """A node whose records are known and delivered."""
    node = headers_node()
    build(database, node, rows())
    database.execute("update order_list_delta set state = 'SYNCED'")
    return node


def changes_of(database, node, made, **options):
    """Build, and return what changed in which record."""
    last = max(row["delta_id"] for row in delta_rows(database, node))
    result = build(database, node, made, **options)
    counts = result.counts
    assert counts["same"] + counts["updated"] + counts["rejected"] == len(made)
    found = {
        row["business_key"]: row["changed_columns"]
        for row in delta_rows(database, node)
        if row["delta_id"] > last
    }
    database.execute("update order_list_delta set state = 'SYNCED' where state = 'PENDING'")
    again = build(database, node, made, **options)
    some(again, inserted=0, updated=0, migrated=0)
    return found


def versions_in_use(database):
    found = database.fetch_all("select hash_version from order_list_delta_snapshot")
    return {row["hash_version"] for row in found}


def test_a_removed_field_changes_nothing_and_hides_nothing(database, node):
    narrow = with_fields(node, without=["due"])
    assert changes_of(database, narrow, rows(DUE="2027-01-01")) == {}
    assert changes_of(database, narrow, rows(DUE="2027-01-01", TOTAL="9")) == {"SO-3": ["total"]}
    # Back again it is a new field: nobody knows what it was.
    assert changes_of(database, node, rows(DUE="2027-02-02", TOTAL="9")) == {}
    assert changes_of(database, node, rows(DUE="2027-03-03", TOTAL="9")) == {"SO-3": ["due"]}


def test_what_is_removed_and_what_changes_at_once(database, node):
    narrow = with_fields(node, without=["due"], more=[{"name": "colour", "column": "C"}])
    made = [{**row, "C": "red"} for row in rows(CUSTOMER="Other")]
    assert changes_of(database, narrow, made) == {"SO-3": ["customer_name"]}
    assert versions_in_use(database) == {2}


def test_fields_in_another_order_are_the_same_fields(database, node):
    turned = headers_node(fields=[field.model_dump() for field in reversed(node.fields)])
    assert changes_of(database, turned, rows(TOTAL="9")) == {"SO-3": ["total"]}


def test_a_field_that_is_compared_from_now_on(database, node):
    compared = with_fields(node, notes={"compared": True})
    assert changes_of(database, compared, rows(NOTES="new")) == {}
    assert changes_of(database, compared, rows(NOTES="newer")) == {"SO-3": ["notes"]}
    assert changes_of(database, node, rows(NOTES="newest")) == {}


def test_a_new_field_fills_known_records_in_where_it_is_said_to(database, node):
    made = [{**row, "SEASON": f"S{n}" if n % 2 else None} for n, row in enumerate(rows())]
    new = {"name": "season", "column": "SEASON", "backfill": True}
    found = changes_of(database, with_fields(node, more=[new]), made)
    assert found == {f"SO-{n}": ["season"] for n in range(1, RECORDS, 2)}


def test_a_rule_change_finds_true_changes_of_that_field_and_of_others(database, node):
    upper = with_fields(node, customer_name={"case": "upper"})
    made = rows(CUSTOMER="Acme", TOTAL="9")
    made[4]["CUSTOMER"] = "acme"
    # By the rule of then, ACME and acme are two.
    assert changes_of(database, upper, made) == {
        "SO-3": ["customer_name", "total"],
        "SO-4": ["customer_name"],
    }
    made[5]["CUSTOMER"] = "aCmE"
    assert changes_of(database, upper, made) == {}


def test_a_column_that_was_renamed_keeps_its_values(database, node):
    other = with_fields(node, total={"column": "AMOUNT"})
    made = renamed(rows(TOTAL="9"), "TOTAL", "AMOUNT")
    assert changes_of(database, other, made) == {"SO-3": ["total"]}
    made = renamed(rows(TOTAL="10"), "TOTAL", "AMOUNT")
    assert changes_of(database, other, made) == {"SO-3": ["total"]}


def test_a_column_that_is_gone_leaves_the_other_rules_their_columns(database, node):
    other = with_fields(node, total={"column": "AMOUNT"}, customer_name={"case": "lower"})
    made = renamed(rows(CUSTOMER="Other"), "TOTAL", "AMOUNT")
    assert changes_of(database, other, made) == {"SO-3": ["customer_name"]}


def test_another_column_is_no_change_by_itself_while_the_old_one_is_read(database, node):
    other = with_fields(node, total={"column": "NET"})
    made = [{**row, "NET": "1"} for row in rows(TOTAL="9")]
    assert changes_of(database, other, made) == {"SO-3": ["total"]}


def test_a_field_with_another_name_is_another_field(database, node):
    other = with_fields(node, total={"name": "amount"})
    assert changes_of(database, other, rows(TOTAL="9", CUSTOMER="Other")) == {
        "SO-3": ["customer_name"]
    }
    assert changes_of(database, other, rows(TOTAL="10", CUSTOMER="Other")) == {"SO-3": ["amount"]}


def test_a_transform_whose_columns_are_gone_hides_no_other_change(database, node):
    joined = with_fields(
        node, customer_name={"transform": {"type": "concat", "columns": ["CUSTOMER", "NOTES"]}}
    )
    assert changes_of(database, joined, rows()) == {}
    made = [{**row, "NAME": row["CUSTOMER"]} for row in rows(TOTAL="9")]
    for row in made:
        del row["CUSTOMER"]
    plain = with_fields(node, customer_name={"column": "NAME"})
    assert changes_of(database, plain, made) == {"SO-3": ["total"]}


def test_an_earlier_rule_that_some_rows_cannot_follow_is_left_to_the_others(database, node):
    joined = {"transform": {"type": "concat", "columns": ["CUSTOMER", "NOTES"]}}
    assert changes_of(database, with_fields(node, customer_name=joined), rows()) == {}
    made = [{**row, "NAME": row["CUSTOMER"]} for row in rows(TOTAL="9", CUSTOMER="Other")]
    made[9] = {**made[9], "TOTAL": "9"}
    without = [
        {name: value for name, value in row.items() if name != "CUSTOMER"} for row in made[6:]
    ]
    plain = with_fields(node, customer_name={"column": "NAME"})
    result = build(database, plain, [*batch_of(made[:6]), *batch_of(without)])
    some(result, updated=2, migrated=RECORDS - 2, same=RECORDS - 2)
    found = {
        row["business_key"]: row["changed_columns"] for row in delta_rows(database, plain)[-2:]
    }
    assert found == {"SO-3": ["customer_name", "total"], "SO-9": ["total"]}


def test_an_empty_source_deletes_nothing_though_the_key_is_another_one(database, node):
    other = with_fields(node, order_number={"case": "lower"})
    with pytest.raises(DeleteGuard, match="no record at all"):
        build(database, other, [], full_resync=True)
    some(build(database, other, rows(), full_resync=True), inserted=RECORDS, deleted=RECORDS)


def test_records_of_several_versions_are_each_read_by_their_own(database, node):
    # The second version is reached by some, the third by those that are not broken.
    coarse = with_fields(node, total={"scale": 1})
    some(build(database, coarse, rows()[:6], complete=False), same=6, migrated=6)
    assert versions_in_use(database) == {1, 2}
    whole = with_fields(node, total={"scale": 0})
    made = rows(TOTAL="3.27")
    made[0]["DUE"] = "31/02/2026"
    made[8]["TOTAL"] = "8.27"
    last = max(row["delta_id"] for row in delta_rows(database, node))
    result = build(database, whole, made)
    # 3.27 is 3.3 in the second version and 3 in the third: only its own one says it is changed.
    some(result, updated=2, rejected=1, same=9, migrated=9)
    changed = {row["business_key"] for row in delta_rows(database, node) if row["delta_id"] > last}
    assert changed == {"SO-3", "SO-8"}
    assert versions_in_use(database) == {2, 3}
    made[0]["DUE"] = "2026-06-01"
    some(build(database, whole, made), same=RECORDS, migrated=1)
    assert database.fetch_all("select hash_version from order_list_delta_version") == [
        {"hash_version": 3}
    ]


def test_deleted_records_hold_no_version(database, node):
    build(database, node, rows()[:11])
    wide = with_fields(node, more=[{"name": "colour", "column": "C"}])
    made = [{**row, "C": "red"} for row in rows()]
    some(build(database, wide, made[:11]), same=11, migrated=11)
    some(build(database, wide, made), inserted=1, same=11)
    back = snapshot_rows(database, wide)[3]
    assert (back["business_key"], back["generation"], back["hash_version"]) == ("SO-11", 2, 2)


def test_a_change_of_rules_writes_the_snapshot_once(database, node):
    state = "select xmin::text, * from order_list_delta_snapshot order by bk_hash"
    coarse = with_fields(node, total={"scale": 1})
    some(build(database, coarse, rows()), same=RECORDS, migrated=RECORDS)
    before = database.fetch_all(state)
    some(build(database, coarse, rows()), same=RECORDS, migrated=0)
    assert database.fetch_all(state) == before
    assert len(delta_rows(database, node)) == RECORDS

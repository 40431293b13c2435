"""Rows that cannot become records, and records that share a key."""

from __future__ import annotations

from decimal import Decimal

import pytest
from delta_cases import (
    NOW,
    build,
    delta_rows,
    headers_node,
    order,
    rejected_rows,
    seen,
    snapshot_rows,
    some,
)


def test_a_rejected_known_record_is_neither_updated_nor_deleted(database):
    node = headers_node()
    build(database, node, [order("SO-1"), order("SO-2")])
    result = build(database, node, [order("SO-1", due="31/02/2026", total="9"), order("SO-2")])
    some(result, rejected=1, same=1, deleted=0, updated=0)
    told = result.rejected[0]
    assert (told.row_number, told.business_key, told.customer) == (1, "SO-1", "ACME")
    assert (told.column, told.value, told.rule) == ("DUE", "31/02/2026", "date")
    assert told.record["TOTAL"] == "9"
    assert len(delta_rows(database, node)) == 2
    assert not any(row["deleted_at"] for row in snapshot_rows(database, node))


def test_rejections_are_counted_again_and_resolved(database):
    node = headers_node()
    bad = order(None, customer="", total="x", notes="a\x00b")
    first = build(database, node, [order("SO-1"), bad, bad])
    some(first, rejected=2, inserted=1)
    rows = rejected_rows(database)
    assert seen(rows, "rule", "column_name", "times", "business_key", "row_number") == [
        ("required", "ORDER_NO", 1, None, 2),
        ("required", "ORDER_NO", 1, None, 3),
    ]
    assert "also CUSTOMER: a value is required" in rows[0]["reason"]
    assert "also TOTAL: not a number" in rows[0]["reason"]
    assert rows[0]["record"]["NOTES"] == "a␀b"
    second = build(database, node, [order("SO-1"), bad], complete=False)
    rows = rejected_rows(database)
    assert seen(rows, "times", "last_batch", "resolved_at") == [
        (2, second.batch_id, None),
        (1, first.batch_id, None),
    ]
    build(database, node, [order("SO-1"), bad])
    build(database, node, [order("SO-1")])
    assert seen(rejected_rows(database), "times", "resolved_at") == [(3, NOW), (1, NOW)]
    build(database, node, [order("SO-1"), bad])
    assert seen(rejected_rows(database), "times", "resolved_at") == [(4, None), (1, NOW)]


@pytest.mark.parametrize(
    ("rule", "counts", "total"),
    [
        ("reject", {"rejected": 2, "inserted": 1, "duplicates": 0}, None),
        ("first", {"rejected": 0, "inserted": 2, "duplicates": 1}, Decimal("1.00")),
        ("last", {"rejected": 0, "inserted": 2, "duplicates": 1}, Decimal("2.00")),
    ],
)
def test_duplicates(database, rule, counts, total):
    node = headers_node(duplicates=rule)
    rows = [order("SO-1", total="1"), order("SO-2"), order(" SO-1", total="2")]
    result = build(database, node, rows)
    some(result, **counts)
    found = {row["business_key"]: row["total"] for row in delta_rows(database, node)}
    assert found.get("SO-1") == total
    if rule == "reject":
        assert [told.row_number for told in result.rejected] == [1, 3]
        assert "2 records of this batch have the key SO-1 (rows 1, 3)" in result.rejected[0].reason
        assert result.rejected[0].record["total"] == "1"


def test_a_duplicate_of_a_rejected_row_is_not_taken_for_the_right_one(database):
    rows = [order("SO-1", total="x"), order("SO-1", total="2")]
    for rule, rejected, duplicates in (("reject", 2, 0), ("first", 1, 1), ("last", 1, 0)):
        node = headers_node(duplicates=rule, name=f"d_{rule}", table=f"t_{rule}")
        some(build(database, node, rows), rejected=rejected, duplicates=duplicates)


def test_what_tells_about_a_person_is_kept_but_not_shown(database):
    fields = [each.model_dump() for each in headers_node().fields]
    hidden = [{**each, "personal": each["name"] in {"total", "notes"}} for each in fields]
    node = headers_node(fields=hidden)
    result = build(database, node, [order("SO-1", notes="Ada"), order("SO-2", total="Zoë")])
    assert "notes" not in result.preview.columns
    assert "Ada" not in str(result.preview)
    (told,) = result.rejected
    assert (told.column, told.value) == ("TOTAL", "…")
    assert "Zoë" not in told.reason
    (kept,) = database.fetch_all("select value from rejected_record")
    assert kept["value"] == "Zoë"

"""How a parent is named changes: every known record learns it anew, and none counts as changed."""

from __future__ import annotations

import json

import pytest
from delta_cases import (
    build,
    delta_rows,
    headers_node,
    line,
    lines_node,
    order,
    seen,
    snapshot_rows,
    some,
)
from source_cases import MarkedRows, build_from

#: Nobody's parent as long as letters count.
LINES = [line("SO-1", "M", 1), line("so-1", "L", 2), line("so-2", "L", 3)]


def upper():
    """The parent, whose key makes nothing of upper and lower case."""
    fields = [each.model_dump() for each in headers_node().fields]
    fields[0]["case"] = "upper"
    return headers_node(fields=fields)


def alone(**changes):
    """The children before anybody said that they are."""
    return lines_node(parent=None, **changes)


def parents(database):
    """Parent of each known child, by business key; None where it has none."""
    header = {row["bk_hash"]: row["business_key"] for row in snapshot_rows(database, upper())}
    return {
        row["business_key"]: header.get(row["parent_bk_hash"], row["parent_bk_hash"])
        for row in snapshot_rows(database, lines_node())
    }


def states(database):
    return {row["business_key"]: row["state"] for row in delta_rows(database, lines_node())}


@pytest.fixture
def family(database):
    """A parent with a child that is delivered, and two that wait."""
    build(database, headers_node(), [order("SO-1"), order("so-9")])
    some(build(database, lines_node(), LINES, parent=headers_node()), inserted=3, waiting=2)
    child = "update order_list_lines_delta set state = 'SYNCED' where state = 'PENDING'"
    database.execute(child)


@pytest.mark.usefixtures("family")
def test_children_meet_a_parent_whose_key_got_another_rule(database):
    build(database, upper(), [order("SO-1"), order("SO-9")], full_resync=True)
    result = build(database, lines_node(), LINES, parent=upper())
    some(result, inserted=0, updated=0, deleted=0, same=3, migrated=3)
    assert len(delta_rows(database, lines_node())) == 3
    found = parents(database)
    assert found["SO-1 / M"] == found["so-1 / L"] == "SO-1"
    # What waited for a key nobody has goes on; the other one waits for the key of now.
    assert states(database) == {
        "SO-1 / M": "SYNCED", "so-1 / L": "PENDING", "so-2 / L": "WAITING",
    }  # fmt: skip
    some(build(database, upper(), [order("SO-1"), order("so-2")], complete=False), inserted=1)
    again = build(database, lines_node(), LINES, parent=upper())
    some(again, inserted=0, updated=0, same=3, migrated=0)
    assert states(database)["so-2 / L"] == "PENDING"
    header = {row["business_key"]: row["record_uuid"] for row in snapshot_rows(database, upper())}
    rows = {row["business_key"]: row for row in delta_rows(database, lines_node())}
    assert rows["so-1 / L"]["parent_uuid"] == header["SO-1"]
    assert rows["so-2 / L"]["parent_uuid"] == header["SO-2"]


@pytest.mark.usefixtures("family")
def test_what_changes_at_the_same_time_is_found_all_the_same(database):
    build(database, upper(), [order("SO-1")], full_resync=True)
    made = [line("SO-1", "M", 7), *LINES[1:]]
    some(build(database, lines_node(), made, parent=upper()), updated=1, same=2, migrated=2)
    last = delta_rows(database, lines_node())[-1]
    assert (last["business_key"], last["changed_columns"]) == ("SO-1 / M", ["qty"])


def test_a_parent_that_is_declared_later_is_known_for_every_record(database):
    build(database, upper(), [order("SO-1")])
    some(build(database, alone(), LINES), inserted=3)
    database.execute("update order_list_lines_delta set state = 'SYNCED' where qty = 1")
    assert set(parents(database).values()) == {None}
    some(build(database, lines_node(), LINES, parent=upper()), updated=0, same=3, migrated=3)
    found = parents(database)
    assert (found["SO-1 / M"], found["so-1 / L"]) == ("SO-1", "SO-1")
    assert found["so-2 / L"] is not None
    assert seen(
        delta_rows(database, lines_node()), "business_key", "operation", "state", "reason"
    ) == [
        ("SO-1 / M", "INSERT", "SYNCED", None),
        ("so-1 / L", "INSERT", "PENDING", None),
        ("so-2 / L", "INSERT", "WAITING", "parent order so-2 is not there"),
    ]


@pytest.mark.usefixtures("family")
def test_a_parent_that_is_declared_no_more_keeps_nobody_waiting(database):
    some(build(database, alone(), LINES), updated=0, same=3, migrated=3)
    assert set(parents(database).values()) == {None}
    found = seen(delta_rows(database, alone()), "state", "parent_bk_hash", "parent_uuid", "reason")
    assert found[1:] == [("PENDING", None, None, None)] * 2


def test_the_key_of_the_parent_may_be_made_of_another_field(database):
    fields = [
        *(each.model_dump() for each in lines_node().fields),
        {"name": "belongs_to", "column": "OF", "compared": False},
    ]
    build(database, headers_node(), [order("SO-1"), order("SO-2")])
    made = [{**line("SO-1", "M", 1), "OF": "SO-2"}]
    build(database, lines_node(fields=fields), made, parent=headers_node())
    assert parents(database) == {"SO-1 / M": "SO-1"}
    reference = {"node": "order_delta", "key": ["belongs_to"]}
    other = lines_node(fields=fields, parent=reference)
    some(build(database, other, made, parent=headers_node()), same=1, migrated=1, updated=0)
    assert parents(database) == {"SO-1 / M": "SO-2"}
    # Nor need the field be one of those that are compared.
    fields[-1]["column"] = "NOW_OF"
    renamed = lines_node(fields=fields, parent=reference)
    made = [{**line("SO-1", "M", 1), "OF": "SO-2", "NOW_OF": "SO-1"}]
    some(build(database, renamed, made, parent=headers_node()), same=1, migrated=1, updated=0)
    assert parents(database) == {"SO-1 / M": "SO-1"}


def test_a_parent_of_another_kind_with_the_same_key_is_another_parent(database):
    other = headers_node(name="other_delta", entity="offer", table="offer_delta")
    build(database, headers_node(), [order("SO-1")])
    build(database, other, [order("SO-1"), order("SO-2")])
    rows = [line("SO-1", "M", 1), line("SO-2", "M", 2)]
    some(build(database, lines_node(), rows, parent=headers_node()), inserted=2, waiting=1)
    of_other = lines_node(parent={"node": "other_delta", "key": ["order_no"]})
    some(build(database, of_other, rows, parent=other), same=2, migrated=2, updated=0)
    offers = [row["record_uuid"] for row in snapshot_rows(database, other)]
    found = seen(delta_rows(database, of_other), "parent_uuid", "state")
    assert sorted(found) == sorted((offer, "PENDING") for offer in offers)


def test_rows_that_are_taken_up_already_are_left_to_the_push(database):
    build(database, upper(), [order("SO-1")])
    build(database, alone(), LINES)
    first, second, _ = (row["delta_id"] for row in delta_rows(database, alone()))
    database.execute(
        "update order_list_lines_delta set state = 'PUSHING' where delta_id = %s", [first]
    )
    database.execute(
        "insert into effect (effect_key, workflow, node, account, kind, pass, object_key, creates,"
        " delta_table, delta_id, payload)"
        " values ('k', 'orders', 'push', 'a', 'item', 1, 'o', true, %s, %s, '{}')",
        [alone().table, second],
    )
    build(database, lines_node(), LINES, parent=upper())
    found = seen(delta_rows(database, lines_node()), "state", "parent_uuid")
    assert found == [("PUSHING", None), ("PENDING", None), ("WAITING", None)]


def test_a_changed_parent_s_key_asks_for_all_rows_of_a_source_of_changes(database):
    fields = [*(each.model_dump() for each in lines_node().fields), {"name": "v", "column": "V"}]
    fields[-1] |= {"type": "integer", "compared": False}
    node = lines_node(fields=fields, detection={"strategy": "rowversion", "rowversion": "v"})
    source = MarkedRows([{**row, "V": n} for n, row in enumerate(LINES)], mark=None, version="V")
    build(database, upper(), [order("SO-1")])
    for parent in (headers_node(), headers_node(), upper(), upper()):
        build_from(database, node, source, parent=parent)
    assert [position.changed_since for position in source.asked] == [None, 2, None, 2]
    assert parents(database)["so-1 / L"] == "SO-1"


def test_nodes_without_a_parent_have_the_versions_they_always_had(database):
    fields = [{"name": "order_number", "column": "ORDER_NO"}, {"name": "due", "type": "date"}]
    node = headers_node(fields=fields, customer=None)
    build(database, node, [{"ORDER_NO": "SO-1", "due": None}])
    rules = {
        "encoding": "hash_rows v1, xxh3-128, blake3-256, xxh3-64",
        "key": ["order_number"],
        "fields": [
            {"name": "order_number", "column": "ORDER_NO"},
            {"name": "due", "type": "date", "column": "due"},
        ],
    }
    found = database.fetch_one("select fingerprint, rules from order_list_delta_version")
    assert found == {"fingerprint": json.dumps(rules, sort_keys=True), "rules": rules}

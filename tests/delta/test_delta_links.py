"""Changes that hang on others: children on parents, older changes on newer ones."""

from __future__ import annotations

import pytest
from delta_cases import (
    WORKFLOW,
    batch_of,
    build,
    delta_rows,
    headers_node,
    line,
    lines_node,
    order,
    rejected_rows,
    seen,
    snapshot_rows,
    some,
)

from syncflow_dagster.nodes.delta.parents import release_waiting


def test_children_wait_for_their_parent_and_are_released(database):
    parent, child = headers_node(), lines_node()
    build(database, parent, [order("SO-1")])
    lines = [line("SO-1", "XL", 2), line("SO-9 ", "M", 1)]
    result = build(database, child, lines, parent=parent)
    some(result, inserted=2, waiting=1)
    rows = delta_rows(database, child)
    header = snapshot_rows(database, parent)[0]
    assert seen(rows, "business_key", "state", "parent_uuid", "reason") == [
        ("SO-1 / XL", "PENDING", header["record_uuid"], None),
        ("SO-9 / M", "WAITING", None, "parent order SO-9 is not there"),
    ]
    assert rows[0]["parent_bk_hash"] == header["bk_hash"]
    build(database, parent, [order("SO-1"), order("SO-9")])
    with database.transaction() as conn:
        assert release_waiting(conn, child, parent) == 1
        assert release_waiting(conn, child, parent) == 0
    row = delta_rows(database, child)[1]
    uuids = {each["business_key"]: each["record_uuid"] for each in snapshot_rows(database, parent)}
    assert (row["state"], row["reason"], row["parent_uuid"]) == ("PENDING", None, uuids["SO-9"])


def test_a_build_of_the_children_releases_too_but_not_rows_with_effects(database):
    parent, child = headers_node(), lines_node()
    lines = [line("SO-1", "M", 1), line("SO-2", "M", 1)]
    build(database, child, lines, parent=parent)
    planned = delta_rows(database, child)[1]["delta_id"]
    add_effect(database, child, planned, "PLANNED")
    build(database, parent, [order("SO-1"), order("SO-2")])
    some(build(database, child, lines, parent=parent), same=2, waiting=0)
    assert seen(delta_rows(database, child), "state") == [("PENDING",), ("WAITING",)]


def test_children_of_a_deleted_parent_wait_and_their_deletes_name_it(database):
    parent, child = headers_node(), lines_node()
    build(database, parent, [order("SO-1"), order("SO-2")])
    lines = [line("SO-1", "M", 1), line("SO-1", "L", 1), line("SO-2", "M", 1)]
    build(database, child, lines, parent=parent)
    build(database, parent, [order("SO-2")])
    build(database, child, [line("SO-1", "M", 5), line("SO-2", "M", 1)], parent=parent)
    update, delete = delta_rows(database, child)[3:]
    assert (update["operation"], update["state"], update["parent_uuid"]) == (
        "UPDATE", "WAITING", None,
    )  # fmt: skip
    assert (delete["operation"], delete["state"]) == ("DELETE", "PENDING")
    gone = snapshot_rows(database, parent)[0]
    assert (delete["parent_uuid"], delete["parent_bk_hash"]) == (
        gone["record_uuid"],
        gone["bk_hash"],
    )
    assert (delete["order_no"], delete["size"], delete["qty"]) == ("SO-1", "L", None)


def test_the_parents_rules_type_the_childs_reference(database):
    fields = [{"name": "order_number", "type": "integer", "column": "ORDER_NO"}]
    parent = headers_node(fields=fields, customer=None)
    child = lines_node()
    build(database, parent, batch_of([{"ORDER_NO": 1001}]))
    lines = [line(" 1001.0 ", "M", 1), line("SO-1", "M", 1), line("", "M", 1)]
    result = build(database, child, lines, parent=parent)
    some(result, inserted=1, rejected=2, waiting=0)
    assert seen(rejected_rows(database), "rule", "column_name") == [
        ("parent_key", "ORDER_NO"),
        ("required", "ORDER_NO"),
    ]
    assert result.rejected[0].reason.startswith("as key of the parent's order_number: not a number")


def add_effect(database, node, delta_id, state):
    database.execute(
        "insert into effect (effect_key, workflow, node, account, kind, pass, object_key, creates,"
        " delta_table, delta_id, payload, state)"
        " values (%s, %s, 'push', 'a', 'item', 1, %s, false, %s, %s, '{}', %s)",
        [f"{delta_id}-{state}", WORKFLOW, str(delta_id), node.table, delta_id, state],
    )


@pytest.mark.parametrize(
    ("delta_state", "effects", "after", "effects_after"),
    [
        ("PENDING", [], "SUPERSEDED", []),
        ("FAILED", ["RETRY"], "SUPERSEDED", ["CANCELLED"]),
        ("HELD", ["HELD"], "SUPERSEDED", ["CANCELLED"]),
        ("DEAD", ["DEAD"], "SUPERSEDED", ["DEAD"]),
        (
            "PUSHING",
            ["DONE", "PLANNED", "WAITING"],
            "SUPERSEDED",
            ["DONE", "CANCELLED", "CANCELLED"],
        ),
        ("PUSHING", ["CLAIMED", "PLANNED"], "PUSHING", ["CLAIMED", "CANCELLED"]),
        ("PUSHING", ["SENT"], "PUSHING", ["SENT"]),
        ("PUSHING", ["UNKNOWN"], "PUSHING", ["UNKNOWN"]),
        ("PUSHING", ["NEEDS_PERSON"], "PUSHING", ["NEEDS_PERSON"]),
        ("SYNCED", ["DONE"], "SYNCED", ["DONE"]),
    ],
)
def test_superseding(database, delta_state, effects, after, effects_after):
    node = headers_node()
    build(database, node, [order("SO-1"), order("SO-2")])
    database.execute("update order_list_delta set state = 'SYNCED'")
    build(database, node, [order("SO-1", total="2"), order("SO-2")])
    old = delta_rows(database, node)[2]["delta_id"]
    database.execute("alter table order_list_delta disable trigger delta_transition")
    database.execute(
        "update order_list_delta set state = %s where delta_id = %s", [delta_state, old]
    )
    database.execute("alter table order_list_delta enable trigger delta_transition")
    for state in effects:
        add_effect(database, node, old, state)
    done = delta_state == "SYNCED"
    result = build(database, node, [order("SO-1", total="2", due=None), order("SO-2")])
    some(result, updated=1, superseded=0 if done else 1)
    rows = {row["delta_id"]: row for row in delta_rows(database, node)}
    newest = max(rows)
    assert rows[old]["state"] == after
    assert rows[old]["superseded_by"] == (None if done else newest)
    assert rows[newest]["changed_columns"] == (["due"] if done else ["total", "due"])
    found = database.fetch_all("select state, reason from effect order by effect_id")
    assert [row["state"] for row in found] == effects_after
    for row in found:
        if row["state"] == "CANCELLED":
            assert row["reason"] == f"superseded by delta {newest}"

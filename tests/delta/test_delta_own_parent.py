"""Records that belong to records of their own kind."""

from __future__ import annotations

import pyarrow as pa
from delta_cases import build, delta_rows, snapshot_rows, some

from syncflow_dagster.workflows.models.delta import DeltaNode

SCHEMA = pa.schema([("ID", pa.string()), ("MANAGER", pa.string()), ("NAME", pa.string())])


def staff_node():
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": "staff",
            "description": "Employees",
            "source": "staff_pull",
            "entity": "employee",
            "table": "staff_delta",
            "key": ["id"],
            "parent": {"node": "staff", "key": ["manager"]},
            "fields": [
                {"name": "id", "column": "ID", "case": "upper"},
                {"name": "manager", "column": "MANAGER"},
                {"name": "name", "column": "NAME"},
            ],
        }
    )


def person(number, manager, name="x"):
    return {"ID": number, "MANAGER": manager, "NAME": name}


def staff(database, *people):
    node = staff_node()
    rows = pa.Table.from_pylist(list(people), schema=SCHEMA).to_batches()
    return build(database, node, rows, parent=node)


def test_a_tree_in_one_batch_waits_for_nobody(database):
    result = staff(
        database, person("C", "b"), person("B", "a"), person("A", None), person("X", "gone")
    )
    some(result, inserted=4, waiting=1)
    rows = {row["business_key"]: row for row in delta_rows(database, staff_node())}
    assert {key: row["state"] for key, row in rows.items()} == {
        "A": "PENDING",
        "B": "PENDING",
        "C": "PENDING",
        "X": "WAITING",
    }
    assert rows["C"]["parent_uuid"] == rows["B"]["record_uuid"]
    assert rows["A"]["parent_uuid"] is None
    assert rows["X"]["reason"] == "parent employee gone is not there"
    kept = {
        row["business_key"]: row["parent_bk_hash"] for row in snapshot_rows(database, staff_node())
    }
    assert kept["A"] is None


def test_a_manager_who_comes_later_or_comes_back_releases_the_others(database):
    some(staff(database, person("B", "A"), person("C", "B")), inserted=2, waiting=2)
    everyone = (person("B", "A"), person("C", "B"), person("A", None))
    some(staff(database, *everyone), inserted=1, waiting=0, same=2)
    assert {row["state"] for row in delta_rows(database, staff_node())} == {"PENDING"}
    database.execute("update staff_delta set state = 'SYNCED'")
    some(staff(database, person("C", "B"), person("A", None)), deleted=1)
    some(staff(database, *everyone), inserted=1, waiting=0)
    last = delta_rows(database, staff_node())[-1]
    assert (last["business_key"], last["generation"], last["state"]) == ("B", 2, "PENDING")
    assert last["parent_uuid"] is not None

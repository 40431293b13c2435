from __future__ import annotations

import docs_pages

from syncflow_dagster.nodes.delta.tables import prepare, snapshot_table, version_table
from syncflow_dagster.workflows.loader import load_file

SECTIONS = docs_pages.sections(docs_pages.REFERENCE / "tables.md")


def _there(database):
    rows = database.fetch_all(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'syncflow'"
    )
    tables = {}
    for row in rows:
        tables.setdefault(row["table_name"], set()).add(row["column_name"])
    return tables


def _listed(title):
    listed = docs_pages.first_codes(SECTIONS[title])
    assert len(listed) == len(set(listed)), title
    return set(listed)


def test_every_table_and_column_is_listed_and_no_other(database):
    tables = _there(database)
    assert {title for title in SECTIONS if title in tables} == set(tables)
    for name, columns in tables.items():
        assert _listed(name) == columns, name


def test_the_tables_of_a_delta_node_are_listed(database):
    environ = {"ORDERS_DATABASE_URL": "sqlite:///orders.db", "MONDAY_TOKEN": "token"}
    loaded = load_file(docs_pages.ROOT / "workflows" / "order_list.yaml", environ)
    workflow = loaded.workflow
    prepare(database, workflow.workflow, workflow.deltas)
    tables = _there(database)
    for node in workflow.deltas:
        fields = {field.name for field in node.fields}
        assert tables[node.table] - fields == _listed("The delta table")
        assert tables[snapshot_table(node)] - set(node.key) == _listed("The snapshot")
        assert tables[version_table(node)] == _listed("The version")

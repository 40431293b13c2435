"""The example's own queries over the example's own data, on both databases."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, text

from syncflow_dagster.demo.order_book import ORDER_LIST, load_order_book
from syncflow_dagster.nodes.pull.read import read_rows
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

EXAMPLE = Path(__file__).parents[2] / "workflows" / "order_list.yaml"
SOURCE_ROWS = json.loads((ORDER_LIST / "data" / "expected.json").read_text())["source_rows"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'orders.db'}"
    found = request.getfixturevalue("empty_database_url")
    return found.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def loaded(url):
    load_order_book(url)
    found = load_file(EXAMPLE, {"ORDERS_DATABASE_URL": url, "MONDAY_TOKEN": "t"})
    assert isinstance(found, LoadedWorkflow)
    return found


def test_both_pulls_read_every_row_with_every_column_the_workflow_uses(loaded):
    for delta in loaded.workflow.deltas:
        pull = loaded.workflow.node(delta.source)
        batches = list(read_rows(loaded, pull.model_copy(update={"batch_rows": 100})))
        table = "order_list" if delta.name == "order_headers" else "order_list_sizes"
        assert sum(batch.num_rows for batch in batches) == SOURCE_ROWS[table]
        assert max(batch.num_rows for batch in batches) == 100
        made = {delta.unpivot.name_to, delta.unpivot.value_to} if delta.unpivot else set()
        wide = set(delta.unpivot.columns) if delta.unpivot else set()
        wanted = {field.source_column for field in delta.fields} - made | wide
        assert wanted <= set(batches[0].schema.names)


def test_texts_arrive_as_they_were_written(loaded):
    rows = pa.Table.from_batches(
        read_rows(loaded, loaded.workflow.node("pull_headers"))
    ).to_pylist()
    by_number = {row["order_number"]: row for row in rows}
    assert by_number["SO-410370"]["customer_due_date"] == "31/02/2026"
    assert by_number["SO-410366"]["customer_name"] is None
    notes = {row["notes"] for row in rows}
    assert "日本向け: ケアラベルは日本語で。" in notes
    assert any(note and "📷" in note for note in notes)


def test_parameters_can_be_given_for_one_read(loaded):
    pull = loaded.workflow.node("pull_lines")
    (batch,) = read_rows(loaded, pull, {"company": "elsewhere' or ''='"})
    assert batch.num_rows == 0
    assert "one_size" in batch.schema.names


def test_loading_again_takes_nothing_back_unless_asked(url):
    assert load_order_book(url) == SOURCE_ROWS
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("update order_list_sizes set m = 7777 where order_number = 'SO-410001'"))
        conn.execute(text("delete from order_list where order_number = 'SO-410002'"))
    changed = SOURCE_ROWS | {"order_list": SOURCE_ROWS["order_list"] - 1}
    assert load_order_book(url) == changed
    assert load_order_book(url, reset=True) == SOURCE_ROWS
    with engine.connect() as conn:
        found = conn.execute(text("select count(*) from order_list_sizes where m = 7777"))
        assert found.scalar_one() == 0
    engine.dispose()


def test_a_pull_from_something_else_than_a_database_is_refused(loaded):
    pull = loaded.workflow.node("pull_lines").model_copy(update={"connection": "monday"})
    with pytest.raises(TypeError, match="'monday' is a monday connection, and neither"):
        list(read_rows(loaded, pull))

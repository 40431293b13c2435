"""Another try of rejected rows alone, and rejections that a read of changes mends."""

from __future__ import annotations

import tempfile
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from delta_cases import (
    NOW,
    WORKFLOW,
    FixedClock,
    build,
    delta_rows,
    headers_node,
    order,
    rejected_rows,
    some,
)
from source_cases import MarkedRows, build_from

from syncflow_dagster.nodes.delta.batches import Batch
from syncflow_dagster.nodes.delta.build import DeltaOptions
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
from syncflow_dagster.nodes.delta.retry import retry_rejected
from syncflow_dagster.nodes.pull.ports import SourceUnavailableError


def retry(database, node):
    return retry_rejected(database, WORKFLOW, node, parent=None, clock=FixedClock())


def looser():
    fields = [each.model_dump() for each in headers_node().fields]
    fields[3]["type"] = "text"
    fields[3]["name"] = "due_text"
    return headers_node(fields=fields)


def test_only_what_was_rejected_is_tried_again(database):
    node = headers_node()
    rows = [order("SO-1"), order("SO-2", due="soon"), order("SO-3", total="ten"), order("SO-4")]
    some(build(database, node, rows), inserted=2, rejected=2)
    again = retry(database, node)
    some(again, read=2, records=2, inserted=0, rejected=2, deleted=0)
    told = rejected_rows(database)
    assert [(row["row_number"], row["times"], row["resolved_at"]) for row in told] == [
        (2, 2, None),
        (3, 2, None),
    ]
    mended = looser()
    result = retry(database, mended)
    some(result, read=2, inserted=1, rejected=1, deleted=0)
    assert delta_rows(database, mended)[-1]["due_text"] == "soon"
    left = rejected_rows(database)
    assert [row["resolved_at"] for row in left] == [NOW, None]
    assert retry(database, mended).counts["read"] == 1


def test_a_try_that_is_cut_off_leaves_its_files_where_the_next_one_clears_them(
    database, tmp_path, monkeypatch
):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    node = headers_node()
    build(database, node, [order("SO-1"), order("SO-2", due="soon")])

    def try_again():
        options = DeltaOptions(home=home)
        clock = FixedClock()
        return retry_rejected(
            database, WORKFLOW, looser(), parent=None, clock=clock, options=options
        )

    def look(self, conn, clock):
        (left,) = home.iterdir()
        assert list(left.glob("*.records"))
        assert list(elsewhere.iterdir()) == []
        raise psycopg.OperationalError("the server is gone")

    with monkeypatch.context() as patched, pytest.raises(psycopg.OperationalError):
        patched.setattr(Batch, "finish", look)
        try_again()
    assert list(home.iterdir())
    some(try_again(), read=1, inserted=1)
    assert list(home.iterdir()) == list(elsewhere.iterdir()) == []


def test_a_try_leaves_what_a_killed_build_has_read(database, tmp_path, monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (4,))
    node, options = headers_node(), DeltaOptions(home=tmp_path)
    build(database, node, [order("SO-1"), order("SO-2", due="soon")])
    source = MarkedRows([{**order(f"SO-{n}"), "N": n} for n in range(9)], breaks_after=8)
    with pytest.raises(SourceUnavailableError):
        build_from(database, node, source, home=tmp_path)
    kept = {path: sorted(path.iterdir()) for path in tmp_path.iterdir()}
    assert len(kept) == 1
    clock = FixedClock()
    tried = retry_rejected(database, WORKFLOW, looser(), parent=None, clock=clock, options=options)
    some(tried, inserted=1)
    assert {path: sorted(path.iterdir()) for path in tmp_path.iterdir()} == kept


def test_nothing_open_is_nothing_to_try(database):
    node = headers_node()
    assert retry(database, node) is None
    build(database, node, [order("SO-1"), order("SO-2"), order("SO-2")])
    assert len(rejected_rows(database)) == 2
    assert retry(database, node) is None  # only the source can say which of two is right


def test_a_row_that_the_source_mended_since_is_not_tried(database):
    node = headers_node()
    build(database, node, [order("SO-1"), order("SO-2", due="soon")])
    build(database, node, [order("SO-2", total="7")], complete=False)
    assert [row["resolved_at"] for row in rejected_rows(database)] == [NOW]
    assert retry(database, node) is None
    assert delta_rows(database, node)[-1]["total"] == 7


def test_a_read_of_changes_leaves_other_rejections_open(database):
    node = headers_node()
    build(database, node, [order("SO-1", due="x"), order("SO-2", due="y"), order(None)])
    build(database, node, [order("SO-2")], complete=False)
    told = [(row["business_key"], row["resolved_at"]) for row in rejected_rows(database)]
    assert told == [("SO-1", None), ("SO-2", NOW), (None, None)]


def test_what_cannot_be_had_back_from_its_record_is_not_tried(database):
    node = headers_node()
    schema = pa.schema(
        [
            ("ORDER_NO", pa.string()),
            ("CUSTOMER", pa.binary()),
            ("TOTAL", pa.decimal128(10, 2)),
            ("DUE", pa.string()),
            ("NOTES", pa.string()),
        ]
    )
    rows = [
        {**order("A\0B"), "CUSTOMER": b"ACME", "TOTAL": Decimal("1.50")},
        {**order("SO-2"), "CUSTOMER": b"caf\xe9", "TOTAL": Decimal("1.50")},
        {**order("SO-3", due="soon"), "CUSTOMER": b"ACME", "TOTAL": Decimal("1.50")},
    ]
    build(database, node, pa.Table.from_pylist(rows, schema=schema).to_batches())
    told = [(row["rule"], row["exact"]) for row in rejected_rows(database)]
    assert told == [("nul", False), ("utf8", False), ("date", True)]
    result = retry(database, looser())
    some(result, read=1, inserted=1)
    assert [row["resolved_at"] for row in rejected_rows(database)] == [None, None, NOW]
    last = delta_rows(database, looser())[-1]
    assert (last["business_key"], last["total"]) == ("SO-3", Decimal("1.50"))


def test_a_field_computed_from_typed_values_is_not_computed_from_texts(database):
    fields = [each.model_dump() for each in headers_node().fields]
    fields[2]["transform"] = {"type": "expression", "sql": "TOTAL * 2"}
    with pytest.raises(DeltaDefinitionError, match=r"total is computed from the source's own"):
        retry(database, headers_node(fields=fields))

"""What a source may give and a definition may say, and what is refused."""

# ruff: noqa: RUF001 - other scripts are what is tested here
from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from delta_cases import (
    WORKFLOW,
    build,
    delta_rows,
    headers_node,
    lines_node,
    order,
    rejected_rows,
    seen,
    some,
)

from syncflow_dagster.nodes.delta import source
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.delta.errors import (
    DeltaDefinitionError,
    DeltaError,
    MissingColumn,
)
from syncflow_dagster.nodes.rows import Piece


def test_unpivot_turns_sizes_into_lines(database):
    parent = headers_node()
    child = lines_node(
        unpivot={
            "columns": ["xs", "XL", "ONE"],
            "name_to": "SIZE",
            "value_to": "QTY",
            "labels": {"ONE": "One size"},
        }
    )
    rows = [
        {"ORDER_NO": "SO-1", "XS": 1, "XL": 0.0, "ONE": " "},
        {"ORDER_NO": "SO-2", "XS": None, "XL": 3.0, "ONE": "4"},
        {"ORDER_NO": "SO-3", "XS": None, "XL": float("nan"), "ONE": "0.00"},
        {"ORDER_NO": "SO-4", "XS": 2, "XL": 1.5, "ONE": "two"},
    ]
    result = build(database, child, rows, parent=parent)
    some(result, read=4, records=6, inserted=4, rejected=2)
    found = seen(delta_rows(database, child), "order_no", "size", "qty")
    assert found == [
        ("SO-1", "xs", 1),
        ("SO-2", "XL", 3),
        ("SO-2", "One size", 4),
        ("SO-4", "xs", 2),
    ]
    assert seen(rejected_rows(database), "row_number", "business_key", "rule") == [
        (4, "SO-4 / XL", "integer"),
        (4, "SO-4 / One size", "number"),
    ]


def test_unpivot_says_which_columns_there_are(database):
    unpivot = {"columns": ["XS", "S"], "name_to": "SIZE", "value_to": "QTY"}
    node = lines_node(parent=None, unpivot=unpivot)
    with pytest.raises(MissingColumn, match=r"unpivot of S reads.*'S'.*all columns: ORDER_NO, XS"):
        build(database, node, [{"ORDER_NO": "SO-1", "XS": 1}])
    with pytest.raises(DeltaDefinitionError, match="writes the column 'QTY'"):
        build(database, node, [{"ORDER_NO": "SO-1", "XS": 1, "S": 2, "QTY": 3}])


def test_a_missing_column_is_named_with_the_nearest(database):
    rows = [{"ORDER_NO": "1", "CUSTOMER_NM": "x", "total": 1, "DUE": None, "NOTES": None}]
    with pytest.raises(
        MissingColumn, match=r"node order_delta: field customer_name reads the column 'CUSTOMER'"
    ) as error:
        build(database, headers_node(), rows)
    assert "nearest are: CUSTOMER_NM" in str(error.value)
    rows = [{**order("SO-1"), "total": "5"}]
    del rows[0]["TOTAL"]
    build(database, headers_node(), rows)
    assert delta_rows(database, headers_node())[0]["total"] == 5
    with pytest.raises(MissingColumn, match="write the one that is meant"):
        build(database, headers_node(), [{**rows[0], "Total": "6"}])


def test_unicode_survives_the_way_to_the_table(database):
    node = headers_node()
    names = ["می\u200cخواهم", "👩‍👩‍👧 family", "שלום", "日本語", "a'b\"c\\d\te", "ﬀ", "İ"]
    build(database, node, [order(f"SO-{n}", customer=name) for n, name in enumerate(names)])
    found = [row["customer_name"] for row in delta_rows(database, node)]
    assert found == [name.replace("\t", " ") for name in names]
    again = [order(f"SO-{n}", customer=name) for n, name in enumerate(names)]
    some(build(database, node, again), same=len(names))


def test_every_type_reaches_its_column(database):
    kinds = ["text", "integer", "decimal", "boolean", "date", "datetime"]
    node = headers_node(
        key=["f_integer"],
        customer=None,
        fields=[{"name": f"f_{kind}", "type": kind, "scale": 4} for kind in kinds],
    )
    row = {
        "f_text": 12.50,
        "f_integer": Decimal(9223372036854775807),
        "f_decimal": "-12345678901234567890.12345",
        "f_boolean": "no",
        "f_date": "1969-12-31",
        "f_datetime": "2026-01-01T00:00:00.000001+01:00",
    }
    result = build(database, node, [row, {**dict.fromkeys(row), "f_integer": -1}])
    full, empty = delta_rows(database, node)
    assert full["f_text"] == "12.5"
    assert full["f_integer"] == 2**63 - 1
    assert full["f_decimal"] == Decimal("-12345678901234567890.1234")
    assert full["f_boolean"] is False
    assert full["f_date"].isoformat() == "1969-12-31"
    assert full["f_datetime"].timestamp() == pytest.approx(1767222000.000001, abs=1e-7)
    assert [empty[f"f_{kind}"] for kind in kinds] == [None, -1, None, None, None, None]
    assert result.preview["f_decimal"][0] == Decimal("-12345678901234567890.1234")


def test_definitions_that_cannot_be_used(database):
    fields = [{"name": "state"}, {"name": "order_number"}]
    with pytest.raises(DeltaDefinitionError, match="'state' is the name of a column that every"):
        prepare(database, WORKFLOW, [headers_node(fields=fields, customer=None)])
    with pytest.raises(DeltaDefinitionError, match="key names the field 'nope'"):
        prepare(database, WORKFLOW, [headers_node(key=["nope"])])
    with pytest.raises(DeltaDefinitionError, match="customer names the field 'nope'"):
        prepare(database, WORKFLOW, [headers_node(customer="nope")])
    with pytest.raises(DeltaDefinitionError, match="longer than 54"):
        prepare(database, WORKFLOW, [headers_node(table="t" * 55)])
    zone = [{"name": "order_number", "timezone": "Mars/Olympus"}]
    with pytest.raises(DeltaDefinitionError, match="IANA name"):
        build(database, headers_node(fields=zone, customer=None), [])
    with pytest.raises(DeltaDefinitionError, match="its parent is node order_delta"):
        build(database, lines_node(), [])
    with pytest.raises(DeltaDefinitionError, match="declares no parent"):
        build(database, headers_node(), [], parent=headers_node())
    with pytest.raises(DeltaDefinitionError, match=r"parent.key has 2 fields"):
        node = lines_node(parent={"node": "order_delta", "key": ["order_no", "size"]})
        build(database, node, [], parent=headers_node())


def test_tables_are_prepared_once_and_kept_by_their_node(database):
    parent, child = headers_node(), lines_node()
    for _ in range(2):
        prepare(database, WORKFLOW, [parent, child])
    found = database.fetch_all("select table_name, workflow, node, entity from delta_entity")
    assert {tuple(row.values()) for row in found} == {
        ("order_list_delta", WORKFLOW, "order_delta", "order"),
        ("order_list_lines_delta", WORKFLOW, "line_delta", "order_line"),
    }
    with pytest.raises(DeltaDefinitionError, match="node order_delta of orders keeps its own"):
        prepare(database, "other", [parent])
    with pytest.raises(DeltaDefinitionError, match="keeps its own in order_list_delta"):
        prepare(database, WORKFLOW, [headers_node(table="elsewhere")])
    fields = [each.model_dump() for each in parent.fields]
    fields[2]["type"] = "text"
    with pytest.raises(DeltaDefinitionError, match=r"order_list_delta.total is numeric"):
        prepare(database, WORKFLOW, [headers_node(fields=fields)])


def test_sources_that_cannot_be_read(database):
    two = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["A", "A"])
    with pytest.raises(DeltaError, match="two columns called 'A'"):
        build(database, headers_node(), [two])


def test_arrow_types_a_source_may_give(database):
    node = headers_node(customer=None, fields=[{"name": "order_number", "column": "K"},
                                               {"name": "v", "type": "decimal"}])  # fmt: skip
    columns = [
        pa.array([Decimal("1.5")], pa.decimal256(60, 3)),
        pa.array(["1.5"]).dictionary_encode(),
        pa.array(["1.5"], pa.large_string()),
        pa.array(["1.5"], pa.string_view()),
        pa.array([b"1.5"], pa.binary()),
        pa.array([1.5], pa.float32()),
    ]
    for number, column in enumerate(columns):
        table = pa.table({"K": ["SO-1"], "v": column})
        result = build(database, node, table.to_batches())
        some(result, inserted=1 if number == 0 else 0, same=0 if number == 0 else 1)
    broken = pa.Array.from_buffers(
        pa.string(), 2, pa.array([b"SO-1", b"\xed\xa0\x80"], pa.binary()).buffers()
    )
    result = build(database, node, pa.table({"K": broken, "v": ["1.5", "2"]}).to_batches())
    some(result, same=1, rejected=1)
    assert (result.rejected[0].rule, result.rejected[0].value) == ("utf8", r"\xed\xa0\x80")


def test_moments_that_python_has_no_word_for_are_rejected_alone(database):
    fields = [{"name": "order_number", "column": "K"}, {"name": "v", "type": "datetime"}]
    node = headers_node(customer=None, fields=fields)
    moments = pa.array([0, 253402300800_000_000, -62135596800_000_001, 2**62], pa.int64())
    table = pa.table({"K": ["A", "B", "C", "D"], "v": moments.cast(pa.timestamp("us"))})
    result = build(database, node, table.to_batches())
    some(result, inserted=1, rejected=3)
    assert {told.rule for told in result.rejected} == {"range"}
    assert result.rejected[0].value == "253402300800000000"
    days = pa.table({"K": ["E", "F"], "v": pa.array([2932897, 0], pa.int32()).cast(pa.date32())})
    some(build(database, node, days.to_batches(), complete=False), inserted=1, rejected=1)


def test_a_read_can_go_on_though_pieces_are_larger_than_chunks():
    def pieces(size, batches):
        for piece in range(6):
            for n in range(batches):
                rows = pa.RecordBatch.from_pydict({"N": list(range(size // batches))})
                yield Piece(rows, piece if n == batches - 1 else None)

    for size, batches in ((30, 3), (70, 7), (120, 6), (200, 4)):
        found = list(source.cuts(pieces(size, batches), 0, 0, 50))
        assert sum(cut.rows.height for cut in found) == 6 * size
        marked = [cut for cut in found if cut.resume is not None]
        assert len(marked) * 4 >= len(found), (size, [cut.resume for cut in found])
        assert all(cut.rows.height <= 2 * 50 for cut in found)

"""Fields made of source rows: transforms, the rules of one column, and what a bad row leaves."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from delta_cases import things_node

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError, MissingColumn
from syncflow_dagster.nodes.delta.normalise import Normaliser

D = Decimal


def node_of(*fields, key=("id",), **changes):
    return things_node(list(key), [{"name": "id"}, *fields], **changes)


def normalised(node, columns):
    height = max(map(len, columns.values()))
    raw = pl.DataFrame({"ID": [str(number) for number in range(height)], **columns})
    return Normaliser(node, None)(raw)


def told(chunk):
    return [
        (each.field, each.column, each.fault.rule, each.fault.rows.arg_true().to_list())
        for each in chunk.faults
    ]


@pytest.fixture
def prices(tmp_path, monkeypatch):
    """A module of functions, importable for this test."""
    (tmp_path / "fields_prices.py").write_text(
        "import pandas as pd\n"
        "def with_tax(frame):\n"
        "    return frame['NET'] * frame['rate']\n"
        "def cents(frame):\n"
        "    return frame['NET'].astype('int64[pyarrow]')\n"
        "def short(frame):\n"
        "    return pd.Series([1])\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "fields_prices"
    sys.modules.pop("fields_prices", None)


def test_an_expression_finds_its_columns_whatever_their_case():
    node = node_of(
        {"name": "total", "type": "decimal",
         "transform": {"type": "expression", "sql": "quantity * unit_price"}},
        {"name": "label",
         "transform": {"type": "expression", "sql": "UPPER(state) || ' ' || \"Order No\""}},
    )  # fmt: skip
    chunk = normalised(
        node,
        {"Quantity": [2, 3, None], "UNIT_PRICE": [1.25, 0.1, 1.0], "state": ["x", " y ", None],
         "Order No": [7, 8, 9]},
    )  # fmt: skip
    assert chunk.fields["total"].to_list() == [D("2.50"), D("0.30"), None]
    assert chunk.fields["label"].to_list() == ["X 7", "Y 8", None]
    assert chunk.valid.all()


def test_rows_an_expression_fails_on_are_rejected_with_field_and_rule():
    node = node_of(
        {"name": "qty", "type": "integer", "required": True,
         "transform": {"type": "expression", "sql": "CAST(SPLIT_PART(q, ' ', 1) AS INT)"}}
    )  # fmt: skip
    chunk = normalised(node, {"q": ["5 kg", "kg", "7 kg", None]})
    assert chunk.fields["qty"].to_list() == [5, None, 7, None]
    assert told(chunk) == [("qty", "qty", "expression", [1]), ("qty", "qty", "required", [3])]
    assert chunk.valid.tolist() == [True, False, True, False]
    assert chunk.key_valid.all()


def test_a_column_an_expression_names_must_be_there():
    node = node_of({"name": "a", "transform": {"type": "expression", "sql": "quantty * 2"}})
    with pytest.raises(
        MissingColumn, match=r"field a reads the column 'quantty'.*nearest.*QUANTITY"
    ):
        normalised(node, {"QUANTITY": [1]})


def test_an_expression_that_cannot_be_used_names_node_and_field():
    sums = node_of({"name": "a", "transform": {"type": "expression", "sql": "SUM(b)"}})
    with pytest.raises(DeltaDefinitionError, match=r"node things: field a: .* an aggregate"):
        Normaliser(sums, None)
    product = node_of({"name": "a", "transform": {"type": "expression", "sql": "b * 2"}})
    with pytest.raises(DeltaDefinitionError, match=r"node things: field a: .* does not fit"):
        normalised(product, {"b": ["1"]})


def test_a_function_gets_the_columns_it_names_and_gives_a_field(prices):
    made = {"type": "python", "function": f"{prices}:with_tax", "columns": ["NET", "rate"]}
    node = node_of({"name": "gross", "type": "decimal", "transform": made})
    net, rate = [D("10.00"), None, D("0.10")], [D("1.19")] * 3
    kind = pl.Decimal(10, 2)
    columns = {"net": pl.Series(net, dtype=kind), "RATE": pl.Series(rate, dtype=kind)}
    chunk = normalised(node, columns)
    assert chunk.fields["gross"].to_list() == [D("11.90"), None, D("0.12")]


def test_rows_a_function_raises_for_are_rejected(prices):
    made = {"type": "python", "function": f"{prices}:cents", "columns": ["NET"]}
    node = node_of({"name": "cents", "type": "integer", "transform": made})
    chunk = normalised(node, {"NET": ["1", "x", "3"]})
    assert chunk.fields["cents"].to_list() == [1, None, 3]
    assert told(chunk) == [("cents", "cents", "python", [1])]


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("{}:short", "field a: the function {}:short returned 1 values for 2 rows"),
        ("{}:nothing", "field a: the module '{}' has no function 'nothing'"),
        ("no_such_module:f", "field a: there is no module 'no_such_module'"),
        ("with_tax", "field a: 'with_tax' is no name of a function"),
    ],
)
def test_a_function_that_cannot_be_used_names_node_and_field(prices, function, says):
    made = {"type": "python", "function": function.format(prices), "columns": ["NET"]}
    node = node_of({"name": "a", "transform": made})
    with pytest.raises(DeltaDefinitionError) as raised:
        normalised(node, {"NET": ["1", "2"]})
    assert f"node things: {says.format(prices)}" in str(raised.value)


def test_pandas_is_imported_for_functions_only():
    text = (
        "import sys; from syncflow_dagster.nodes.delta import normalise; "
        "assert 'pandas' not in sys.modules"
    )
    import subprocess

    subprocess.run([sys.executable, "-c", text], check=True)


def test_one_number_has_one_hash_in_whatever_type_the_source_has_it():
    node = node_of({"name": "qty", "type": "decimal", "scale": 2})
    sources = [
        [1, 0, None], [1.0, -0.0, float("nan")], [D("1.00"), D("-0.0"), None],
        ["1", "-0", ""], [" +1.00 ", "0e5", "NaN"], [b"1.0", b"0", None], [True, False, None],
    ]  # fmt: skip
    hashes = set()
    for values in sources:
        chunk = normalised(node, {"qty": values})
        assert chunk.faults == []
        hashes.add(hashing.data_hashes(chunk.fields).tobytes())
    assert len(hashes) == 1
    for endless in ([float("inf")], ["-Infinity"]):
        assert told(normalised(node, {"qty": endless})) == [("qty", "qty", "finite", [0])]


def test_null_and_an_empty_text_are_two_values_where_both_are_kept():
    rows = {"note": ["", None, " "]}
    kept = normalised(node_of({"name": "note", "empty": "keep"}), rows).fields["note"]
    assert kept.to_list() == ["", None, ""]
    assert len({row.tobytes() for row in hashing.data_hashes(kept.to_frame())}) == 2
    assert normalised(node_of({"name": "note"}), rows).fields["note"].to_list() == [None] * 3


def test_date_times_are_cut_to_the_precision_and_never_rounded_up():
    texts = ["2026-01-01T00:00:00.999999Z", "1969-12-31T23:59:59.999999Z"]
    expected = {
        "second": [datetime(2026, 1, 1, tzinfo=UTC),
                   datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)],
        "millisecond": [datetime(2026, 1, 1, 0, 0, 0, 999000, UTC),
                        datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)],
        "microsecond": [datetime.fromisoformat(text) for text in texts],
    }  # fmt: skip
    for precision, values in expected.items():
        node = node_of({"name": "at", "type": "datetime", "precision": precision})
        assert normalised(node, {"at": texts}).fields["at"].to_list() == values


def test_an_hour_that_occurs_twice_is_what_the_rule_says():
    wall = ["2026-10-25T02:30:00", "2026-10-25T02:30:00+01:00", "2026-03-29T02:30:00"]
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    for ambiguous, value in (("earliest", first), ("latest", second), ("reject", None)):
        node = node_of(
            {"name": "at", "type": "datetime", "timezone": "Europe/Berlin", "ambiguous": ambiguous}
        )
        chunk = normalised(node, {"at": wall})
        assert chunk.fields["at"].to_list() == [value, second, None]
        rejected = {row for each in chunk.faults for row in each.fault.rows.arg_true()}
        assert rejected == ({0, 2} if value is None else {2})
        assert {each.fault.rule for each in chunk.faults} == {"timezone"}
    assert "show this time twice" in chunk.faults[0].fault.reason


def test_a_parents_key_is_read_by_the_parents_clock():
    parent = node_of({"name": "at", "type": "datetime", "precision": "second"}, key=["at"])
    child = node_of(
        {"name": "at", "type": "datetime"}, parent={"node": "things", "key": ["at"]}, name="parts"
    )
    raw = pl.DataFrame({"id": ["1"], "at": ["2026-01-01T00:00:00.5Z"]})
    made = Normaliser(child, parent)(raw)
    assert made.parent_key is not None
    assert made.parent_key.item() == datetime(2026, 1, 1, tzinfo=UTC)
    assert made.fields["at"].item() == datetime(2026, 1, 1, 0, 0, 0, 500000, UTC)

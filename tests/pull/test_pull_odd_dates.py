"""A date that Arrow has not rejects its own row, and its neighbours are what they always are."""

import sys
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from syncflow_dagster.nodes.delta import rejections
from syncflow_dagster.nodes.delta.normalise import Normaliser
from syncflow_dagster.nodes.delta.source import ROW, cuts
from syncflow_dagster.nodes.delta.unpivot import melt
from syncflow_dagster.nodes.pull.copy_text import CopyText
from syncflow_dagster.nodes.rows import Piece
from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule, Unpivot

NODE = DeltaNode.model_validate({
    "type": "delta", "name": "prices", "description": "Prices", "source": "pull",
    "entity": "price", "table": "prices_delta", "key": ["id"],
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "valid_to", "type": "datetime"},
        {"name": "last_day", "type": "date", "column": "valid_to", "timezone": "Europe/Berlin"},
        {"name": "shown", "column": "valid_to"},
        {"name": "day", "type": "date"},
    ],
})  # fmt: skip
COPY = CopyText.of([
    SimpleNamespace(name=name, type_code=oid) for name, oid in (("id", 20), ("valid_to", 1184),
    ("day", 1082))
])  # fmt: skip
GOOD = b"1\t2026-01-02 23:30:00.5+00\t2026-01-02\n", b"3\t\\N\t9999-12-31\n"


def chunks(*batches, node=NODE, copy=COPY):
    return [
        Normaliser(node, None)(cut.rows)
        for cut in cuts([Piece(copy.batch(b"".join(rows))) for rows in batches], 0, 0)
    ]


@pytest.mark.parametrize(
    ("bad", "column", "rule", "value"),
    [
        ("2\tinfinity\t2026-01-02\n", "valid_to", "datetime", "infinity"),
        (
            "2\t0044-03-15 00:00:00+00 BC\t\\N\n",
            "valid_to",
            "datetime",
            "0044-03-15 00:00:00+00 BC",
        ),
        ("2\t\\N\t12026-01-01\n", "day", "date", "12026-01-01"),
        ("2\t\\N\t-infinity\n", "day", "date", "-infinity"),
    ],
)
def test_only_its_row_is_rejected_with_column_value_and_rule(bad, column, rule, value):
    (chunk,) = chunks([GOOD[0], bad.encode(), GOOD[1]])
    assert chunk.valid.tolist() == [True, False, True]
    (rejected,) = rejections.of_chunk(NODE, chunk, np.zeros((3, 16), np.uint8), 0)
    told = rejected.told
    assert (told.row_number, told.column, told.rule, told.value) == (2, column, rule, value)
    assert told.business_key == "2"


def test_the_neighbours_are_what_they_are_without_it():
    (alone,) = chunks(GOOD)
    (beside,) = chunks([GOOD[0], b"2\tinfinity\tinfinity\n", GOOD[1]])
    assert beside.fields.schema == alone.fields.schema
    assert beside.fields[[0, 2]].equals(alone.fields)


def test_rows_of_batches_that_differ_stay_in_order():
    bad = b"2\tinfinity\t2026-01-02\n"
    found = chunks(GOOD, [bad], GOOD)
    rows = [row for chunk in found for row in chunk.fields["id"]]
    assert rows == [1, 3, 2, 1, 3]
    assert [row for chunk in found for row in chunk.raw["#row"]] == [1, 2, 3, 4, 5]
    assert len({chunk.fields.schema["valid_to"] for chunk in found}) == 1


def test_a_date_beyond_what_polars_knows_is_shown_too():
    raw = pl.DataFrame({
        "id": [1, 2], "valid_to": pl.Series([0, 2**63 - 1]).cast(pl.Datetime("us", "UTC")),
        "day": pl.Series([0, 2**31 - 1], dtype=pl.Int32).cast(pl.Date), "#row": [1, 2],
    })  # fmt: skip
    chunk = Normaliser(NODE, None)(raw)
    (rejected,) = rejections.of_chunk(NODE, chunk, np.zeros((2, 16), np.uint8), 0)
    assert (rejected.told.rule, rejected.told.value) == ("range", str(2**63 - 1))


TRANSFORMED = DeltaNode.model_validate({
    "type": "delta", "name": "years", "description": "Years", "source": "pull",
    "entity": "year", "table": "years_delta", "key": ["id"],
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "shown",
         "transform": {"type": "expression", "sql": "CAST(VALID_TO AS VARCHAR) || ' ' || day"}},
        {"name": "year", "type": "integer",
         "transform": {"type": "expression", "sql": "EXTRACT(YEAR FROM valid_to)"}},
        {"name": "month", "type": "integer",
         "transform": {"type": "python", "function": "odd_dates_months:month", "columns": ["at"]}},
        {"name": "known",
         "transform": {"type": "expression", "sql": "COALESCE(CAST(at AS VARCHAR), 'never')"}},
    ],
})  # fmt: skip
TIMES = CopyText.of([
    SimpleNamespace(name=name, type_code=oid) for name, oid in (("id", 20), ("valid_to", 1184),
    ("at", 1114), ("day", 1082))
])  # fmt: skip
WHOLE = (
    b"1\t2026-01-02 23:30:00.5+00\t2026-03-04 05:06:07.5\t2026-01-02\n",
    b"3\t2026-01-01 00:00:00+00\t2026-03-04 05:06:07\t\\N\n",
)


@pytest.fixture
def months(tmp_path, monkeypatch):
    """A module of a function of dates, importable for this test."""
    text = "def month(frame):\n    return frame['at'].dt.month\n"
    (tmp_path / "odd_dates_months.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("odd_dates_months", None)


@pytest.mark.usefixtures("months")
@pytest.mark.parametrize(
    ("bad", "column", "rule"),
    [
        ("infinity\t2026-03-04 05:06:07\t2026-01-02", "valid_to", "datetime"),
        ("2026-01-02 00:00:00+00\t-infinity\t2026-01-02", "at", "datetime"),
        ("2026-01-02 00:00:00+00\t2026-03-04 05:06:07\t12026-01-02", "day", "date"),
    ],
)
def test_transforms_get_dates_whatever_stands_beside_them(bad, column, rule):
    rows = [WHOLE[0], f"2\t{bad}\n".encode(), WHOLE[1]]
    (alone,) = chunks(WHOLE, node=TRANSFORMED, copy=TIMES)
    (beside,) = chunks(rows, node=TRANSFORMED, copy=TIMES)
    assert beside.fields.schema == alone.fields.schema
    assert beside.fields[[0, 2]].equals(alone.fields)
    assert beside.valid.tolist() == [True, False, True]
    assert alone.fields["year"].to_list() == [2026, 2026]
    (rejected,) = rejections.of_chunk(TRANSFORMED, beside, np.zeros((3, 16), np.uint8), 0)
    told = rejected.told
    assert (told.column, told.rule, told.row_number) == (column, rule, 2)
    assert told.value in bad.split("\t")
    assert "right would be 2026-02-28" in told.reason
    assert set(told.record) == {"id", "valid_to", "at", "day"}
    assert (beside.fields["known"][1] is None) == (column == "at")


@pytest.mark.usefixtures("months")
def test_a_batch_of_nothing_but_bad_dates_is_rejected_and_no_more():
    bad = b"2\tinfinity\t-infinity\tinfinity\n"
    (chunk,) = chunks([bad, bad], node=TRANSFORMED, copy=TIMES)
    assert chunk.valid.tolist() == [False, False]
    assert chunk.fields["id"].to_list() == [2, 2]


def test_wide_dates_stay_dates_where_one_is_none():
    unpivot = {"columns": ["a", "b"], "name_to": "which", "value_to": "A", "labels": {}}
    fields = [
        {"name": "id", "type": "integer"}, {"name": "which"},
        {"name": "year", "type": "integer",
         "transform": {"type": "expression", "sql": "EXTRACT(YEAR FROM a)"}},
    ]  # fmt: skip
    node = NODE.model_copy(update={
        "unpivot": Unpivot.model_validate(unpivot), "key": ["id", "which"],
        "fields": [FieldRule.model_validate(each) for each in fields],
    })  # fmt: skip
    described = (("id", 20), ("a", 1082), ("b", 1082))
    copy = CopyText.of([SimpleNamespace(name=name, type_code=oid) for name, oid in described])
    batch = copy.batch(b"1\tinfinity\t2027-01-02\n2\t2026-01-02\t\\N\n")
    (cut,) = cuts([Piece(batch)], 0, 0)
    chunk = Normaliser(node, None)(melt(cut.rows, node.unpivot, "prices", ROW))
    assert chunk.fields.rows() == [(1, "a", None), (1, "b", 2027), (2, "a", 2026)]
    assert chunk.valid.tolist() == [False, True, True]
    assert set(chunk.raw.columns) == {"id", "which", "A", ROW}

"""A date that Arrow has not rejects its own row, and its neighbours are what they always are."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from syncflow_dagster.nodes.delta import rejections
from syncflow_dagster.nodes.delta.normalise import Normaliser
from syncflow_dagster.nodes.delta.source import cuts
from syncflow_dagster.nodes.pull.copy_text import CopyText
from syncflow_dagster.nodes.rows import Piece
from syncflow_dagster.workflows.models.delta import DeltaNode

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


def chunks(*batches):
    return [
        Normaliser(NODE, None)(cut.rows)
        for cut in cuts([Piece(COPY.batch(b"".join(rows))) for rows in batches], 0, 0)
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

"""All five layers together, for any source rows: a row's fields and hashes are its own."""

from __future__ import annotations

import polars as pl
from delta_cases import things_node
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.nodes.delta.normalise import Normaliser

FIELDS = [
    {"name": "upper", "column": "note", "case": "upper", "max_length": 6},
    {"name": "kept", "column": "note", "whitespace": "keep", "empty": "keep"},
    {"name": "qty", "type": "decimal", "scale": 3, "column": "text"},
    {"name": "whole", "type": "integer", "column": "number"},
    {"name": "price", "type": "decimal", "column": "number"},
    {"name": "shown", "column": "number"},
    {"name": "flag", "type": "boolean", "column": "text"},
    {"name": "day", "type": "date", "column": "moment", "timezone": "Asia/Tokyo"},
    {"name": "at", "type": "datetime", "column": "moment", "timezone": "Europe/Berlin",
     "ambiguous": "reject", "precision": "second"},
    {"name": "state", "column": "text",
     "transform": {"type": "lookup", "values": {"1": "one", "yes": "two"}}},
    {"name": "both", "transform": {"type": "concat", "columns": ["note", "number"]}},
    {"name": "doubled", "type": "decimal",
     "transform": {"type": "expression", "sql": "CAST(text AS DOUBLE) * number"}},
]  # fmt: skip
#: As many as a test run can afford, unless the profile asks for more.
_THOROUGH = settings.get_current_profile_name() == "thorough"
CASES = settings(deadline=None, max_examples=settings().max_examples if _THOROUGH else 30)
TEXTS = st.text("  \taÀe\u0301\u2003z", max_size=7)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXTS,
        st.sampled_from([None, "1", "1.50", "yes", "x", "", " 2 ", "-0", "1e400", "NaN", "inf"]),
        st.none() | st.floats(),
        st.sampled_from(["2026-01-01", "2026-02-30", None, "2025-10-26T02:30:00", "tomorrow"])
        | st.datetimes().map(str),
    ),
    min_size=1,
    max_size=6,
)
#: Breaks every rule it can.
POISON = ("\x00", "poison", float("inf"), "never")


def node_of(fields):
    return things_node(["id"], [{"name": "id", "type": "integer"}, *fields])


def frame_of(rows):
    note, text, number, moment = zip(*rows, strict=True)
    return pl.DataFrame(
        {
            "id": range(len(rows)),
            "note": pl.Series(note, dtype=pl.String),
            "text": pl.Series(text, dtype=pl.String),
            "number": pl.Series(number, dtype=pl.Float64),
            "moment": pl.Series(moment, dtype=pl.String),
        }
    )


def outcome(normaliser, frame):
    """Return each row's fields, the rules it breaks, and its hash."""
    chunk = normaliser(frame)
    broken = [set() for _ in range(frame.height)]
    for each in chunk.faults:
        for row in each.fault.rows.arg_true():
            broken[row].add((each.field, each.fault.rule))
    assert chunk.valid.tolist() == [not each for each in broken]
    hashes = hashing.data_hashes(chunk.fields)
    assert (hashes == hashing.data_hashes(chunk.fields, "python")).all()
    return list(zip(chunk.fields.rows(), broken, map(bytes, hashes), strict=True))


@CASES
@given(
    ROWS,
    st.lists(
        st.sampled_from(FIELDS), min_size=1, max_size=2, unique_by=lambda field: field["name"]
    ),
    st.data(),
)
def test_neither_a_bad_neighbour_nor_the_order_nor_a_chunk_s_end_changes_a_row(rows, fields, data):
    normaliser = Normaliser(node_of(fields), None)
    place = data.draw(st.integers(0, len(rows)))
    whole = outcome(normaliser, frame_of([*rows[:place], POISON, *rows[place:]]))
    assert whole[place][1] != set()
    order = data.draw(st.permutations([row for row in range(len(whole)) if row != place]))
    cut = data.draw(st.integers(0, len(order)))
    frame = frame_of([*rows[:place], POISON, *rows[place:]])
    for part in (order[:cut], order[cut:]):
        assert outcome(normaliser, frame[part]) == [whole[row] for row in part]

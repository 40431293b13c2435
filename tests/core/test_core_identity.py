"""The serialisation and its hashes: golden vectors, and two encoders that must agree."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.identity.encoding import encode_row, varint

GOLDEN_BYTES = [
    (None, "0d0100"),
    (False, "0d0101"),
    (True, "0d0102"),
    (0, "0d01030100"),
    (1, "0d01030101"),
    (-1, "0d01030001"),
    (128, "0d0103018001"),
    (300, "0d010301ac02"),
    (-300, "0d010300ac02"),
    ("", "0d010500"),
    ("a", "0d01050161"),
    ("é", "0d010502c3a9"),
    (b"", "0d010600"),
    (b"ab", "0d0106026162"),
    (date(1970, 1, 1), "0d01070100"),
    (date(2024, 1, 1), "0d0107018b9a01"),
    (date(1969, 12, 31), "0d01070001"),
    (datetime(2024, 1, 1, tzinfo=UTC), "0d01090180 80948bf08284d317".replace(" ", "")),
    (datetime(1969, 12, 31, tzinfo=UTC), "0d0109008080bc8ac9d213"),
    (Decimal(0), "0d010b010000"),
    (Decimal("1.50"), "0d010b010f01"),
    (Decimal("-12.3456"), "0d010b00c0c40704"),
    (Decimal(100), "0d010b016400"),
    (Decimal("1E+2"), "0d010b016400"),
    (Decimal("0.0100"), "0d010b010102"),
]
WHOLE_ROWS = [
    (
        ("1000", "SO-0000000001"),
        "0d02050431303030050d534f2d30303030303030303031",
        "a3551efde2165009bbe065746b79e6a9",
        "a867cfb56bfc0301ed94f083fd9112ce9ad951117fbce2dac13ad9e9e95d6dd1",
    ),
    (
        (
            "Zoë",
            None,
            -300,
            Decimal("12.5000"),
            True,
            datetime(2024, 1, 1, tzinfo=UTC),
            date(2024, 1, 1),
        ),
        "0d0705045a6fc3ab000300ac020b017d010209018080948bf08284d31707018b9a01",
        "ff12f8871bef17eb2d97c71c06f77b1f",
        "99c76d5f4ca38e35767d5347441ad6bab7bfe4f0a8d6dac2a8ad3180a5a6e8dc",
    ),
    (
        (None,),
        "0d0100",
        "667959605dc1c6d76a60f121142890fc",
        "d0033b5a37c08c15e3ee7f98083df1fd69b6f0fb320386f8630d7a39e7d87f61",
    ),
]
TYPES = {
    str: pl.String,
    int: pl.Int64,
    Decimal: pl.Decimal(38, 4),
    bool: pl.Boolean,
    datetime: pl.Datetime("us", "UTC"),
    date: pl.Date,
    type(None): pl.String,
}


def frame_of(rows):
    return pl.DataFrame(
        [
            pl.Series(str(number), [row[number] for row in rows], dtype=TYPES[type(value)])
            for number, value in enumerate(rows[0])
        ]
    )


@pytest.mark.parametrize(("value", "expected"), GOLDEN_BYTES)
def test_golden_bytes_of_single_values(value, expected):
    assert encode_row([value]).hex() == expected


def test_varint_has_no_upper_limit():
    assert varint(300).hex() == "ac02"
    assert varint(2**64 - 1).hex() == "ff" * 9 + "01"
    assert encode_row([None] * 128).hex() == "0d8001" + "00" * 128


@pytest.mark.parametrize("engine", ["polars", "python"])
@pytest.mark.parametrize(("row", "serialised", "key", "data"), WHOLE_ROWS)
def test_golden_rows_and_their_hashes(engine, row, serialised, key, data):
    assert encode_row(row).hex() == serialised
    frame = frame_of([row])
    assert hashing.key_hashes(frame, engine).tobytes().hex() == key
    assert hashing.data_hashes(frame, engine).tobytes().hex() == data


@pytest.mark.parametrize("value", [1.5, object(), Decimal("NaN")])
def test_a_value_without_serialisation_is_refused(value):
    with pytest.raises(TypeError, match="no serialisation"):
        encode_row([value])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("ab", "c"), ("a", "bc")),
        ((None,), ("",)),
        ((1,), ("1",)),
        (("a", None), (None, "a")),
        ((date(2024, 1, 1),), (datetime(2024, 1, 1, tzinfo=UTC),)),
        ((1,), (Decimal(1),)),
        ((True,), (1,)),
    ],
)
def test_different_rows_have_different_bytes(left, right):
    assert encode_row(left) != encode_row(right)


ROWS = st.tuples(
    st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.decimals(-(10**20), 10**20, places=4, allow_nan=False),
    st.none() | st.booleans(),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.none() | st.dates(),
)
KINDS = (str, int, Decimal, bool, datetime, date)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=8))
def test_both_encoders_agree(rows):
    frame = pl.DataFrame(
        [
            pl.Series(str(number), [row[number] for row in rows], dtype=TYPES[kind])
            for number, kind in enumerate(KINDS)
        ]
    )
    for function in (hashing.key_hashes, hashing.data_hashes, hashing.field_hashes):
        assert (function(frame, "polars") == function(frame, "python")).all()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | st.text(max_size=5), max_size=4), st.data())
def test_texts_cannot_be_cut_elsewhere(texts, data):
    other = data.draw(st.lists(st.none() | st.text(max_size=5), max_size=4))
    assert (encode_row(texts) == encode_row(other)) == (texts == other)


def test_the_fallback_is_taken_when_the_plugin_cannot_be_imported(monkeypatch):
    frame = frame_of([("1000", "SO-0000000001")])
    fast = hashing.key_hashes(frame)
    monkeypatch.setitem(sys.modules, "polars_hash", None)
    assert hashing.best_engine() == "python"
    assert (hashing.key_hashes(frame) == fast).all()


def test_record_uuids_are_derived_from_workflow_entity_and_key():
    keys = hashing.key_hashes(pl.DataFrame({"key": ["a", "b"]}))
    ids = hashing.record_uuids("orders", "order", keys)
    again = hashing.record_uuids("orders", "order", keys, "python")
    assert (ids == again).all()
    # Golden: an id that changes with a version would make every record a new one.
    assert ids[0].tobytes().hex() == "813ededff4d189cf96199e2bf0d1b1a6"
    assert ids[0].tobytes() != ids[1].tobytes()
    assert (hashing.record_uuids("orders", "line", keys) != ids).any(axis=1).all()
    assert (hashing.record_uuids("other", "order", keys) != ids).any(axis=1).all()
    assert all(each[6] >> 4 == 8 and each[8] >> 6 == 2 for each in ids)

"""The serialisation and its hashes: golden vectors, held by two encoders."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from core_cases import GOLDEN, KINDS, frame_of, golden_values

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.identity.encoding import encode_row, varint
from syncflow_dagster.core.normalise import strings


@pytest.mark.parametrize("engine", ["polars", "python"])
@pytest.mark.parametrize("golden", GOLDEN["rows"], ids=lambda golden: golden["bytes"][:24])
def test_golden_vectors(golden, engine):
    values = golden_values(golden["row"])
    assert encode_row(values).hex() == golden["bytes"]
    frame = frame_of([kind for kind, _ in golden["row"]], [values])
    assert hashing.key_hashes(frame, engine).tobytes().hex() == golden["bk_hash"]
    assert hashing.data_hashes(frame, engine).tobytes().hex() == golden["data_hash"]
    assert hashing.field_hashes(frame, engine).tobytes().hex() == golden["field_hashes"]


def test_golden_vectors_are_of_the_encoding_that_is_stored_beside_hashes():
    assert GOLDEN["encoding"] == hashing.ENCODING
    assert {kind for golden in GOLDEN["rows"] for kind, _ in golden["row"]} == set(KINDS)


def test_varint_has_no_upper_limit():
    assert varint(300).hex() == "ac02"
    assert varint(2**64 - 1).hex() == "ff" * 9 + "01"
    assert encode_row([None] * 128).hex() == "0d8001" + "00" * 128


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


def test_the_fallback_is_taken_when_the_plugin_cannot_be_imported(monkeypatch):
    frame = frame_of(["text", "text"], [("1000", "SO-0000000001")])
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


def test_hashes_of_a_slice_and_of_many_chunks_are_those_of_the_whole():
    whole = pl.DataFrame({"a": [f"text {number}" * (number % 3) for number in range(50)]})
    joined = pl.concat([whole.head(20), whole.slice(20)], rechunk=False)
    for function in (hashing.key_hashes, hashing.data_hashes, hashing.field_hashes):
        assert (function(whole.slice(7, 30)) == function(whole)[7:37]).all()
        assert (function(joined) == function(whole)).all()
        assert function(whole.clear()).shape == (0, function(whole).shape[1])
    keys = hashing.key_hashes(whole)
    assert (
        hashing.record_uuids("w", "e", keys[3:9]) == hashing.record_uuids("w", "e", keys)[3:9]
    ).all()
    assert hashing.record_uuids("w", "e", keys[:0]).shape == (0, 16)


def test_two_threads_hash_and_normalise_at_once():
    frames = [
        pl.DataFrame({"a": [f"  {seed}  text\u00e9 {number}" for number in range(5000)]})
        for seed in range(8)
    ]

    def work(frame):
        column = strings.normalise(frame["a"], "collapse", "upper", "null")
        return hashing.data_hashes(column.values.to_frame()).tobytes()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, frames)) == [work(frame) for frame in frames]

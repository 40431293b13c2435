"""Changed fields and the delete guard."""

from __future__ import annotations

import polars as pl
import pytest

from syncflow_dagster.core.detect import guard
from syncflow_dagster.core.detect.changes import changed_fields
from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.records import RESERVED_COLUMNS, reserved_among


def by_field(frame):
    hashes = hashing.field_hashes(frame)
    return {name: hashes[:, place * 8 : place * 8 + 8] for place, name in enumerate(frame.columns)}


def test_changed_fields_are_exact():
    old = pl.DataFrame({"a": ["1", "2"], "b": [None, "x"]}, schema={"a": pl.String, "b": pl.String})
    new = pl.DataFrame({"a": ["1", "3"], "b": ["", "x"]})
    stored = hashing.field_hashes(old)
    changed = changed_fields(stored, ["a", "b"], by_field(new), ["a", "b"])
    assert changed.tolist() == [[False, True], [True, False]]


def test_a_new_field_and_a_dropped_one_change_nothing():
    old = pl.DataFrame({"gone": ["1", "2"], "a": ["x", "y"]})
    new = pl.DataFrame({"a": ["x", "y"], "fresh": [None, "z"]})
    stored = hashing.field_hashes(old)
    changed = changed_fields(stored, ["gone", "a"], by_field(new), ["a", "fresh"])
    assert changed.tolist() == [[False, False], [False, False]]


def test_what_is_always_allowed_is_shared_by_the_ranges():
    assert guard.refusal(7, 8, 1, 0.5) is None
    assert guard.refusal(7, 8, 1, 0.5, parts=8) is not None
    assert guard.refusal(1, 1, 1, 0.5, parts=8) is None


def test_no_records():
    frame = pl.DataFrame({"a": []}, schema={"a": pl.String})
    assert changed_fields(hashing.field_hashes(frame), ["a"], by_field(frame), ["a"]).shape == (
        0,
        1,
    )


@pytest.mark.parametrize(
    ("deletes", "known", "records", "refused"),
    [
        (0, 100, 0, False),
        (10, 12, 2, False),
        (11, 12, 1, True),
        (50, 100, 50, False),
        (51, 100, 49, True),
        (1, 1, 0, True),
    ],
)
def test_the_guard(deletes, known, records, refused):
    reason = guard.refusal(deletes, known, records, 0.5)
    assert (reason is not None) is refused
    if reason:
        assert str(deletes) in reason
        assert "deletes." in reason


def test_reserved_names():
    assert reserved_among(["qty", "state", "xmin", "color"]) == ["state", "xmin"]
    assert "business_key" in RESERVED_COLUMNS

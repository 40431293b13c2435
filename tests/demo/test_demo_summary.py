"""A row of the source that went missing on the way counts as lost."""

from __future__ import annotations

import pytest

from syncflow_dagster.demo.summary import _unaccounted

TOLD = {"read": 10, "records": 10, "inserted": 4, "updated": 1, "same": 2, "rejected": 3}


@pytest.mark.parametrize(
    ("source_rows", "counts", "lost"),
    [
        (10, TOLD, 0),
        # Two rows were never read: the delta's own counts agree with each other all the same.
        (12, TOLD, 2),
        # One was read and is nowhere.
        (10, {**TOLD, "records": 9, "same": 1}, 1),
        (10, {**TOLD, "same": 1, "duplicates": 1}, 0),
        (10, {}, 10),
    ],
)
def test_rows_of_a_plain_source(source_rows, counts, lost):
    assert _unaccounted(counts, source_rows, is_unpivoted=False) == lost


@pytest.mark.parametrize(("source_rows", "same", "lost"), [(2, 2, 0), (3, 2, 1), (2, 0, 2)])
def test_rows_of_a_source_whose_rows_make_several_records(source_rows, same, lost):
    counts = {**TOLD, "read": 2, "same": same}
    assert _unaccounted(counts, source_rows, is_unpivoted=True) == lost

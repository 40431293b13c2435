"""What the embedded server may use of the machine."""

from __future__ import annotations

import pytest

from syncflow_dagster.store.launch import shared_mb

GIGABYTE = 2**30


@pytest.mark.parametrize(
    ("memory", "megabytes"),
    [(GIGABYTE // 4, 128), (2 * GIGABYTE, 512), (4 * GIGABYTE, 1024), (64 * GIGABYTE, 1024)],
)
def test_a_quarter_of_the_memory_within_limits_is_shared(memory, megabytes):
    assert shared_mb(memory) == megabytes

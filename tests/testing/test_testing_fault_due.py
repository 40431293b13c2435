"""A search for due records killed between two of its steps, as rows of the fault matrix."""

from __future__ import annotations

from syncflow_dagster.testing.faults import due


def test_a_kill_leaves_no_record_due_twice_and_none_forgotten(postgres_url):
    (result,) = due.killed_searches(
        lambda name: name.endswith("written"), records=1_600, url=postgres_url
    )
    assert result.error is None
    assert (result.duplicates, result.lost, result.unknown) == (0, 0, 0)
    assert result.second_run_writes == 0
    assert result.passed

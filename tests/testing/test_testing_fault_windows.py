"""A push that may be at work at night only, on a clock that is moved by hand."""

from __future__ import annotations

from syncflow_dagster.testing.faults.board_book import many
from syncflow_dagster.testing.faults.windows import nights


def test_a_push_goes_on_night_by_night_and_ends_as_one_that_was_never_interrupted(postgres_server):
    (result,) = nights(
        lambda name: name == "push over several nights",
        server=postgres_server,
        book=lambda: many(40),
    )
    assert result.trouble == ""
    assert result.passed

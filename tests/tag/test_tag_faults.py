"""A row of the fault matrix about tags; the others are its own work."""

from __future__ import annotations

import pytest

from syncflow_dagster.testing.faults import tags


@pytest.mark.process
def test_killed_in_between_each_tag_is_written_once_and_who_refuses_never(postgres_url):
    chosen = ("tags: kill -9 at deliver.sent",)
    results = list(tags.disturbed_tags(lambda name: name in chosen, people=20, url=postgres_url))
    assert [one.fault for one in results] == list(chosen)
    assert [(one.line(40), one.trouble) for one in results if not one.passed] == []

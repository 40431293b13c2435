"""The faults of bulk jobs: their rows, and the world they happen in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.demo.world import Databases, environment, variables
from syncflow_dagster.ledger import recording
from syncflow_dagster.testing.faults import tables
from syncflow_dagster.testing.faults.jobs_cases import CROWD, INVALID, jobs_cases
from syncflow_dagster.testing.faults.jobs_world import WORKFLOW, book, write_workflow


def test_one_group_of_the_book_goes_by_a_job_that_is_settled_in_parts(tmp_path):
    write_workflow(tmp_path)
    databases = Databases("", "sqlite://", None, Path())
    urls = {"monday": "http://127.0.0.1", "tokens": {"monday": {"personal": "none"}}}
    with variables(environment(databases, urls)):
        (push,) = find_workflow(tmp_path, WORKFLOW).workflow.pushes
    sizes = Counter(order.customer for order in book()).most_common()
    assert sizes[0][1] == CROWD
    # Only then is there a first part that is committed, and a second that is not.
    assert recording._AT_ONCE < CROWD <= 2 * recording._AT_ONCE
    assert push.bulk_from is not None
    assert 0 < sum(few for _, few in sizes[1:]) < push.bulk_from <= CROWD // 2
    # What hangs on items of the job is pushed too, also on one that is refused.
    with_lines = [n for n, order in enumerate(book()) if order.lines]
    assert with_lines[0] < INVALID < len(with_lines)


def test_every_row_has_a_kind_of_the_tables_and_something_that_happens():
    for case in jobs_cases():
        assert case.number in tables.KINDS
        happens = (case.crash_at, case.faults, case.settings, case.first, case.invalid)
        assert any(happens), case.name
        assert 0 <= case.by_jobs <= CROWD

"""Changes of the fault matrix's boards: what a push may meet while they are made."""

from __future__ import annotations

import pytest
from graphql import parse

from syncflow_dagster.testing.faults.changes import CHANGES, one_document

WITH_MUTATIONS = [name for name, one in CHANGES.items() if one.mutations]


@pytest.mark.parametrize("name", WITH_MUTATIONS)
def test_a_change_of_the_board_is_one_request_so_that_no_push_sees_half_of_it(name):
    change = CHANGES[name]
    for mutations in (change.mutations, change.mended_by):
        (operation,) = parse(one_document(mutations)).definitions
        asked = [one.name.value for one in operation.selection_set.selections]
        assert asked == ["delete_column", "create_column"]
        assert len({one.alias.value for one in operation.selection_set.selections}) == 2


def test_a_lost_label_must_be_what_the_run_names():
    assert CHANGES["label deleted in mid-run"].told == "label 'Open'"
    assert CHANGES["column retyped in mid-run"].told == "column 'ex_factory'"

"""The check that compares a board: which of its results a run shows again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from syncflow_dagster.assets.hourly_check import COUNTED_AT
from syncflow_dagster.assets.preflight_check import _result, holds
from syncflow_dagster.nodes.monday.contract import Board, Contract
from syncflow_dagster.nodes.monday.preflight import error, warning
from syncflow_dagster.nodes.monday.preflight_report import Preflight

CONTRACT = Contract(Board("5", "Orders", "active", {}, {}, None), None)
WARNING = warning("labels_wanted", (), "records want labels")


@pytest.mark.parametrize(
    ("found", "shown_again"),
    [
        (Preflight("push", "5", CONTRACT), True),
        (Preflight("push", "5", CONTRACT, [WARNING]), True),
        (Preflight("push", "5", CONTRACT, [error("no_column", (), "gone"), WARNING]), False),
        # Nothing was compared: the next run tries to.
        (Preflight("push", "5", None, [warning("account_paused", (), "paused")]), False),
        (Preflight("push", "5", None, [error("no_board", (), "no answer")]), False),
    ],
)
def test_a_result_that_lets_pushes_begin_stands_for_an_hour(found, shown_again):
    result = _result(found)
    now = datetime.now(UTC)
    assert holds(result, now) is shown_again
    assert not holds(result, now + timedelta(minutes=61))
    assert (COUNTED_AT in result.metadata) is (found.contract is not None)
    wanted = dg.AssetCheckSeverity.WARN if found.passed else dg.AssetCheckSeverity.ERROR
    assert result.severity is wanted

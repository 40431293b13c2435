"""An adoption killed between two of its steps, as rows of the fault matrix."""

from __future__ import annotations

from syncflow_dagster.testing.faults import adoption
from syncflow_dagster.testing.faults.adoption_board import Planted
from syncflow_dagster.testing.faults.results import FaultResult


def test_a_kill_between_batches_leads_to_the_same_end(postgres_url):
    # Of so few, items are the first batch and subitems the second.
    (result,) = adoption.killed_adoptions(
        lambda name: "adopt.batch_written" in name, orders=12, url=postgres_url
    )
    assert result.error is None
    assert (result.duplicates, result.lost, result.second_run_writes) == (0, 0, 0)
    assert result.passed


def _write(op, remote_id, key, **columns):
    return {"op": op, "remote_id": remote_id, "key": key, "payload": {"column_values": columns}}


def test_what_is_doubled_lost_or_sent_again_is_seen():
    planted = Planted(creates={"new", "missing"}, differing={"there": {"amount", "state"}})
    state = {"boards": [{"items": [{"id": "1", "key": "there"}, {"id": "2", "key": "new"}]}]}
    log = [
        _write("create_item", "2", "new"),
        _write("create_item", "3", "there"),
        _write("change_multiple_column_values", "2", "new", state="Open"),
        _write("change_multiple_column_values", "1", "there", record_uuid="there", amount="1"),
        _write("change_multiple_column_values", "1", "there", title="as it was"),
    ]
    result = FaultResult("spoilt")
    adoption.judge(result, log, state, planted)
    assert (result.duplicates, result.lost) == (1, 2)
    assert result.error == "1 values were sent that the board held"

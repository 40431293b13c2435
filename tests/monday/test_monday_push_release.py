"""What waits for a parent is let go once for a plan, however many chunks it has."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from monday_world import LINES, line, order

from syncflow_dagster.nodes.monday import push
from syncflow_dagster.nodes.monday.push import PushOptions


@pytest.mark.parametrize("dry_run", [False, True])
def test_waiting_children_are_let_go_once_for_all_chunks(world, monkeypatch, dry_run):
    sizes = [line("SO-1", size, 1) for size in ("S", "M", "L")]
    world.build(lines=sizes)
    assert set(world.states(LINES).values()) == {"WAITING"}
    world.build(orders=[order("SO-1"), order("SO-2")])
    release = Mock(side_effect=push.release_waiting)
    monkeypatch.setattr(push, "release_waiting", release)
    monkeypatch.setattr(push, "PLAN_ROWS", 1)
    one = world.open(PushOptions(dry_run=dry_run))
    report = one.plan()
    one.close()
    assert report.rows == 5
    assert release.call_count == 1
    assert set(world.states(LINES).values()) == ({"WAITING"} if dry_run else {"PUSHING"})

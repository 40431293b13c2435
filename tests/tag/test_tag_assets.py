"""What Dagster's side of a tag node decides: approving by a run's options, work, and its check."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import dagster as dg
import pytest
from tag_cases import STATUS, PlanWorld, contact_id, loaded, policy, row, workflow

from syncflow_dagster.assets import tag, tag_checks
from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.nodes.tag.approval import NotApprovable, find_plan
from syncflow_dagster.nodes.tag.plans import PlanStatus
from syncflow_dagster.resources.dispatch import Pending, outlook
from syncflow_dagster.resources.observe import Observer, Work
from syncflow_dagster.resources.run_options import RunOptions
from syncflow_dagster.testing.clock import FakeClock


@pytest.fixture
def world(database):
    other = {"type": "tag", "name": "other", "description": "Tags.", "connection": "crm",
             "source": "moves", "object": "Contact", "policy": "policy.yaml",
             "rules": [STATUS]}  # fmt: skip
    flow = workflow([STATUS])
    flow.nodes.append(type(flow.tags[0]).model_validate(other))
    made = PlanWorld(database, FakeClock(), flow, policy(max_changes=2))
    made.org.cells = {contact_id(number): {} for number in range(1, 9)}
    return made


def opened(world, tmp_path, **options):
    flow = loaded(world.workflow, tmp_path)
    return OpenStep(world.database, world.clock, flow, RunOptions.model_validate(options))


def test_a_run_approves_the_plan_its_options_name_once_and_only_of_its_node(world, tmp_path):
    world.add(row(1))
    plan = world.plan(run_id="r1", actor="run r1").plans[0]
    given = {"approve_plan": plan.plan_hash, "approved_by": "anna", "approval_reason": "fine"}
    mine, other = world.workflow.tags

    def approve(node, run_id="r2", **more):
        context = SimpleNamespace(log=logging.getLogger("tag"), run=SimpleNamespace(run_id=run_id))
        tag._approve(context, opened(world, tmp_path, **{**given, **more}), node, world.policy)
        return find_plan(world.database, "champions", plan.plan_hash).status

    assert approve(other) is PlanStatus.WAITING
    for who in ({"run_id": "r1"}, {"started_by": "Anna"}):
        with pytest.raises(NotApprovable, match="four eyes"):
            approve(mine, **who)
    assert approve(mine, started_by="omar") is PlanStatus.APPROVED
    # The step is tried again, before and after the plan is applied.
    assert approve(mine) is PlanStatus.APPROVED
    world.plan(run_id="r2")
    assert approve(mine) is PlanStatus.APPLIED
    with pytest.raises(NotApprovable, match="APPLIED"):
        approve(mine, approved_by="omar")
    with pytest.raises(NotApprovable, match="dry run"):
        tag._tag(
            None, opened(world, tmp_path, dry_run=True, approve_plan=plan.plan_hash), mine, None
        )


def test_plans_are_work_and_what_cannot_be_planned_is_shown(world, tmp_path):
    observer = Observer(world.database)

    def work(policy_hash=None):
        return observer.has_plans("champions", "tag_moves", policy_hash or world.policy.hash)

    def pending():
        places = [("tag_moves", number) for number in (1, 2, 3, 4)]
        given = {"champions": Work(places=places)}
        return outlook(world.database, given, world.clock.now()).pending.get("champions", Pending())

    world.add(row(1), row(2, contact_id=None))
    world.plan()
    assert not work()
    assert work("another policy")
    assert not pending()
    world.database.execute("update tag_plan set status = 'APPROVED'")
    assert work()
    assert (pending(), pending().in_words()) == (Pending(plans=1), "1 approved plan")
    world.database.execute("update tag_plan set status = 'OUTDATED'")
    assert not work("another policy")

    world.add(*(row(number) for number in range(3, 7)))
    assert world.plan(run_id="r2").plans[0].status is PlanStatus.REFUSED
    result = tag_checks._refused(
        dg.AssetKey("tag"), opened(world, tmp_path), world.workflow.tags[0]
    )
    assert not result.passed
    reasons = [one.data["reason"] for one in result.metadata["samples"].records]
    assert "contact_id is empty" in reasons[0]
    assert "(max_changes)" in reasons[1]

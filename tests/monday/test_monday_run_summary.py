"""What a run's summary counts: each record that is left once, and rows with nothing to write."""

from __future__ import annotations

from datetime import UTC, datetime

from monday_world import ITEM_MAPPING, order

from syncflow_dagster.ledger.delivery_report import DeliveryReport
from syncflow_dagster.nodes.monday.plan_report import PlanReport
from syncflow_dagster.nodes.run_summary import RunPlace, summarise_pass
from syncflow_dagster.nodes.run_summary_page import as_markdown

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def summarise(world, number=1, name="items", **given):
    place = RunPlace(world.workflow, world.node, "run")
    report = DeliveryReport()
    delivered = (number, name)
    return summarise_pass(
        world.database, place, delivered, report, budgets=[], began_at=NOON, now=NOON, **given
    )


def test_a_record_that_changes_again_while_it_is_being_sent_is_left_once(world):
    world.build([order("SO-1"), order("SO-2")])
    world.push(passes=())
    assert summarise(world).totals["left"] == 3  # a group and two items
    world.database.execute("update effect set state = 'CLAIMED' where kind = 'create_item'")
    world.build([order("SO-1", title="Coat"), order("SO-2"), order("SO-3")])
    assert [row["state"] for row in world.rows()] == ["PUSHING", "PUSHING", "PENDING", "PENDING"]
    assert summarise(world).totals["left"] == 4


def test_rows_with_nothing_to_write_are_counted_while_planning_and_kept_for_later_passes(
    make_world,
):
    columns = [one for one in ITEM_MAPPING["columns"] if one["field"] != "email"]
    world = make_world(items={**ITEM_MAPPING, "columns": columns})
    world.sync([order("SO-1"), order("SO-2", "BETA")])
    result = world.sync([order("SO-1", email="new@example.com"), order("SO-2", "BETA")])
    assert (result.plan.settled, dict(result.plan.skipped)) == (1, {"ACME": 1})
    counted = summarise(world, skipped={"ACME": 2, "": 1})
    later = summarise(world, 3, "statuses")
    for summary in (counted, later):
        skipped = {one.customer: one.counts["skipped"] for one in summary.customers}
        # What earlier runs found settled is no matter of this one.
        assert (skipped["ACME"], skipped["(shared)"]) == (2, 1)
    assert "| ACME |" in as_markdown(later)


def test_a_plan_adds_up_what_its_chunks_settled():
    report = PlanReport()
    for _ in range(2):
        part = PlanReport(rows=report.rows)
        part.settle("ACME")
        part.settle(None)
        report.add(part)
    assert (report.settled, report.skipped) == (4, {"ACME": 2, "": 2})


def test_the_page_heads_what_needs_a_person_and_rejections_of_earlier_runs_by_their_names(world):
    world.build([order("SO-1")])
    world.push(passes=())
    for state in ("CLAIMED", "SENT", "UNKNOWN", "NEEDS_PERSON"):
        world.database.execute(
            f"update effect set state = '{state}', reason = 'two items' where kind = 'create_item'"
        )
    page = as_markdown(summarise(world))
    heading, _, rest = page.partition("## What needs attention")
    assert "two items" in rest
    assert "need a person" in rest
    assert "two items" not in heading

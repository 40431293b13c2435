"""What a run, and `syncflow plan`, tell of values that are not written as they are."""

from collections import Counter
from datetime import UTC, datetime

from syncflow_dagster.assets import push_metadata
from syncflow_dagster.commands.plan import Plans
from syncflow_dagster.core.budget import Forecast
from syncflow_dagster.ledger.delivery_report import DeliveryReport
from syncflow_dagster.ledger.pauses import Pause
from syncflow_dagster.nodes.monday.plan_report import MOST_ADJUSTMENTS, PlanReport
from syncflow_dagster.nodes.monday.values import Adjustment

DROPPED = Adjustment("buyer", "'nobody'", "drop", "'nobody' is not an e-mail address")
PLAN = PlanReport(
    rows=2, effects=Counter(create_item=2), adjusted=1, adjustments=[("SO-1", DROPPED)]
)


def records(metadata, name):
    return [one.data for one in metadata[name].records]


def test_a_plan_counts_and_names_what_it_adjusts():
    assert push_metadata.told_plan(PLAN).endswith("2 create_item; 1 values adjusted")
    metadata = push_metadata.of_plan(PLAN)
    assert metadata["adjusted"] == 1
    assert records(metadata, "adjusted_values") == [
        {
            "record": "SO-1",
            "column": "buyer",
            "value": "'nobody'",
            "rule": "drop",
            "reason": "'nobody' is not an e-mail address",
        }
    ]


def test_a_plan_that_adjusts_nothing_says_so():
    metadata = push_metadata.of_plan(PlanReport(rows=1))
    assert metadata["adjusted"] == 0
    assert "adjusted_values" not in metadata
    assert "adjusted" not in push_metadata.told_plan(PlanReport(rows=1))


def test_of_very_many_adjusted_values_the_first_are_kept_and_all_are_counted():
    report = PlanReport()
    for chunk in range(3):
        part = PlanReport()
        part.adjust([(f"SO-{chunk}-{number}", DROPPED) for number in range(900)], 900)
        report.add(part)
    assert (report.adjusted, len(report.adjustments)) == (2700, MOST_ADJUSTMENTS)
    assert [report.adjustments[at][0] for at in (0, 899, 900)] == ["SO-0-0", "SO-0-899", "SO-1-0"]
    assert push_metadata.of_plan(report)["adjusted"] == 2700
    assert push_metadata.told_plan(report).endswith("; 2,700 values adjusted")
    plans = Plans("orders", reports={"push": report})
    assert plans.lines()[-1] == f"  {2700 - MOST_ADJUSTMENTS:>6}  more values adjusted"
    assert plans.as_json()["nodes"]["push"]["adjusted_total"] == 2700


def test_a_delivery_counts_and_names_what_it_sent_otherwise():
    report = DeliveryReport(Counter(amended=1, done=1), amended=[("SO-1", "column tag dropped")])
    metadata = push_metadata.of_delivery(report, 1.0)
    assert metadata["amended"] == 1
    assert records(metadata, "amended_changes") == [
        {"record": "SO-1", "reason": "column tag dropped"}
    ]
    assert "amended_changes" not in push_metadata.of_delivery(DeliveryReport(), 1.0)


def test_the_command_shows_them_before_anything_is_sent():
    plans = Plans("orders", reports={"push": PLAN})
    told = "  adjusted SO-1: column buyer dropped: 'nobody' is not an e-mail address"
    assert plans.lines()[-1] == told
    (adjusted,) = plans.as_json()["nodes"]["push"]["adjusted"]
    assert (adjusted["record"], adjusted["column"], adjusted["rule"]) == ("SO-1", "buyer", "drop")


def test_a_delivery_that_had_to_leave_says_so_and_counts_only_what_it_has_counted():
    why = "the window of orders is over; it goes on Fri 2026-11-27 19:00 Europe/Berlin"
    report = DeliveryReport(left=why, remaining=1234)
    assert push_metadata.told_delivery(report, 1.0).endswith(f"1,234 still to go; left: {why}")
    assert push_metadata.of_delivery(report, 1.0)["left"] == f"{why}; 1,234 changes wait"
    # It left before it could look.
    assert push_metadata.of_delivery(DeliveryReport(left=why), 0.0)["left"] == why


def test_a_pause_is_told_with_its_end_and_how_long_what_is_left_takes():
    until = datetime(2026, 11, 23, tzinfo=UTC)
    report = DeliveryReport(
        remaining=44,
        paused=Pause("monday:default has used up its dailyCalls", until, 8),
        forecast=Forecast(44, 25, 4),
    )
    metadata = push_metadata.of_delivery(report, 1.0)
    assert metadata["paused"] == (
        "monday:default has used up its dailyCalls; next try at 2026-11-23 00:00:00 UTC"
    )
    assert metadata["forecast"] == (
        "44 changes are left, about 25 requests: 4 more days at this rate"
    )
    told = push_metadata.told_delivery(report, 1.0)
    assert told.endswith(f"paused: {metadata['paused']}; {metadata['forecast']}")

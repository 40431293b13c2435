"""What a run, and `syncflow plan`, tell of values that are not written as they are."""

from collections import Counter

from syncflow_dagster.assets import push_metadata
from syncflow_dagster.commands.plan import Plans
from syncflow_dagster.ledger.deliver import DeliveryReport
from syncflow_dagster.nodes.monday.plan_report import PlanReport
from syncflow_dagster.nodes.monday.values import Adjustment

DROPPED = Adjustment("buyer", "'nobody'", "drop", "'nobody' is not an e-mail address")
PLAN = PlanReport(rows=2, effects=Counter(create_item=2), adjusted=[("SO-1", DROPPED)])


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


def test_a_delivery_counts_and_names_what_it_sent_otherwise():
    report = DeliveryReport(Counter(amended=1, done=1), amended=[("SO-1", "column tag dropped")])
    metadata = push_metadata.of_delivery(report, 1.0)
    assert metadata["amended"] == 1
    assert records(metadata, "amended_changes") == [
        {"record": "SO-1", "reason": "column tag dropped"}
    ]
    assert "amended_changes" not in push_metadata.of_delivery(DeliveryReport(), 1.0)


def test_the_command_shows_them_before_anything_is_sent():
    plans = Plans("orders", {"push": PLAN})
    told = "  adjusted SO-1: column buyer dropped: 'nobody' is not an e-mail address"
    assert plans.lines()[-1] == told
    (adjusted,) = plans.as_json()["nodes"]["push"]["adjusted"]
    assert (adjusted["record"], adjusted["column"], adjusted["rule"]) == ("SO-1", "buyer", "drop")

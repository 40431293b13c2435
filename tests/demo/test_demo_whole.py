"""The demo as its user runs it, held against what the order book's generator expects."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncflow_dagster.store.location import temporary_home

DATA = Path(__file__).resolve().parents[2] / "workflows" / "order_list" / "data"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.process

# Of its two weeks of outreach, the first three working days of a week, whenever this is run:
# `make fault` lets six weeks go by.
_DEMO = """
from datetime import timedelta
from syncflow_dagster.cli import main
from syncflow_dagster.demo import outreach, run

def from_monday(home, control, say):
    now = control.now()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    control.advance((day + timedelta(days=7 - day.weekday()) - now).total_seconds())
    return outreach.run_outreach(home, control, say)

outreach._LENGTH = timedelta(days=3, hours=2)  # it is evening in America
run.run_outreach = from_monday
main(["demo", "--json"])
"""


@pytest.fixture(scope="module")
def outcome():
    with temporary_home() as home:
        done = subprocess.run(
            [sys.executable, "-c", _DEMO],
            env={**os.environ, "SYNCFLOW_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_promise_is_kept(outcome):
    promises = ("duplicates", "lost", "second_run_writes", "throttled")
    assert {name: outcome[name] for name in promises} == dict.fromkeys(promises, 0)
    assert outcome["workflows"]["order_list"]["unknown"] == 0


def test_each_customer_has_its_items_and_subitems(outcome):
    assert outcome["customers"]["GREYSON CLOTHIERS"] == {"items": 69, "subitems": 317}
    assert outcome["customers"] == EXPECTED["customers"]


def test_the_numbers_add_up(outcome):
    numbers = outcome["workflows"]["order_list"]
    states = sum(numbers[state] for state in ("synced", "dead", "held", "waiting", "unknown"))
    rejected = sum(one["state"] == "DEAD" for one in outcome["not_synced"]) - 1
    assert states == numbers["headers"] + numbers["lines"] + rejected
    assert numbers["items"] == sum(one["items"] for one in outcome["customers"].values())
    assert numbers["subitems"] == sum(one["subitems"] for one in outcome["customers"].values())


def test_every_dirty_row_is_named_with_its_reason(outcome):
    told = {one["record"].split(" / ")[0]: one["reason"] for one in outcome["not_synced"]}
    assert set(told) == {one["order_number"] for one in EXPECTED["dirty"]}
    assert all(told.values())


def test_movers_are_tagged_once_unless_somebody_may_not_be(outcome):
    numbers = outcome["workflows"]["champion_tracking"]
    assert (numbers["contacts"], numbers["moves"], numbers["forbidden"]) == (3_000, 150, 0)
    assert numbers["tagged"] + numbers["refused"] == numbers["moves"]
    assert sum(outcome["refused_tags"].values()) == numbers["refused"] > 0
    assert all("consent: " in reason for reason in outcome["refused_tags"])

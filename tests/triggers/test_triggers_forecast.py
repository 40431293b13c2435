"""What is told of waiting changes, by what the last deliveries did and when windows are open."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncflow_dagster.cli import main
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.ledger.delivery_report import DeliveryReport
from syncflow_dagster.nodes.monday.costs import DAILY_BUDGET
from syncflow_dagster.nodes.triggers import forecast as forecasting
from syncflow_dagster.nodes.triggers.forecast import forecasts, note_work
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.faults.board_book import workflow
from syncflow_dagster.workflows.loader import load_file
from syncflow_dagster.workflows.models.triggers import Windows

ORDER_LIST = Path(__file__).parents[2] / "workflows" / "order_list.yaml"
VARIABLES = {"ORDERS_DATABASE_URL": "sqlite:///orders.db", "MONDAY_TOKEN": "token"}

# A Thursday in winter: 21:00 in Berlin.
NOW = datetime(2026, 11, 26, 20, tzinfo=UTC)
NIGHTS = Windows(timezone="Europe/Berlin", open=("19:00-07:00 on weekdays",))


def _delivered(database, one, number, effects, seconds, *, waited_s=0.0, ago=timedelta(days=1)):
    report = DeliveryReport(Counter(done=effects), waited_s=waited_s)
    place = (one.workflow, one.pushes[0].name, number)
    ended_at = NOW - ago
    note_work(database, place, ended_at - timedelta(seconds=seconds), ended_at, report, "run")


@pytest.fixture
def told(database, monkeypatch):
    """Tell the forecast in words, of so many changes of each pass."""

    def told(one, todo, rows=None):
        monkeypatch.setattr(forecasting, "_todo", lambda *_: (todo, rows or {}))
        (found,) = forecasts(database, FakeClock(NOW), one)
        return found.in_words()

    return told


def test_what_is_told_follows_rates_windows_and_limits(database, told):
    always = workflow("http://127.0.0.1:1", "token", {}, 10)
    nightly = always.model_copy(update={"windows": NIGHTS})
    assert told(nightly, {}) == "nothing waits"
    assert told(nightly, {1: 5_000}) == (
        "5,000 changes wait; no rate measured yet, so nobody knows how long"
    )
    # What did nothing says nothing of a rate; waits are not work.
    _delivered(database, always, 1, 0, 3_600)
    _delivered(database, always, 1, 360, 7_200, waited_s=3_600)
    assert told(always, {1: 720}) == "720 changes wait, 0.1/s: done Thu 2026-11-26 22:00 (UTC)"
    assert told(nightly, {1: 720}) == (
        "720 changes wait, 0.1/s: fits, done Thu 2026-11-26 23:00, "
        "window's end Fri 2026-11-27 07:00 (Europe/Berlin)"
    )
    # A pass that was never measured goes as fast as the others did.
    assert told(nightly, {1: 3_000, 2: 1_320}) == (
        "4,320 changes wait, 0.1/s: does not fit: 720 of 4,320 will be left at "
        "Fri 2026-11-27 07:00; done Fri 2026-11-27 21:00, in 2 windows (Europe/Berlin)"
    )
    # What was not planned brings as many statuses as the last runs had for each row.
    _delivered(database, always, 3, 180, 1_800)
    assert told(always, {1: 360}, {1: 100, 2: 260}) == (
        "900 changes wait, 0.1/s: done Thu 2026-11-26 22:30 (UTC)"
    )
    (node,) = always.pushes
    account = forecasting._account(always, node)[0]
    # 20 calls of 10 changes go until midnight in UTC, and as many on each day after it.
    Budgets(database, FakeClock(NOW), account, {DAILY_BUDGET: (20, 86_400.0, "day")})
    assert told(always, {1: 500}) == "500 changes wait, 0.1/s: done Sat 2026-11-28 00:16 (UTC)"


def test_the_last_deliveries_are_kept(database):
    one = workflow("http://127.0.0.1:1", "token", {}, 10)
    for number in range(25):
        _delivered(database, one, 1, 10 + number, 10, ago=timedelta(days=25 - number))
    rows = database.fetch_all("select effects from work_rate order by ended_at")
    assert [row["effects"] for row in rows] == list(range(15, 35))


def test_the_command_tells_it_of_each_node(database):
    one = load_file(ORDER_LIST, VARIABLES).workflow
    _delivered(database, one, 1, 100, 10)
    env = {
        "SYNCFLOW_WORKFLOWS": str(ORDER_LIST.parent),
        "SYNCFLOW_DATABASE_URL": database.url,
        **VARIABLES,
    }
    done = CliRunner().invoke(main, ["forecast", "order_list", "--json"], env=env)
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.stdout.splitlines()[-1])["nodes"]
    assert (told["node"], told["changes"], told["fits"]) == (one.pushes[0].name, 0, True)
    assert done.stderr.splitlines() == [f"{told['node']}: nothing waits"]

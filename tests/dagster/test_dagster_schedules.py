"""Schedules of time triggers: each due time becomes one run, whatever is killed meanwhile."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import ScheduleInstigatorData
from sqlalchemy import create_engine, text

from syncflow_dagster import definitions
from syncflow_dagster.assets import names
from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.assets.workflow import workflow_definitions
from syncflow_dagster.nodes.triggers import slots
from syncflow_dagster.resources.store import Store
from syncflow_dagster.schedules.requests import run_request
from syncflow_dagster.schedules.triggers import schedules

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WORKFLOW = """\
workflow: till
description: What the till has sold.
owner: sales
connections:
  shop: {type: sql, url: "${SHOP_URL}"}
triggers:
  - {type: cron, name: hourly, cron: "0 * * * *", timezone: Europe/Berlin}
nodes:
  - type: pull
    name: pull_sales
    description: Sales of an hour.
    connection: shop
    query: sales.sql.j2
  - type: delta
    name: sales
    description: Sales.
    source: pull_sales
    entity: sale
    table: till_sales
    key: [number]
    deletes: {detect: false}
    fields:
      - {name: number, type: integer, required: true}
      - {name: due, required: true}
"""
SALES = """\
select number, {{ scheduled_for }} as due from sales
where sold_at <= {{ interval_end }}
{% if interval_start is not none %}and sold_at > {{ interval_start }}{% endif %}
"""
NOTHING_LEFT = "till: nothing is left to start; next due Mon 2026-11-02 14:00 Europe/Berlin."


class Till:
    """A workflow with one schedule, and a clock for it."""

    def __init__(self, shop, loaded, instance):
        self.shop = shop
        self.loaded = loaded
        self.workflow = loaded.workflow
        self.instance = instance
        self.time = NOON
        (self.schedule,) = schedules(workflow_definitions(loaded))

    def now(self):
        return self.time

    @contextmanager
    def open(self):
        yield Store(self.shop.database, self)

    def tick(self, due, now=None):
        """Evaluate the schedule as the daemon does; return requests, or why there are none."""
        self.time = now or due
        with dg.build_schedule_context(
            self.instance, scheduled_execution_time=due, resources={"store": self}
        ) as context:
            data = self.schedule.evaluate_tick(context)
        return data.skip_message or list(data.run_requests)

    def make(self, request, due, status=dg.DagsterRunStatus.STARTED):
        """Make a run as the daemon does."""
        tags = {
            "dagster/schedule_name": self.schedule.name,
            ".dagster/scheduled_execution_time": names.moment(due),
            "dagster/run_key": request.run_key,
        }
        return self.instance.create_run_for_job(
            dg.JobDefinition(graph_def=dg.GraphDefinition(name="till"), name="till"),
            status=status,
            tags={**request.tags, **tags},
        )

    def end(self, run):
        slot = int(run.tags[names.SLOT_TAG])
        assert slots.take(self.shop.database, slot, run.run_id, None, self.time) is None
        self.instance.report_run_canceled(run)

    def dispatch(self):
        """Ask for what is left open, as the dispatcher does."""
        opens = slots.opens_from(self.workflow)
        found = slots.next_to_start(self.shop.database, self.workflow, self.time, opens)
        asked = [one for one in found if slots.request(self.shop.database, one.slot_id, self.time)]
        return [run_request(self.workflow, one, f"slot {one.slot_id}") for one in asked]


@pytest.fixture(scope="module")
def one_instance():
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def till(shop, one_instance):
    (shop.folder / "sales.sql.j2").write_text(SALES, encoding="utf-8")
    engine = create_engine(f"sqlite:///{shop.folder.parent}/shop.db")
    with engine.begin() as conn:
        conn.execute(text("create table sales (number integer, sold_at text)"))
        sold = [{"n": n, "at": str(NOON + (n - 5) * 30 * MINUTE)} for n in range(20)]
        conn.execute(text("insert into sales values (:n, :at)"), sold)
    engine.dispose()
    for run in one_instance.get_runs():
        one_instance.delete_run(run.run_id)

    def till(trigger=""):
        return Till(
            shop, shop.load(WORKFLOW.replace("Berlin}", f"Berlin{trigger}}}")), one_instance
        )

    return till


def _due(requests):
    return [datetime.fromisoformat(one.tags["scheduled_for"]) for one in requests]


@pytest.mark.parametrize(("missed", "made_up"), [("skip", []), ("latest", [3]), ("all", [1, 2, 3])])
def test_three_missed_due_times_are_made_up_for_as_the_file_says(till, missed, made_up):
    world = till(f", missed: {missed}")
    (first,) = world.tick(NOON)
    world.end(world.make(first, NOON))
    # The daemon is back twenty minutes after the third; Dagster evaluates that tick alone.
    answer = world.tick(NOON + 3 * HOUR, NOON + 3 * HOUR + 20 * MINUTE)
    found = []
    while isinstance(answer, list) and answer:
        found += _due(answer)
        world.end(world.make(answer[0], NOON + 3 * HOUR))
        world.time += MINUTE
        answer = world.dispatch()
    assert found == [NOON + n * HOUR for n in made_up]
    (next_one,) = world.tick(NOON + 4 * HOUR)
    assert _due([next_one]) == [NOON + 4 * HOUR]
    assert next_one.tags["previous_scheduled"] == names.moment(NOON + 3 * HOUR)


def test_what_was_due_while_a_person_had_switched_it_off_was_not_missed(till, monkeypatch):
    world = till(", missed: all")
    (first,) = world.tick(NOON)
    world.end(world.make(first, NOON))
    switched_on = ScheduleInstigatorData("0 * * * *", (NOON + 3 * HOUR - MINUTE).timestamp())
    state = SimpleNamespace(instigator_name="till_hourly", instigator_data=switched_on)
    monkeypatch.setattr(dg.DagsterInstance, "all_instigator_state", lambda *_, **__: [state])
    assert _due(world.tick(NOON + 3 * HOUR)) == [NOON + 3 * HOUR]


def test_a_tick_that_is_broken_off_anywhere_makes_one_run(till):
    world = till()
    (asked,) = world.tick(NOON)
    # Killed before the run was made: it is asked for again, by whoever looks after a minute.
    assert world.tick(NOON, NOON + slots.PATIENCE / 6) == NOTHING_LEFT
    assert world.dispatch() == []
    world.time = NOON + 2 * MINUTE
    (again,) = world.dispatch()
    assert again.run_key == asked.run_key
    # Killed when the run was made, and not handed to the queue: the tick asks for that very run.
    run = world.make(again, NOON, dg.DagsterRunStatus.NOT_STARTED)
    (resumed,) = world.tick(NOON, NOON + 3 * MINUTE)
    assert resumed.run_key == asked.run_key
    world.end(run)
    # A second daemon, and the first one once more.
    assert world.tick(NOON, NOON + 4 * MINUTE)[0].run_key == asked.run_key
    assert world.dispatch() == []
    other = world.tick(NOON + 5 * MINUTE)
    assert other == NOTHING_LEFT


def test_what_is_due_waits_for_the_runs_under_way_and_for_the_window(till):
    world = till()
    (request,) = world.tick(NOON)
    run = world.make(request, NOON)
    told = world.tick(NOON + HOUR)
    assert told == (
        f"till: run {run.run_id[:8]} is still under way, and what is due comes after it; "
        "next due Mon 2026-11-02 15:00 Europe/Berlin."
    )
    world.end(run)
    world.time = NOON + 90 * MINUTE
    assert _due(world.dispatch()) == [NOON + HOUR]


def test_outside_its_windows_a_workflow_waits(till, shop):
    windowed = WORKFLOW + 'windows: {open: ["19:00-07:00"], timezone: Europe/Berlin}\n'
    world = Till(shop, shop.load(windowed), till().instance)
    told = world.tick(NOON)
    assert told.startswith(
        "till: outside its windows; what is due waits until Mon 2026-11-02 19:00"
    )
    world.time = NOON + 6 * HOUR + MINUTE
    assert _due(world.dispatch()) == [NOON]


def test_each_interval_is_pulled_once_and_a_second_run_of_a_slot_does_nothing(till, shop, instance):
    world = till(", missed: all")
    served = []

    def serve(request):
        run = execute_workflow(world.loaded, instance, store=shop.store, tags=request.tags)
        served.append(run)
        return run

    for due in (NOON, NOON + HOUR):
        (request,) = world.tick(due)
        assert serve(request).success
    numbers = [run.numbers["pull_sales"]["dagster/row_count"] for run in served]
    assert numbers == [6, 2]
    again = serve(request)
    assert not again.success
    assert again.numbers == {}
    assert instance.get_run_by_id(again.run_id).status == dg.DagsterRunStatus.CANCELED
    told = [one.message for one in instance.all_logs(again.run_id)]
    words = f"is not its to do: run {served[1].run_id[:8]} has it."
    assert any(line.startswith("This run does nothing") and line.endswith(words) for line in told)
    # By hand, up to now; and nothing of that is read again.
    (row,) = shop.database.fetch_all("select * from syncflow.pull_interval")
    assert (row["node"], row["read_to"]) == ("pull_sales", NOON + HOUR)
    by_hand = execute_workflow(world.loaded, instance, store=shop.store)
    assert by_hand.numbers["sales"]["inserted"] == 12
    (later,) = world.tick(NOON + 2 * HOUR)
    assert serve(later).numbers["pull_sales"]["dagster/row_count"] == 0
    shown = instance.get_latest_materialization_event(
        names.asset_key(world.workflow, "pull_sales")
    ).asset_materialization.metadata
    assert {"interval_start", "interval_end"} <= set(shown)
    assert shop.count("till_sales") == 20


def test_a_tick_of_the_future_that_a_person_tries_notes_nothing(till):
    world = till()
    with pytest.raises(dg.DagsterError, match="nothing is due yet at Mon 2026-11-02 14:00 Europe"):
        world.tick(NOON + HOUR, NOON)
    assert world.dispatch() == []
    # The database's clock may be behind a little.
    assert _due(world.tick(NOON, NOON - MINUTE)) == [NOON]


def test_a_schedule_says_its_trigger_in_words(till):
    world = till()
    assert world.schedule.cron_schedule == "0 * * * *"
    description = world.schedule.description
    assert description.startswith("Runs till as a whole ")
    assert description.endswith("Europe/Berlin. What the till has sold.")


def test_the_definitions_have_the_store_for_their_schedules(till, shop):
    till()
    repository = definitions.build(shop.folder).get_repository_def()
    schedule = repository.get_schedule_def("till_hourly")
    assert schedule.required_resource_keys == {"store"}

"""The dispatcher and turns: who starts, who waits and why, after whom, and when nobody may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from psycopg import sql

from syncflow_dagster.assets import names
from syncflow_dagster.nodes.triggers import slots
from syncflow_dagster.nodes.triggers.turns import charge, must_leave
from syncflow_dagster.resources import dispatch
from syncflow_dagster.resources.observe import Work
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.sensors.dispatcher import evaluate
from syncflow_dagster.sensors.in_flight import InFlight
from syncflow_dagster.sensors.turns import may_start
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import plain_url
from syncflow_dagster.workflows.models import Workflow

PLACES = 2
MINUTE = timedelta(minutes=1)
_ENDS = {"success": dg.DagsterEventType.RUN_SUCCESS, "failure": dg.DagsterEventType.RUN_FAILURE}


def _workflow(name, owner=None, after=None, result="success", **given):
    """A workflow of which only the triggers matter here."""
    pull = {
        "type": "pull",
        "name": "rows",
        "description": ".",
        "connection": "db",
        "query": "q.sql",
    }
    trigger = {"type": "after", "name": "then", "workflow": after or "nobody", "result": result}
    return Workflow.model_validate(
        {
            "workflow": name,
            "description": name,
            "owner": owner or name,
            "connections": {"db": {"type": "sql", "url": "sqlite://"}},
            "nodes": [pull],
            "triggers": [trigger],
            **given,
        }
    )


class Office:
    """A database, a Dagster instance with few places, and a dispatcher."""

    def __init__(self, database, instance):
        self.database = database
        self.instance = instance
        self.store = StoreResource(database_url=plain_url(database.url))

    def due(self, *workflows):
        """Let something be due that waits for whoever asks first."""
        now = datetime.now(UTC)
        with self.database.transaction() as conn:
            for one in workflows:
                slots.note_occasions(conn, one, "then", [(f"{one.workflow}{now}", now, None)], now)

    def tick(self, *workflows, later=timedelta(0)):
        """Return the jobs that start, or why none does."""
        told = evaluate(self.instance, workflows, self.store, datetime.now(UTC) + later)
        if isinstance(told, dg.SkipReason):
            return told.skip_message
        return [request.job_name for request in told.run_requests]

    def begin(self, workflow, **tags):
        job = dg.JobDefinition(graph_def=dg.GraphDefinition(name=workflow.workflow))
        tags = {**names.turn_tags(workflow), **tags}
        return self.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)

    def end(self, run, result="success"):
        event = dg.DagsterEvent(_ENDS[result].value, run.job_name)
        self.instance.report_dagster_event(event, run.run_id)


@pytest.fixture
def office(database):
    with dg.DagsterInstance.ephemeral() as instance:
        instance._run_coordinator = QueuedRunCoordinator(max_concurrent_runs=PLACES)
        yield Office(database, instance)


def test_an_idle_tick_asks_dagster_nothing(office, monkeypatch):
    for name in ("get_runs", "get_run_records", "get_backfills", "get_concurrency_config"):
        monkeypatch.setattr(dg.DagsterInstance, name, None, raising=False)
    ana = _workflow("ana", triggers=[{"type": "pending_rows"}])
    assert office.tick(ana) == "Nothing is to be done."
    assert office.tick() == "There is no workflow."


def test_places_go_to_owners_in_turn_and_the_others_are_told_why_they_wait(office):
    ana, bo, cy = (_workflow(name) for name in ("ana", "bo", "cy"))
    second = _workflow("second", owner="ana")
    everybody = (ana, bo, cy, second)
    charge(office.database, "ana", 1, 100, datetime.now(UTC))
    office.due(*everybody)
    # Nobody has waited yet: all begin where the one who has used most is.
    assert office.tick(*everybody) == ["ana", "bo"]
    runs = [office.begin(ana), office.begin(bo)]
    reason = office.tick(*everybody)
    assert "ana: run" in reason
    assert "cy: all places are taken" in reason
    assert "second: ana has its turn, with another run" in reason
    # A schedule asks the same.
    with office.store.open() as opened:
        told = may_start(office.instance, InFlight.of(office.instance), opened, second)
    assert told == "ana has its turn, with another run; it starts in its turn"
    for run in runs:
        office.end(run)
    charge(office.database, "ana", 1, 60, datetime.now(UTC))
    assert office.tick(cy, second) == ["cy", "second"]
    # Nothing is left to do, so nobody waits any more.
    assert office.database.fetch_all("select * from syncflow.turn_wait") == []


def test_partitions_leave_their_owner_its_turn_and_others_their_places(office):
    ana, bo, split = _workflow("ana"), _workflow("bo"), _workflow("split", owner="ana")
    for number in range(5):
        office.begin(split, **{names.TURN_TAG: "", "dagster/partition": f"part {number}"})
    office.due(ana, bo)
    # One place is theirs.
    assert office.tick(ana, bo) == ["ana"]
    queue = {"ana": names.turn_tags(ana), "parts": names.parts_tags(ana)}
    assert int(queue["ana"]["dagster/priority"]) > int(queue["parts"]["dagster/priority"])
    assert names.TURN_TAG not in queue["parts"]


def test_nothing_starts_outside_a_workflows_windows(office):
    day = f"{datetime.now(UTC) + timedelta(days=3):%A}".lower()
    ana = _workflow("ana", windows={"timezone": "UTC", "open": [f"08:00-09:00 on {day}"]})
    office.due(ana)
    assert office.tick(ana).startswith("ana: outside its windows until ")
    assert office.database.fetch_one("select state from syncflow.trigger_slot")["state"] == "DUE"


def test_a_run_leaves_its_place_when_its_turn_is_over_and_somebody_waits(office):
    ana, bo = _workflow("ana"), _workflow("bo")
    now = DatabaseClock(office.database).now()
    begun = now - MINUTE * 10
    # Before somebody waits, there is nobody to leave to.
    assert must_leave(office.database, ana, begun, now) is None
    office.due(bo)
    office.begin(ana)
    office.begin(_workflow("cy"))
    assert "bo: all places" in office.tick(bo)
    now = DatabaseClock(office.database).now()
    assert must_leave(office.database, ana, begun, now) == "its turn of 300 s is over and bo waits"
    assert must_leave(office.database, ana, now - MINUTE, now) is None
    # Where nobody chooses any more, nobody is waited for.
    assert must_leave(office.database, ana, begun, now + MINUTE * 2) is None
    urgent = _workflow("ana", turns={"priority": "urgent"})
    assert must_leave(office.database, urgent, begun, now) is None


def test_each_run_of_another_workflow_is_followed_once(office):
    first = _workflow("first", triggers=[])
    then = _workflow("then", after="first")
    mend = _workflow("mend", after="first", result="failure")
    anyway = _workflow("anyway", owner="mend", after="first", result="any")
    everybody = (first, then, mend, anyway)
    office.end(office.begin(first))
    # What ended before anybody came after it is past.
    assert office.tick(*everybody) == "Nothing is to be done."
    runs = [office.begin(first)]
    office.end(runs[0])
    assert office.tick(*everybody) == ["anyway", "then"]
    # Noted again and again, as the time that is looked at overlaps.
    office.tick(*everybody)
    for tags in ({}, {"dagster/will_retry": "true"}):
        runs.append(office.begin(first, **tags))
        office.end(runs[-1], "failure")
        office.tick(*everybody)
    found = office.database.fetch_all(
        "select workflow, occasion from syncflow.trigger_slot order by workflow, slot_id"
    )
    ids = [run.run_id for run in runs]
    assert [(row["workflow"], row["occasion"]) for row in found] == [
        ("anyway", ids[0]),
        ("anyway", ids[1]),
        ("mend", ids[1]),
        ("then", ids[0]),
    ]


def test_an_after_trigger_that_was_switched_off_begins_anew_and_bears_a_clock_that_steps(office):
    first = _workflow("first", triggers=[])
    then = _workflow("then", after="first")
    off = then.triggers[0].model_copy(update={"enabled": False})
    switched_off = then.model_copy(update={"triggers": (off,)})
    office.tick(first, then)
    office.tick(first, switched_off)
    office.end(office.begin(first))
    assert office.tick(first, then) == "Nothing is to be done."
    # An hour ahead by mistake: the tick after that looks at what ended meanwhile.
    office.tick(first, then, later=MINUTE * 60)
    office.end(office.begin(first))
    assert [office.tick(first, then) for _ in range(2)] == ["Nothing is to be done.", ["then"]]


def test_a_schedule_waits_for_nobody_whom_the_dispatcher_has_not_seen_lately(office):
    second = _workflow("second", owner="ana")
    office.due(_workflow("ana"))
    office.begin(_workflow("first", owner="ana"))
    assert "ana has its turn" in office.tick(_workflow("ana"))
    with office.store.open() as opened:
        told = may_start(office.instance, InFlight((), ()), opened, second)
        assert told == "ana has its turn, with another run; it starts in its turn"
        office.database.execute(
            "update syncflow.turn_wait set seen_at = seen_at - interval '1 hour'"
        )
        assert may_start(office.instance, InFlight((), ()), opened, second) is None


def test_what_is_done_costs_a_tick_nothing(office):
    """The plan of the dispatcher's query goes by indexes, so it reads no row that is done."""
    office.database.execute(
        "insert into syncflow.effect (effect_key, workflow, node, account, kind, pass, object_key, "
        "creates, payload, state) select 'k' || i, 'w', 'n', 'a', 'create_item', 1, 'o' || i, "
        "true, '{}', 'DONE' from generate_series(1, 20000) i"
    )
    office.database.execute("analyze syncflow.effect")
    work = {"w": Work(places=[("n", 1)], due=["n"])}
    query = sql.SQL(" union all ").join(dispatch._parts(work, set()))
    given = {**dispatch._values(work), "now": datetime.now(UTC), "most": 1}
    with office.database.transaction() as conn:
        explained = conn.execute(sql.SQL("explain (analyze, buffers) ") + query, given).fetchall()
    lines = [row["QUERY PLAN"] for row in explained]
    assert not [line for line in lines if "Seq Scan on effect" in line], lines

"""Steering outreach from Dagster: what a person launches, what it does, and what is refused."""

from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster_cases import ORDER_LIST
from psycopg.types.json import Jsonb

from syncflow_dagster.assets.workflow import workflow_definitions
from syncflow_dagster.core.outreach.ops import Act, Sequence
from syncflow_dagster.resources.run_options import RESOURCE, RunOptionsResource
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.sensors.in_flight import InFlight
from syncflow_dagster.store.database import plain_url
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
ANNA = "unipile:default/anna"
BY = {"by": "Ann", "reason": "because"}


class Steered:
    """The example's steering job, and a database without leads."""

    def __init__(self, database, instance):
        loaded = load_file(ORDER_LIST / "linkedin_outreach.yaml")
        assert isinstance(loaded, LoadedWorkflow), loaded.problems
        self.workflow = loaded.workflow
        self.database = database
        self._count = 0
        self.instance = instance
        database.execute(
            "insert into outreach_account (account, service_id) values (%s, 'anna')", (ANNA,)
        )
        built = workflow_definitions(loaded)
        store = StoreResource(database_url=plain_url(database.url))
        definitions = dg.Definitions(
            assets=built.assets,
            jobs=[built.steering_job],
            resources={"store": store, RESOURCE: RunOptionsResource(), **built.resources},
        )
        self.job = definitions.resolve_job_def("linkedin_outreach_steer")

    def launch(self, tool, **chosen):
        """Run the job; return what is told of it on the statistics, or why it failed."""
        run = self.job.execute_in_process(
            {"tool": tool, **chosen}, instance=self.instance, raise_on_error=False
        )
        if not run.success:
            (failed,) = run.get_step_failure_events()
            return failed.step_failure_data.user_failure_data.description
        (seen,) = run.get_asset_observation_events()
        observed = seen.asset_observation_data.asset_observation
        assert observed.asset_key.path[-1] == "outreach_statistics"
        return {name: value.value for name, value in observed.metadata.items()}

    def add(self, workflow, state, **columns):
        """Add a lead of a person and a version of its own."""
        self._count += 1
        about = {"workflow": workflow, "node": "outreach"}
        steps = Jsonb(Sequence((Act("invite"),)).to_json())
        sequence = {**about, "version": self._count, "digest": f"{self._count}", "steps": steps}
        since = dict.fromkeys(("state_since", "step_since", "enrolled_at"), NOW)
        lead = {
            **about,
            "person_id": self._insert("outreach_person", "person_id", since=NOW),
            "account": ANNA,
            "sequence_id": self._insert(
                "outreach_sequence", "sequence_id", **sequence, created_at=NOW
            ),
            "n_steps": 1,
            "source_key": f"k{self._count}",
            "slug": f"jane-{self._count}",
            "state": state,
            **since,
            **columns,
        }
        return self._insert("outreach_lead", "lead_id", **lead)

    def _insert(self, table, key, **row):
        names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        text = f"insert into {table} ({names}) values ({marks}) returning {key}"
        return self.database.fetch_one(text, list(row.values()))[key]

    def state(self, lead):
        """Return a lead's state."""
        row = self.database.fetch_one("select * from outreach_lead where lead_id = %s", (lead,))
        return row["state"]


@pytest.fixture
def steered(database, instance, variables, monkeypatch):
    monkeypatch.setenv("SYNCFLOW_PRIVACY_KEY", "k" * 32)
    return Steered(database, instance)


def test_a_person_steers_outreach_from_dagster(steered):
    lead = steered.add("linkedin_outreach", "needs_review", resume_state="pending_invite")
    late = steered.add("linkedin_outreach", "pending_invite", next_due_at=NOW)
    foreign = steered.add("other", "pending_invite", next_due_at=NOW)
    assert steered.launch("stop", everything=True, **BY)["told"].startswith("* is stopped")
    assert "is stopped by Ann" in steered.launch("stop", everything=True, **BY)
    held = steered.launch("pause", node="outreach", **BY)
    assert held["told"] == "linkedin_outreach.outreach is stopped: nothing more is sent"

    stuck = steered.launch("stuck")
    assert (stuck["waiting"], stuck["stopped"]) == (1, 2)
    rows = [row.data for row in stuck["leads"].records]
    assert [(row["sort"], row["lead id"], row["node"]) for row in rows] == [
        ("late", late, "outreach"),
        ("waiting", lead, "outreach"),
    ]
    assert [row.data["scope"] for row in stuck["stops"].records] == [
        "*",
        "linkedin_outreach.outreach",
    ]
    started = steered.launch("start", everything=True, **BY)["told"]
    assert started == "* may send again; still stopped: linkedin_outreach.outreach"

    assert steered.launch("requeue", lead=lead, **BY)["lead"] == lead
    again = steered.launch("requeue", lead=lead, **BY)
    assert "only a lead that needs review or has failed is put back" in again
    steered.launch("pause", lead=lead, **BY)
    assert steered.state(lead) == "paused"
    steered.launch("resume", lead=lead, **BY)
    assert steered.state(lead) == "pending_invite"
    assert "is one of workflow 'other'" in steered.launch("pause", lead=foreign, **BY)
    assert steered.state(foreign) == "pending_invite"
    noted = steered.database.fetch_all("select * from outreach_intervention order by 1")
    assert [row["action"] for row in noted] == [
        *("stop", "stop", "start", "requeue", "pause", "resume"),
    ]
    assert {(row["actor"], row["reason"]) for row in noted} == {("Ann", "because")}


def test_what_does_not_go_together_is_refused_and_says_what_would_be_right(steered):
    for chosen, told in (
        ({"tool": "pause", "lead": 1, "account": ANNA}, "name exactly one of a lead, a node"),
        ({"tool": "skip", "reason": " "}, "name a lead; say who wants it (by) and why (reason)"),
        ({"tool": "mark_connected", "lead": 1, **BY}, "say where it can be seen (evidence)"),
        ({"tool": "stop", "node": "outreech", **BY}, "no such linkedin_step; it has: outreach"),
        ({"tool": "stuck", "lead": 1}, "leave out a lead"),
    ):
        refused = steered.launch(**chosen)
        assert told in refused
    assert steered.database.fetch_all("select * from outreach_stop") == []


def test_a_persons_run_waits_for_no_other_and_no_other_for_it(steered):
    steered.instance.create_run_for_job(
        steered.job,
        run_config={"tool": "stuck"},
        tags=steered.job.tags,
        status=dg.DagsterRunStatus.STARTED,
    )
    assert InFlight.of(steered.instance).name(steered.workflow) is None
    # The queue of dagster.yaml counts the runs of an owner, and those in pools.
    assert "owner" not in steered.job.tags
    assert not steered.job.nodes[0].definition.pools

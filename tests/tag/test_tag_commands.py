"""`syncflow tag`: plans listed, shown, approved, refused and taken back from the command line."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner
from tag_cases import CHAMPION, TOPIC
from tag_world import ENVIRON

from syncflow_dagster.cli import main


@pytest.fixture
def world(make_world, monkeypatch, database_url):
    made = make_world([CHAMPION, TOPIC], approval={"auto_up_to": 0})
    given = made.workflow.model_dump(mode="json", exclude_unset=True)
    auth = made.workflow.connections["crm"].auth
    given["connections"]["crm"]["auth"] |= {"client_id": "${ID}", "client_secret": "${SECRET}"}
    given["connections"]["db"]["url"] = "sqlite:///x.db"
    (made.folder / "moves.sql.j2").write_text("select 1 as contact_id, 2 as company, 3 as score")
    (made.folder / "champions.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    # The policy is no workflow.
    (made.folder / "policy.yaml").rename(made.folder / "policy.yml.txt")
    path = made.folder / "champions.yaml"
    path.write_text(path.read_text().replace("policy.yaml", "policy.yml.txt"))
    made.workflow.tags[0].__dict__["policy"] = "policy.yml.txt"
    for name, value in {
        "ID": auth.client_id.get_secret_value(),
        "SECRET": auth.client_secret.get_secret_value(),
        "SYNCFLOW_WORKFLOWS": str(made.folder),
        "SYNCFLOW_DATABASE_URL": database_url,
        **ENVIRON,
    }.items():
        monkeypatch.setenv(name, value)
    return made


def syncflow(*arguments, fails=False):
    result = CliRunner().invoke(main, ["tag", *arguments])
    assert result.exit_code == (1 if fails else 0), result.output
    return result.output


def test_a_plan_goes_from_the_list_to_the_org_and_back(world):
    world.add_people(0, 1)
    world.run().plan()
    listed = json.loads(syncflow("plans", "champions", "--json").splitlines()[-1])
    (plan,) = listed["plans"]
    assert (plan["status"], plan["changes"], plan["planned_by"]) == ("WAITING", 4, "nightly")
    short = plan["plan_hash"][:12]
    shown = syncflow("show", "champions", short, "--limit", "1")
    assert "Champion_Tags__c: empty → Champion_Tags__c: champion" in shown
    assert "and 3 more" in shown
    refused = syncflow("approve", "champions", short, "--reason", "x", "--actor", "eve", fails=True)
    assert "names anna, omar" in refused
    syncflow("approve", "champions", short, "--reason", "fine", "--actor", "anna")
    world.go(run_id="run-2")
    assert len(world.log()) == 4

    syncflow("undo", "champions", "--run", "run-2", "--actor", "omar")
    (undo,) = json.loads(syncflow("plans", "champions", "--json").splitlines()[-1])["plans"]
    assert undo["undo_of"] == "run-2"
    syncflow("refuse", "champions", undo["plan_hash"], "--reason", "keep", "--actor", "anna")
    assert "no plan waits" in syncflow("plans", "champions")
    assert "REFUSED" in syncflow("plans", "champions", "--all")
    assert "nothing is known" in syncflow("undo", "champions", "--run", "run-9")
    assert "no plan" in syncflow("show", "champions", "0123456789", fails=True)

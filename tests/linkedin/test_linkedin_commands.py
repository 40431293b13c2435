"""The commands about texts and accounts, as their user types them, on a real database."""

from __future__ import annotations

import json

from click.testing import CliRunner
from turn_world import World, person

from syncflow_dagster.cli import main
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.loader import load_folder

_FILE = """
workflow: outreach
description: Writes to champions
owner: sales
connections:
  book: {type: sql, url: "sqlite://"}
  people: {type: unipile, url: "http://127.0.0.1:1", token: "${UNIPILE_TOKEN}"}
nodes:
  - {type: pull, name: rows, description: Rows, connection: book, query: rows.sql.j2}
  - type: delta
    name: champions
    description: Champions
    source: rows
    entity: person
    table: person_delta
    key: [person_key]
    fields:
      - {name: person_key, column: id}
      - {name: url}
      - {name: first}
      - {name: email}
      - {name: country}
      - {name: account}
      - {name: person}
  - type: linkedin_step
    name: steps
    description: Writes to them
    connection: people
    source: champions
    lead: {linkedin: url, first_name: first, account: account}
    accounts:
      - {name: anna, id: acc_anna, timezone: UTC}
      - {name: bert, id: acc_bert, timezone: UTC}
    lawful_basis:
      {basis: consent, reference: R, data_source: CRM, recorded_on: 2026-08-01}
    suppression_lists: [no_sales]
    sequence:
      - {type: invite, note: "Hi {{first_name}}"}
"""


def test_texts_are_shown_approved_and_the_risk_accepted(database, database_url, tmp_path):
    (tmp_path / "outreach.yaml").write_text(_FILE, encoding="utf-8")
    (tmp_path / "rows.sql.j2").write_text("select 1", encoding="utf-8")
    variables = {
        "SYNCFLOW_DATABASE_URL": database_url,
        "SYNCFLOW_PRIVACY_KEY": "k" * 32,
        "SYNCFLOW_WORKFLOWS": str(tmp_path),
        "UNIPILE_TOKEN": "t",
    }
    who = ("--reason", "they read well", "--by", "Ida")

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, list(arguments), env=variables)
        assert result.exit_code == code, result.output
        return result

    def told(*arguments):
        return json.loads(run(*arguments, "--json").stdout.splitlines()[-1])

    loaded = load_folder(tmp_path, variables).workflows[0]
    world = World(database, loaded.workflow, FakeClock())
    people = [person(1, first="ANN", account="anna"), person(2, first=None, account="anna")]
    world.enrol(*people, person(3, first="Bo", account="bert"))

    assert run("outreach", "preview", "outreach", "steps").output.count("to approve exactly") == 2
    shown = run("outreach", "preview", "outreach", "--account", "anna").output
    assert "steps, anna: 1 leads of version 1 wait for approval" in shown
    assert "| Hi Ann" in shown
    assert "1 without texts: step 1 (note): {{first_name}} has neither" in shown
    found = told("outreach", "preview", "outreach", "--account", "anna", "--all")["previews"][0]
    assert found["texts"][0]["texts"][0]["text"] == "Hi Ann"
    wrong = run("outreach", "preview", "outreach", "--account", "cora", code=1).output
    assert "it has: steps anna, steps bert" in wrong

    name = found["batch_hash"]
    assert (
        "no preview begins" in run("outreach", "approve", "outreach", "a" * 9, *who, code=1).output
    )
    run("outreach", "refuse", "outreach", name, *who)
    assert told("outreach", "approve", "outreach", name[:10], *who)["leads"] == 1
    assert world.states() == {
        "p1": "pending_invite",
        "p2": "needs_review",
        "p3": "awaiting_approval",
    }
    rows = database.fetch_all("select action, actor, reason from outreach_approval order by 1")
    assert [tuple(row.values()) for row in rows] == [
        ("approve", "Ida", "they read well"),
        ("refuse", "Ida", "they read well"),
    ]

    accepted = run("outreach", "acknowledge", "outreach", "anna", *who).output
    assert "LinkedIn's User Agreement (section 8.2) forbids" in accepted
    assert "accepted by Ida for unipile:default/anna" in accepted

    profile = ("--linkedin", "https://www.linkedin.com/in/person-3")
    why = ("--reason", "objected")
    run("suppress", "add", *profile, "--domain", "acme.test", "--list", "no_sales", *why)
    assert told("suppress", "check", *profile, "--list", "no_sales")["lists"] == ["no_sales"]
    held = json.loads(run("person", "export", *profile).stdout)
    assert held["rows"]["outreach_lead"][0]["source_key"] == "p3"
    counts = told("person", "erase", *profile, *why)["rows"]
    assert counts["outreach_text"] == 1
    assert world.states()["erased-3"] == "suppressed"

"""`syncflow plan`, `preflight` and `map propose` of a workflow that reads from Salesforce."""

from __future__ import annotations

import re

import pytest
import yaml

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.map import propose_mapping
from syncflow_dagster.commands.plan import plan_workflow
from syncflow_dagster.commands.preflight import answer_preflight
from syncflow_dagster.commands.preflight_tags import check_tags
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

WORKFLOW = """\
workflow: champions
description: Contacts.
owner: sales
connections:
  crm:
    type: salesforce
    url: ${SF_URL}
    auth: {type: client_credentials, client_id: "${SF_ID}", client_secret: "${SF_SECRET}"}
nodes:
  - type: salesforce_pull
    name: contacts
    description: Contacts.
    connection: crm
    object: Contact
    fields: [Id, LastName, Score__c, Account.Name, SystemModstamp]
    where:
      all:
        - {attribute: LastName, operator: starts_with, value: Pla}
        - {attribute: Account.Name, operator: not_equals, value: O'Neil, null_matches: true}
  - type: delta
    name: contact_delta
    description: Contacts.
    source: contacts
    entity: contact
    table: contact_delta
    key: [id]
    detection: {strategy: auto, rowversion: changed}
    fields:
      - {name: id, column: Id}
      - {name: name, column: LastName, max_length: 40}
      - {name: score, column: Score__c, type: decimal}
      - {name: company, column: Account.Name}
      - {name: changed, column: SystemModstamp, type: datetime}
"""


@pytest.fixture
def workflow(org, tmp_path, monkeypatch):
    """Loads the workflow, with some of its text replaced, for the sandbox's org."""
    app = org.app()
    monkeypatch.setenv("SF_URL", org.url)
    monkeypatch.setenv("SF_ID", app["client_id"])
    monkeypatch.setenv("SF_SECRET", app["client_secret"])

    def load(*changes):
        text = WORKFLOW
        for right, wrong in changes:
            assert right in text
            text = text.replace(right, wrong)
        path = tmp_path / "champions.yaml"
        path.write_text(text, encoding="utf-8")
        loaded = load_file(path)
        assert isinstance(loaded, LoadedWorkflow), loaded
        return loaded

    return load


def _preflight(loaded, tmp_path):
    return answer_preflight(tmp_path, loaded, pin=False, columns=False, propose=None)


def test_a_plan_shows_the_soql_the_count_and_the_api(org, workflow, tmp_path):
    plans = plan_workflow(tmp_path, workflow())
    told = "\n".join(plans.lines())
    assert "champions.contacts: Contact, 437 records" in told
    assert "by rest: 437 records, fewer than bulk_from, 10,000" in told
    soql = (
        "SELECT Id, LastName, Score__c, Account.Name, SystemModstamp FROM Contact WHERE LastName "
        r"LIKE 'Pla%' AND (Account.Name != 'O\'Neil' OR Account.Name = null)"
    )
    assert plans.as_json()["reads"]["contacts"]["queries"] == [soql]
    assert "Score__c is calculated" in told

    names = ", ".join(f"Plain {number:03}" for number in range(1200))
    change = ("starts_with, value: Pla", f"in, value: [{names}]")
    [long] = plan_workflow(tmp_path, workflow(change)).reads
    assert (long.records, len(long.queries) > 1, long.is_estimate) == (437, True, False)
    few = workflow(("    where:", "    bulk_from: 5\n    where:"))
    assert plan_workflow(tmp_path, few).reads[0].choice.api == "bulk"
    nothing = workflow(("starts_with, value: Pla", "in, value: []"))
    [read] = plan_workflow(tmp_path, nothing).reads
    assert (read.queries, read.records) == ((), 0)

    with pytest.raises(CommandFailed, match=r"champions.yaml:14:5: .*'Contakt'.*'Contact'"):
        plan_workflow(tmp_path, workflow(("object: Contact", "object: Contakt")))
    soql = "soql: SELECT Id FROM Contact WHERE LastName = 'Plain 001' OR LastName = 'Plain 002'"
    raw = re.sub(r"    object: Contact\n(.*\n)*?(?=  - type: delta)", f"    {soql}\n", WORKFLOW)
    raw = re.sub(r"      - \{name: (name|score|company|changed).*\n|    detection.*\n", "", raw)
    [read] = plan_workflow(tmp_path, workflow((WORKFLOW, raw))).reads
    assert read.records == 2
    assert read.queries[0].endswith("WHERE (LastName = 'Plain 001' OR LastName = 'Plain 002')")


def test_preflight_tells_the_line_of_what_does_not_fit(org, workflow, tmp_path):
    report = _preflight(workflow(), tmp_path)
    assert report.success
    found = {one.kind for one, _ in report.orgs[0].problems}
    assert found == {"calculated_field", "parent_field", "too_short"}

    org.settings(hidden_fields=["Contact.Score__c"])
    wrong = _preflight(
        workflow(
            ("attribute: LastName", "attribute: Lastname_"),
            ("- {attribute: Account.Name", "- {attribute: Account.Nam"),
        ),
        tmp_path,
    )
    assert not wrong.success
    told = [f"{one}".split("champions.yaml:")[1] for one in wrong.lines() if "error" in one]
    assert [re.sub(r": nodes.*", "", one) for one in told] == ["15:28", "18:12", "19:12"]
    assert "has no field 'Score__c' that the user can see" in told[0]
    assert "did you mean 'LastName'" in told[1]
    assert "Account has no field 'Nam'" in told[2]
    faults = wrong.as_json()["orgs"]["contacts"]["faults"]
    assert [one["kind"] for one in faults if one["severity"] == "error"] == ["no_such_field"] * 3

    org.settings(hidden_fields=[])
    types = workflow(("type: decimal", "type: boolean"))
    assert "which a field of type boolean cannot hold" in "\n".join(
        _preflight(types, tmp_path).lines()
    )
    with pytest.raises(CommandFailed, match="no push node"):
        answer_preflight(tmp_path, workflow(), pin=True, columns=False, propose=None)


def test_a_proposed_mapping_can_be_pasted(org, workflow, tmp_path):
    loaded = workflow()
    proposed = propose_mapping(loaded, "contacts", None).as_json()["yaml"]
    part = yaml.safe_load(proposed)
    assert part["fields"][0] == {"name": "id", "column": "Id", "required": True}
    assert part["detection"]["rowversion"] == "system_modstamp"
    fields = re.search(r"fields:\n(.*\n)+", proposed)[0]
    old = WORKFLOW[WORKFLOW.index("    fields:\n      - {name: id") :]
    indented = "".join(f"    {line}\n" for line in fields.splitlines())
    pasted = workflow((old, indented), ("rowversion: changed", "rowversion: system_modstamp"))
    assert _preflight(pasted, tmp_path).success

    whole = yaml.safe_load(propose_mapping(loaded, "contacts", "Account").as_json()["yaml"])
    columns = [one.get("column", one["name"]) for one in whole["fields"]]
    assert "BillingCity" in columns
    assert "BillingAddress" not in columns
    rules = propose_mapping(loaded, "contact_delta", None).as_json()["yaml"]
    [rule] = yaml.safe_load(rules)["rules"]
    assert rule["tag"] == {"type": "fields", "mapping": "contact_delta", "only": ["name"]}
    assert rule["record"] == "id"
    assert "no field of Contact for score, company, changed" in rules
    with pytest.raises(CommandFailed, match="there are: contacts, contact_delta"):
        propose_mapping(loaded, "nobody", None)
    with pytest.raises(CommandFailed, match="'Contakt'"):
        propose_mapping(loaded, "contact_delta", "Contakt")


def test_preflight_tells_the_line_of_a_tag_node_too(org, workflow):
    node = {
        "type": "tag",
        "name": "tags",
        "description": "Tags.",
        "connection": "crm",
        "source": "contact_delta",
        "object": "Contact",
        "policy": "no_such_policy.yaml",
        "rules": [
            {"name": "one", "record": "id", "purpose": "p", "tag": {"type": "topic", "topic": "T"}}
        ],
    }
    last = "      - {name: changed, column: SystemModstamp, type: datetime}\n"
    text = yaml.safe_dump([node], sort_keys=False)
    added = "".join(f"  {line}\n" for line in text.splitlines())
    [found] = check_tags(None, None, workflow((last, last + added)))
    assert not found.passed
    [line] = [one for one in found.lines("champions") if "error" in one]
    assert re.search(r"champions.yaml:\d+:5: nodes.2.policy: .*no_such_policy.yaml", line)
    assert list(found.lines("champions"))[-1] == "  nothing will be written"

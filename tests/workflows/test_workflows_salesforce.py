"""Workflow files with Salesforce nodes: each mistake is one line at its place."""

from __future__ import annotations

import re

import pytest

from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

VALID = """\
workflow: champions
description: Contacts.
owner: sales
connections:
  crm:
    type: salesforce
    url: https://acme.my.salesforce.com
    auth: {type: client_credentials, client_id: app, client_secret: "${SECRET:-none}"}
nodes:
  - type: salesforce_pull
    name: contacts
    description: Contacts.
    connection: crm
    object: Contact
    with_deleted: true
    fields: [Id, Email, IsDeleted, SystemModstamp, Account.Name]
    where:
      all:
        - {attribute: Email, operator: is_not_null}
        - any:
            - {attribute: LastName, operator: in, value: [Smith, Jones]}
            - none: [{attribute: CreatedDate, operator: less, value: "LAST_N_DAYS:30"}]
  - type: delta
    name: contact_delta
    description: Contacts.
    source: contacts
    entity: contact
    table: contact_delta
    key: [id]
    deletes: {marker: is_deleted}
    detection: {strategy: auto, rowversion: changed}
    fields:
      - {name: id, column: Id}
      - {name: is_deleted, column: IsDeleted, type: boolean}
      - {name: changed, column: SystemModstamp, type: datetime}
      - {name: company, transform: {type: concat, columns: [Email, Account.Name]}}
"""
_SMITH = "{attribute: LastName, operator: in, value: [Smith, Jones]}"
_OBJECT = re.search(r"    object: Contact\n(.*\n)*?(?=  - type: delta)", VALID)[0]
_SOQL = "    soql: SELECT Id, Email, IsDeleted, SystemModstamp, Account.Name FROM Contact\n"
_GROUP = VALID[VALID.index("        - any:") : VALID.index("  - type: delta")]


@pytest.fixture
def problems(tmp_path):
    def load(text):
        path = tmp_path / "champions.yaml"
        path.write_text(text, encoding="utf-8")
        loaded = load_file(path, {})
        if isinstance(loaded, LoadedWorkflow):
            return []
        return [str(one).partition("champions.yaml:")[2] for one in loaded.problems]

    return load


def test_a_right_file_loads(problems):
    assert problems(VALID) == []
    raw = VALID.replace(_OBJECT, f"    with_deleted: true\n{_SOQL}")
    assert problems(raw) == []


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ('"${SECRET:-none}"', "geheim", "8:54: connections.crm.auth.client_secret: stands in"),
        ("https://acme", "http://acme", "would send the token unencrypted"),
        ("connection: crm", "connection: crn", "13:5: nodes.0.connection: .*'crm'"),
        ("source: contacts", "source: contact", "26:5: .*no node 'contact'.*'contacts'"),
        ("object: Contact", "object: My Contact", "14:5: .*no API name"),
        ("    object: Contact\n", "", "10:5: nodes.0: names no object"),
        (_OBJECT, f"{_OBJECT}{_SOQL}", "'object' means nothing beside 'soql'"),
        (_OBJECT, f"{_SOQL[:-1]} LIMIT 3\n", "14:5: nodes.0.soql: the query 'LIMIT'.*deleted"),
        (_OBJECT, _SOQL.replace("Id, ", "Id, ID, "), "selects 'Id' twice"),
        ("[Id, Email,", "[Id, id, Email,", "16:18: nodes.0.fields.1: the field 'id' .* twice"),
        ("is_not_null", "is_not_nul", "'is_not_nul' is not one of: .*'is_not_null'"),
        ("is_not_null", "is_not_null, value: 3", "is_not_null takes no value"),
        ("operator: is_not_null", "operator: equals", "19:11: .*equals needs a value.*is_null"),
        (
            "is_not_null}",
            "equals, value: [a]}",
            "19:55: .*equals takes one value; use operator: in",
        ),
        ("[Smith, Jones]", "Smith", r"21:51: .*in needs a list of values; write \[Smith\]"),
        ("[Smith, Jones]", "[Smith, null]", "21:66: .*value.1: an empty value in a list"),
        ("[Smith, Jones]", "{a: 1}", "must be one value, or a list of values"),
        ("Jones]}", "Jones], null_matches: true}", "'null_matches' means nothing for in"),
        ("attribute: LastName", "attribut: LastName", "unknown key 'attribut'.*'attribute'"),
        ("attribute: LastName", "attribute: Last Name", "no name of a field"),
        (_SMITH, "LastName", "21:15: .*must be a mapping of keys to values"),
        (_SMITH, "[LastName]", "21:15: .*must be a mapping of keys .* it is a list"),
        (_SMITH, "{any: []}", "any: must not be empty"),
        (_SMITH, f"{{any: [{_SMITH}], all: [{_SMITH}]}}", "one key, but beside 'all' stands 'any'"),
        (_SMITH, f"{{all: [{_SMITH}], operator: in}}", "one key, but beside 'all' .*'operator'"),
        ("LAST_N_DAYS:30", "LAST_N_DAYS", "22:63: .*LAST_N_DAYS:30"),
        ("LAST_N_DAYS:30", "LAST_N_DAY:30", "no date literal.*LAST_N_DAYS"),
        ("LAST_N_DAYS:30", "TODAY:3", "TODAY takes no number"),
        ("type: boolean", "type: text", "30:15: .*'is_deleted' is text"),
        ("marker: is_deleted", "marker: gone", "has no field 'gone'"),
        ("column: Id}", "column: ID}", "33:20: .*gives no 'ID'; did you mean 'Id'"),
        ("[Email, Account.Name]", "[Email, Account.Nam]", "gives no 'Account.Nam'"),
        (
            "rowversion: changed",
            "rowversion: id",
            "reads 'Id', which does not grow|no version of a row",
        ),
    ],
)
def test_one_mistake_is_told_at_its_place(problems, right, wrong, says):
    assert right in VALID
    found = problems(VALID.replace(right, wrong, 1))
    assert any(re.search(says, one) for one in found), found
    assert len(found) <= 3, found


def test_deleted_records_are_told_apart_by_a_marker_or_at_least_a_field(problems):
    marked = "    deletes: {marker: is_deleted}\n"
    assert problems(VALID.replace(marked, "")) == []
    unread = VALID.replace("column: IsDeleted", "column: Email").replace(marked, "")
    [found] = problems(unread.replace("type: boolean", "type: text"))
    assert "26:5" in found
    assert "nothing tells them apart" in found

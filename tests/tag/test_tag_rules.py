"""Mistakes in tag nodes: each is told at its place, with what would be right."""

from __future__ import annotations

import pytest
import yaml
from tag_cases import CHAMPION, JUNCTION, MEMBER, STATUS, TOPIC, rule, workflow

from syncflow_dagster.workflows.loader import BrokenFile, load_file


@pytest.fixture
def mistakes(tmp_path):
    """Return the mistakes of a workflow file with these rules."""

    def mistakes(rules, more=(), **node):
        given = workflow([CHAMPION]).model_dump(mode="json", exclude_unset=True)
        secrets = {"type": "session", "token": "${TOKEN}"}
        given["connections"]["crm"]["auth"] = secrets
        given["connections"]["db"]["url"] = "sqlite:///x.db"
        given["nodes"][2] |= {"rules": rules, **node}
        given["nodes"] += more
        (tmp_path / "moves.sql.j2").write_text("select 1 as contact_id, 2 as company, 3 as score")
        path = tmp_path / "x.yaml"
        path.write_text(yaml.safe_dump(given, sort_keys=False))
        found = load_file(path, {"TOKEN": "t"})
        return [str(one) for one in found.problems] if isinstance(found, BrokenFile) else []

    return mistakes


def test_the_rules_here_are_right(mistakes):
    title = rule("title", {"type": "text", "field": "Title", "value": "At {company}"})
    conditional = {**STATUS, "when": {"any": [{"attribute": "score", "operator": "is_null"}]}}
    given = [CHAMPION, conditional, TOPIC, MEMBER, title]
    assert mistakes([{**one, "on_delete": "remove"} for one in given]) == []


@pytest.mark.parametrize(
    ("spoiled", "where", "says"),
    [
        ({"record": "contact"}, "rules.1.record", "did you mean 'contact_id'"),
        ({"when": {"attribute": "scor", "operator": "is_null"}}, "rules.1.when.attribute", "score"),
        ({"tag": {**STATUS["tag"], "value": "At {firm}"}}, "rules.1.tag.value", "no field 'firm'"),
        ({"tag": {**STATUS["tag"], "value": "At {"}}, "rules.1.tag.value", "never closed"),
        ({"tag": {**STATUS["tag"], "value": True}}, "rules.1.tag.value", "holds a text"),
        (
            {"tag": {"type": "checkbox", "field": "Is_Champion__c", "value": "yes"}},
            "rules.1.tag.value",
            "true or false",
        ),
        ({"tag": {**CHAMPION["tag"], "add": []}}, "rules.1.tag", "adds and removes nothing"),
        (
            {"tag": {**CHAMPION["tag"], "remove": ["champion"]}},
            "rules.1.tag.remove",
            "adds and removes 'champion'",
        ),
        ({"tag": {**MEMBER["tag"], "campaign": "Moved"}}, "rules.1.tag.campaign", "no id"),
        ({"tag": {**JUNCTION["tag"], "object": "Contact"}}, "rules.1.tag.object", "no junction"),
        ({"name": "champion"}, "rules.1.name", "called 'champion'"),
        ({"tag": CHAMPION["tag"], "purpose": "other"}, "rules.1.purpose", "written for"),
        (
            {"tag": {**STATUS["tag"], "value": "At {score}"}, "on_delete": "remove"},
            "rules.1.on_delete",
            "'score' is not known",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(mistakes, spoiled, where, says):
    (found,) = mistakes([CHAMPION, {**STATUS, **spoiled}])
    assert f"nodes.2.{where}: " in found
    assert says in found


READ = {
    "type": "salesforce_pull", "name": "read", "description": "Contacts.", "connection": "crm",
    "object": "Contact", "fields": ["Id", "Title", "Score__c", "Name"],
}  # fmt: skip
FIELDS = [
    {"name": "contact_id", "column": "Id"},
    {"name": "company", "column": "Title"},
    {"name": "score", "column": "Score__c", "type": "decimal"},
    {"name": "name", "column": "Name"},
]
CONTACTS = {
    "type": "delta", "name": "contacts", "description": "Contacts.", "source": "read",
    "entity": "contact", "table": "contacts", "key": ["contact_id"], "fields": FIELDS,
}  # fmt: skip
TITLE = rule("title", {"type": "text", "field": "title", "value": "x"}, purpose="other")


@pytest.mark.parametrize(
    ("tag", "before", "where", "says"),
    [
        ({"only": ["company"]}, CHAMPION, None, None),
        ({"mapping": "moves", "only": ["score"]}, CHAMPION, None, None),
        ({}, CHAMPION, "tag.mapping", "'score' is integer, and decimal in 'contacts'"),
        ({"only": ["score"]}, CHAMPION, "tag.only.0", "give both one type"),
        ({"only": ["name"]}, CHAMPION, "tag.only.0", "'moves' has no field 'name'"),
        ({"only": ["scor"]}, CHAMPION, "tag.only.0", "'contacts' has no field 'scor'"),
        ({"only": ["company"] * 2}, CHAMPION, "tag.only.1", "there twice"),
        ({"mapping": "read"}, CHAMPION, "tag.mapping", "a delta node is needed here"),
        ({"only": ["company"]}, TITLE, "purpose", "field Title is written for 'other' already"),
    ],
)
def test_a_mapping_is_a_delta_node_with_fields_of_the_same_names(
    mistakes, tag, before, where, says
):
    mirror = rule("mirror", {"type": "fields", "mapping": "contacts", **tag})
    found = mistakes([before, mirror], more=[READ, CONTACTS])
    assert len(found) == (where is not None)
    if where is not None:
        assert f"nodes.2.rules.1.{where}: " in found[0]
        assert says in found[0]


def test_a_mapping_shares_fields_and_is_not_taken_back_by_a_deleted_row(mistakes):
    other = {**CONTACTS, "key": ["name"], "fields": FIELDS[3:]}
    mirror = rule("mirror", {"type": "fields", "mapping": "contacts"}, on_delete="remove")
    found = mistakes([mirror], more=[READ, other])
    assert len(found) == 2
    assert "share no field's name" in found[0]
    assert "whose values are not known" in found[1]


def test_the_source_is_a_delta_node_of_its_own(mistakes):
    (found,) = mistakes([CHAMPION], source="read_moves")
    assert "a delta node is needed here" in found

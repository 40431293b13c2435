"""Mistakes in tag nodes: each is told at its place, with what would be right."""

from __future__ import annotations

import pytest
import yaml
from tag_cases import CHAMPION, JUNCTION, MEMBER, STATUS, TOPIC, rule, workflow

from syncflow_dagster.workflows.loader import BrokenFile, load_file


@pytest.fixture
def mistakes(tmp_path):
    """Return the mistakes of a workflow file with these rules."""

    def mistakes(rules, **node):
        given = workflow([CHAMPION]).model_dump(mode="json", exclude_unset=True)
        secrets = {"type": "session", "token": "${TOKEN}"}
        given["connections"]["crm"]["auth"] = secrets
        given["connections"]["db"]["url"] = "sqlite:///x.db"
        given["nodes"][2] |= {"rules": rules, **node}
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


def test_the_source_is_a_delta_node_of_its_own(mistakes):
    (found,) = mistakes([CHAMPION], source="read_moves")
    assert "a delta node is needed here" in found

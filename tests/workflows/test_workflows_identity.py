"""Mistakes in identity nodes: each is named once, at its place, with what would be right."""

from __future__ import annotations

import pytest
import yaml

from syncflow_dagster.workflows.loader import BrokenFile, load_file


def _document():
    fields = [{"name": "contact_id"}, {"name": "name"}, {"name": "phone"}, {"name": "master"}]
    contacts = {
        "type": "delta",
        "name": "contacts",
        "description": "Contacts",
        "source": "rows",
        "entity": "contact",
        "table": "contact_delta",
        "key": ["contact_id"],
        "fields": [
            *fields,
            {"name": "made", "type": "datetime"},
            {"name": "gone", "type": "boolean"},
        ],
    }
    people = {
        "type": "identity",
        "name": "people",
        "description": "Who is who",
        "source": "contacts",
        "person": {
            "record_id": "contact_id",
            "last_name": "name",
            "phones": ["phone"],
            "merged_into": "master",
            "created": "made",
        },
    }
    moves = {
        "type": "delta",
        "name": "moves",
        "description": "Moves",
        "source": "people",
        "entity": "move",
        "table": "move_delta",
        "key": ["move_id"],
        "fields": [{"name": "move_id", "type": "integer"}],
    }
    rows = {
        "type": "pull",
        "name": "rows",
        "description": "Rows",
        "connection": "book",
        "query": "rows.sql.j2",
    }
    return {
        "workflow": "champions",
        "description": "Who moved",
        "owner": "sales",
        "connections": {"book": {"type": "sql", "url": "sqlite:///x.db"}},
        "nodes": [rows, contacts, people, moves],
    }


@pytest.fixture
def mistakes(tmp_path):
    """Return the mistakes of the example when something is done to it."""

    def mistakes(spoil):
        document = _document()
        spoil({node["name"]: node for node in document["nodes"]}, document)
        (tmp_path / "rows.sql.j2").write_text("select 1 as contact_id", encoding="utf-8")
        path = tmp_path / "x.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        found = load_file(path, {})
        return [str(one) for one in found.problems] if isinstance(found, BrokenFile) else []

    return mistakes


def test_an_identity_node_is_right_as_the_page_shows_it(mistakes):
    assert mistakes(lambda nodes, document: None) == []


def test_moves_may_feed_several_delta_nodes_as_each_reader_has_its_own(mistakes):
    def twice(nodes, document):
        again = {**nodes["moves"], "name": "leads", "table": "lead_delta"}
        document["nodes"].append(again)

    assert mistakes(twice) == []


def _set(node, *path):
    *way, last, value = path

    def spoil(nodes, document):
        place = nodes[node]
        for key in way:
            place = place[key]
        place[last] = value

    return spoil


def _twice(nodes, document):
    document["nodes"].append({**nodes["people"], "name": "others"})


def _in_a_circle(nodes, document):
    nodes["people"]["source"] = "moves"
    nodes["people"]["person"] = {"record_id": "move_id", "last_name": "move_id"}


@pytest.mark.parametrize(
    ("spoil", "place", "says"),
    [
        (_set("people", "source", "contact"), "nodes.2.source", "did you mean 'contacts'"),
        (_set("people", "source", "rows"), "nodes.2.source", "a delta node is needed here"),
        (_twice, "nodes.4.source", "records of 'contacts' go to 'people' already"),
        (_in_a_circle, "nodes.2.source", "in a circle: people → moves → people"),
        (
            _set("people", "person", "last_name", "nam"),
            "nodes.2.person.last_name",
            "has no field 'nam'",
        ),
        (
            _set("people", "person", "phones", ["phone", "fax"]),
            "nodes.2.person.phones.1",
            "has no field 'fax'",
        ),
        (
            _set("people", "person", "created", "phone"),
            "nodes.2.person.created",
            "'phone' is of type text",
        ),
        (
            _set("people", "person", "deleted", "made"),
            "nodes.2.person.deleted",
            "name a field of type boolean",
        ),
        (
            _set("contacts", "key", ["contact_id", "name"]),
            "nodes.2.person.record_id",
            "the key of 'contacts' is contact_id, name",
        ),
        (
            _set("contacts", "deletes", {"marker": "gone"}),
            "nodes.2.person.merged_into",
            "merges could not be followed",
        ),
    ],
)
def test_a_mistake_is_told_once_at_its_place(mistakes, spoil, place, says):
    (line,) = mistakes(spoil)
    assert f": {place}: " in line
    assert says in line

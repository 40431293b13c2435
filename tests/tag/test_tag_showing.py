"""What records show is asked in queries that fit into an address, and no more than is reckoned."""

from __future__ import annotations

from urllib.parse import quote_plus

from tag_cases import JUNCTION, STATUS, TOPIC, contact_id, row, rule, workflow

from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo
from syncflow_dagster.nodes.tag.cells import same
from syncflow_dagster.nodes.tag.showing import Looker
from syncflow_dagster.nodes.tag.wishes import wishes_of

PEOPLE = 500
#: What is left of 16,384 bytes beside the path, the header fields, and a token that is a JWT.
ROOM = 14_000


def test_queries_fit_into_an_address_whatever_is_listed():
    node = workflow([JUNCTION, STATUS, TOPIC]).tags[0]
    names = ("Id", "Champion_Status__c", "AccountId")
    tagged = ObjectInfo("Contact", tuple(FieldInfo(name, "string") for name in names))
    looker, asked = Looker(tagged), []
    wishes = [
        wish
        for number in range(PEOPLE)
        for wish in wishes_of(node, row(number), lambda _condition, _row: True, {})
    ]

    def query(soql):
        asked.append(soql)
        if " FROM Topic " in soql:
            return [{"Id": "0TO", "Name": "Champions"}]
        if " FROM Contact " in soql:
            ids = [contact_id(number) for number in range(PEOPLE)]
            return [{"Id": one, "Champion_Status__c": None, "AccountId": None} for one in ids]
        return []

    wanted = [(one.place, [one.cell]) for one in wishes]
    shown = looker.look(wanted, query)
    assert len(shown.cells) == PEOPLE
    assert max(len(quote_plus(soql)) for soql in asked) < ROOM
    assert looker.most_queries(wanted) == len(asked) < 20

    # So do queries for very many fields.
    many = [f"Field_{number:04}_with_a_long_name__c" for number in range(500)]
    wide = Looker(ObjectInfo("Contact", tuple(FieldInfo(name, "string") for name in many)))
    asked.clear()
    place = next(one.place for one in wishes if one.place.kind == "fields")

    def row_of(soql):
        asked.append(soql)
        names = soql.removeprefix("SELECT ").partition(" FROM ")[0].split(", ")
        return [{**dict.fromkeys(names), "Id": place.record_id}]

    shown = wide.look([(place, many)], row_of)
    assert set(shown.cells[place.record_id]) == set(many)
    assert max(len(quote_plus(soql)) for soql in asked) < ROOM


def test_of_two_topics_of_one_name_the_same_is_taken_each_time():
    # An org with Experience Cloud sites may have one for each site.
    rows = [{"Id": "0TO1", "Name": "champions"}, {"Id": "0TO2", "Name": "Champions"}]

    def query(soql):
        assert soql.endswith("ORDER BY Id")
        return rows

    looker = Looker(ObjectInfo("Contact", ()))
    looker.find_topics({"Champions"}, query)
    assert looker.topics == {"Champions": "0TO1"}


def test_a_junction_record_shows_its_values_however_the_org_spells_them():
    values = {"Until__c": "2027-01-01T00:00:00Z", "To__c": "a@b.example", "Rank__c": 5.0}
    node = workflow([rule("one", {**JUNCTION["tag"], "values": values})]).tags[0]
    (wish,) = wishes_of(node, row(1), lambda _condition, _row: True, {})
    kinds = {"Until__c": "datetime", "To__c": "email", "Rank__c": "double"}
    known = ObjectInfo("Tag_Assignment__c", tuple(FieldInfo(*one) for one in kinds.items()))
    looker = Looker(ObjectInfo("Contact", ()), junctions={known.name: known})

    def query(soql):
        if " FROM Contact " in soql:
            return [{"Id": contact_id(1)}]
        shown = {"Until__c": "2027-01-01T00:00:00.000+0000", "To__c": "A@b.example", "Rank__c": 5}
        return [{"Id": "a01", "Assignment_Key__c": wish.place.details["key"], **shown}]

    shown = looker.look([(wish.place, [wish.cell])], query)
    assert same(shown.cells[contact_id(1)][wish.cell], values)

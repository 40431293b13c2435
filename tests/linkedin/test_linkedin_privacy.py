"""Who is on a list, has opted out, or is erased is written to by nobody; what is held of people."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from turn_world import KEY, World, person, workflow

from syncflow_dagster.core.consent.identifiers import Kind
from syncflow_dagster.nodes.compliance.erasure import erase, finish_erasures
from syncflow_dagster.nodes.compliance.holdings import export
from syncflow_dagster.nodes.compliance.key import PrivacyKeyError
from syncflow_dagster.nodes.compliance.lists import Entry, Identifier, Lists
from syncflow_dagster.nodes.linkedin.erasure import forget_texts
from syncflow_dagster.nodes.linkedin.run import OutreachOptions, OutreachRun
from syncflow_dagster.nodes.linkedin.suppression import list_opt_out, standing
from syncflow_dagster.testing.clock import FakeClock

CLOCK = FakeClock()
BY = Entry("Ida", "asked for it", CLOCK.now())
ANN = "https://www.linkedin.com/in/Ann-Lee/"


def _world(database, **changes):
    return World(database, workflow("http://x", "t", **changes), CLOCK)


def _standing(world, options=None):
    """Return why each lead may not be written to, by the record."""
    run = world.run
    if options is not None:
        run = OutreachRun(world.database, CLOCK, run.loaded, run.node.name, options)
    with world.database.transaction() as conn:
        leads = run.leads.read_in(conn, [row["lead_id"] for row in world.leads()])
        found = standing(run, conn, list(leads.values()))
    return {leads[number].source_key: why for number, why in found.items()}


def _list(database, kind, value, name="do_not_contact", action="add"):
    Lists(database, KEY).enter(name, [Identifier(kind, value)], action, BY)


def test_a_person_is_found_in_the_lists_by_everything_it_is_known_by(database):
    world = _world(database, suppression_lists=["no_sales"], blocked_countries=["DE"])
    identity = uuid4()
    database.execute("insert into person values (%s, 'w', 'who', now())", [identity])
    database.execute(
        "insert into person_identifier values (%s, 'email', 'five@old.test', 'w', 'who', 'x', "
        "false, now())",
        [identity],
    )
    world.enrol(
        person(1),
        person(2, url="https://www.linkedin.com/in/ACoAAtwo22/"),
        person(3, email="Three@c.test"),
        person(4, email="four@mail.acme.test"),
        person(5, person=str(identity)),
        person(6),
        person(7),
    )
    assert _standing(world) == {}
    database.execute(
        'update outreach_lead set fields = fields || \'{"country": "de"}\' '
        "where source_key = 'p7'"
    )
    listed = (
        (Kind.LINKEDIN, "linkedin.com/in/PERSON-1?trk=x"),
        (Kind.LINKEDIN, "ACoAAtwo22"),
        (Kind.EMAIL, "three@C.test"),
        (Kind.DOMAIN, "https://www.Acme.test/about"),
        (Kind.EMAIL, "five@old.test"),
    )
    for kind, value in listed:
        _list(database, kind, value, name="no_sales" if kind is Kind.DOMAIN else "do_not_contact")
    _list(database, Kind.LINKEDIN, "person-6", name="another_list")
    why = "on the suppression list do_not_contact"
    assert _standing(world) == {
        "p1": why,
        "p2": why,
        "p3": why,
        "p4": "on the suppression list no_sales",
        "p5": why,
        "p7": "its country, DE, is among blocked_countries",
    }
    _list(database, Kind.LINKEDIN, "person-1", action="revoke")
    assert "p1" not in _standing(world)


def test_who_opts_out_of_one_campaign_opts_out_of_all_even_without_a_key(database):
    one, two = _world(database), _world(database, name="two", table="two_delta")
    one.enrol(person(1), person(2, person="7"))
    database.execute(
        "update outreach_lead set state = 'suppressed', terminal_at = now(), next_due_at = null, "
        "opted_out_at = case source_key when 'p1' then now() end"
    )
    dry = OutreachOptions(privacy_key=None)
    with pytest.raises(PrivacyKeyError, match="SYNCFLOW_PRIVACY_KEY is not set"):
        _standing(one, dry)
    two.enrol(person(1), person(2))
    assert two.states() == {"p1": "suppressed", "p2": "awaiting_approval"}
    three = _world(database, name="three", table="three_delta", dry_run=True)
    assert "p1" in _standing(three, dry)
    # On the list it stays when the campaigns are gone.
    with database.transaction() as conn:
        leads = list(one.run.leads.read_in(conn, [one.lead()["lead_id"]]).values())
        assert list_opt_out(database, KEY, conn, leads, CLOCK.now()) == 1
    assert Lists(database, KEY).standing([], [[Identifier(Kind.LINKEDIN, "person-1")]])[0].lists


def _effect(database, lead, state, text):
    row = database.fetch_one(
        "insert into effect (effect_key, workflow, node, account, kind, pass, object_key, creates, "
        "payload, state, lead_id, sent_at) values (%s, 'outreach', 'steps', 'unipile:people/anna', "
        "'message', 1, %s, true, %s, %s, %s, now()) returning effect_id",
        [
            f"lead:{lead}:{state}",
            f"outreach:{lead}:{state}",
            json.dumps({"step": 1, "after": "connected", "text": text, "slug": "ann-lee"}),
            state,
            lead,
        ],
    )
    return row["effect_id"]


def _all_texts(database):
    """Return every value in every table of ours, as one text."""
    tables = database.fetch_all(
        "select table_name as name from information_schema.tables where table_schema = 'syncflow'"
    )
    # Names come from the database itself.
    said = [database.fetch_all(f"select to_jsonb(t) as row from {one['name']} t") for one in tables]
    return json.dumps(said, default=str).lower()


def test_erasing_a_person_leaves_hashes_and_counts_and_it_does_not_come_back(database):
    # Nobody says that the address is the lead's: its record has it.
    lead = {"linkedin": "url", "first_name": "first"}
    by_record = _world(database, name="records", table="records_delta", lead=lead)
    by_record.enrol(person(4, email="four@d.test"))
    with database.transaction() as conn:
        held = export(conn, [Identifier(Kind.EMAIL, "four@d.test")], KEY)
    assert held["rows"]["outreach_lead"][0]["slug"] == "person-4"
    database.execute("delete from outreach_text")
    database.execute("delete from outreach_lead")

    world = _world(database)
    ann = person(1, url=ANN, first="Annabel", email="ann@lee.test")
    world.enrol(ann, person(2))
    lead, other = (row["lead_id"] for row in world.leads())
    database.execute(
        "update outreach_lead set provider_id = 'ACoAAann1' where lead_id = %s", [lead]
    )
    with database.transaction() as conn:
        conn.execute(
            "insert into outreach_person_key select 'provider:ACoAAann1', person_id "
            "from outreach_lead where lead_id = %s",
            [lead],
        )
        conn.execute(
            "insert into outreach_event (lead_id, at, event, evidence) values "
            "(%s, now(), 'replied', '{\"chat\": \"annabel-chat\"}')",
            [lead],
        )
        for key, body in (
            ("m1", {"sender": {"attendee_provider_id": "ACoAAann1"}, "message": "It is Annabel"}),
            ("m2", {"profile": "https://www.linkedin.com/in/ann-lee/", "message": "Annabel again"}),
            ("m3", {"sender": {"attendee_provider_id": "ACoAAelse"}, "message": "Hello"}),
        ):
            conn.execute(
                "insert into outreach_inbox (source, event_key, account, received_at, body) "
                "values ('unipile:people', %s, 'acc_anna', now(), %s)",
                [key, json.dumps(body)],
            )
        conn.execute(
            "insert into outreach_relation values "
            "('unipile:default/anna', 'ACoAAann1', 'ann-lee', now(), now())"
        )
    _effect(database, lead, "DONE", "Annabel, hello")
    asked = [Identifier(Kind.LINKEDIN, ANN)]
    with database.transaction() as conn:
        held = export(conn, asked, KEY)
    assert {"outreach_lead", "outreach_text", "outreach_event", "outreach_inbox"} <= set(
        held["rows"]
    )
    assert len(held["rows"]["outreach_inbox"]) == 2
    assert {"kind": "email", "value": "ann@lee.test"} in held["known_by"]

    on_its_way = _effect(database, lead, "UNKNOWN", "Annabel, anything?")
    result = erase(database, asked, KEY, BY)
    assert result.open_effects == [on_its_way]
    assert result.counts["outreach_lead"] == 1
    database.execute("update effect set state = 'DONE' where effect_id = %s", [on_its_way])
    assert finish_erasures(database, KEY, CLOCK.now()) == 0
    left = _all_texts(database)
    for text in ("annabel", "ann-lee", "acoaaann1", "ann@lee.test"):
        assert text not in left, text
    # What is counted is there still, and the other person is as it was.
    kept = database.fetch_all("select payload from effect where lead_id = %s", [lead])
    assert [one["payload"]["text"] for one in kept] == ["erased", "erased"]
    row, beside = world.leads()
    assert (row["state"], row["fields"], row["slug"]) == ("suppressed", {}, None)
    assert (beside["lead_id"], beside["slug"]) == (other, "person-2")
    assert (
        database.fetch_one("select count(*) as n from outreach_text where sha256 <> ''")["n"] == 6
    )
    keys = database.fetch_all("select key from outreach_person_key where key like 'hash:%'")
    assert len(keys) == 3

    world.enrol({**ann, "id": "p9"}, person(2))
    assert world.states()["p9"] == "suppressed"
    back = world.leads()[-1]
    assert back["reason"] == "an erasure was requested"
    assert (back["fields"], back["slug"]) == ({}, None)
    known = database.fetch_all("select key from outreach_person_key where key like '%ann%'")
    assert known == []


def test_texts_are_kept_as_long_as_the_node_says(database):
    world = _world(database, keep_texts_days=30)
    world.enrol(person(1), person(2))
    first, second = (row["lead_id"] for row in world.leads())
    _effect(database, first, "DONE", "First, hello")
    now = CLOCK.now()
    for lead, days in ((first, 31), (second, 29)):
        database.execute(
            "update outreach_lead set state = 'replied', next_due_at = null, terminal_at = %s "
            "where lead_id = %s",
            [now - timedelta(days=days), lead],
        )
        database.execute(
            "insert into outreach_inbox (source, event_key, account, received_at, body, "
            "processed_at) values ('unipile:people', %s, 'acc_anna', now(), '{\"a\": 1}', %s)",
            [str(lead), now - timedelta(days=days)],
        )
    assert forget_texts(database, CLOCK, world.flow, dry_run=True) == 1
    assert forget_texts(database, CLOCK, world.flow) == 1
    assert forget_texts(database, CLOCK, world.flow) == 0
    rows = database.fetch_all(
        "select lead_id, bool_and(text is null) as gone from outreach_text group by 1 order by 1"
    )
    assert [(row["lead_id"], row["gone"]) for row in rows] == [(first, True), (second, False)]
    bodies = database.fetch_all("select body from outreach_inbox order by inbox_id")
    assert [row["body"] for row in bodies] == [{}, {"a": 1}]
    payload = database.fetch_one("select payload from effect")["payload"]
    assert (payload["step"], "text" in payload) == (1, False)

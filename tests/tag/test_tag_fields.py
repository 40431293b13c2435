"""Values of rows written to the fields a mapping declares: what fits, and what is written."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tag_cases import contact_id, row, rule, workflow
from test_tag_send import KilledError, kill_at, live, times_written

from syncflow_dagster.commands.preflight_tags import check_tags
from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo
from syncflow_dagster.nodes.tag.cells import same
from syncflow_dagster.nodes.tag.mapping import ways_back
from syncflow_dagster.nodes.tag.preflight import TagUnfit
from syncflow_dagster.nodes.tag.values import UnfitValue, fitted, kept
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

LOOKUP = {"type": "lookup", "values": {"Moved": "moved", "Left": "left"}}
#: What both nodes declare, by the column of the mapping.
DECLARED = {
    "Title": {"name": "title", "max_length": 200},
    "Email": {"name": "email", "max_length": 80, "personal": True},
    "Birthdate": {"name": "born", "type": "date"},
    "EmailBouncedDate": {"name": "bounced", "type": "datetime"},
    "Is_Champion__c": {"name": "champion", "type": "boolean"},
    "Champion_Status__c": {"name": "status", "transform": LOOKUP},
    "Champion_Tags__c": {"name": "tags"},
    "Past_Account__c": {"name": "prior"},
}
#: What only the mapping has, or what has no way back.
OTHERS = [
    {"name": "contact_id", "column": "Id"},
    {"name": "company", "column": "Account.Name"},
    {"name": "score", "type": "integer", "transform": {"type": "constant", "value": "1"}},
]
CONTACTS = {
    "type": "delta",
    "name": "contacts",
    "description": "What is read of contacts.",
    "source": "read_contacts",
    "entity": "contact",
    "table": "contacts_delta",
    "key": ["contact_id"],
    "fields": [*OTHERS, *({**one, "column": column} for column, one in DECLARED.items())],
}
CONSTANT = "'score' is made by a transform (constant), which has no way back"
ROWS = tuple({k: v for k, v in one.items() if k != "transform"} for one in DECLARED.values())
MIRROR = rule("mirror", {"type": "fields", "mapping": "contacts"})
VALUES = {
    "title": "Head of Zoë",
    "email": "Zoe@Acme.Example",
    "born": date(1980, 2, 29),
    "bounced": datetime(2026, 1, 2, 3, 4, 5, 600_000, UTC),
    "champion": True,
    "status": "moved",
    "tags": "moved;champion",
}


@pytest.fixture
def mapped(make_world):
    """Makes a world whose rules write by a mapping."""

    def mapped(tag=None, **settings):
        rules = [{**MIRROR, "tag": {**MIRROR["tag"], **(tag or {})}}]
        return make_world(rules, fields=ROWS, more=(CONTACTS,), **settings)

    return mapped


def info(kind, **more):
    return FieldInfo("F", kind, **more)


CASES = [
    (info("double", precision=18, scale=2), Decimal("1.50"), 1.5),
    (info("double", precision=18, scale=2), Decimal("2.00"), 2),
    (info("currency", precision=5, scale=2), Decimal(999), 999),
    (info("currency", precision=5, scale=2), Decimal(1000), "3 digits before the point"),
    (info("double", precision=18, scale=2), Decimal("1.505"), "2 digits after the point"),
    (info("double", precision=18, scale=1), Decimal("12345678901234567.1"), "double precision"),
    (info("double", precision=18), Decimal("0E-3"), 0),
    (info("int", digits=4), 12345, "4 digits"),
    (info("int"), 2**31, "10 digits"),
    (info("long"), 2**53, 2**53),
    (info("boolean", nillable=False), None, None),
    (info("string", length=5, nillable=False), "  ", "may not be empty"),
    (info("string", length=5), "abcdef", "takes 5 characters, the value has 6"),
    (info("string", length=5), Decimal("1.50"), "1.50"),
    (info("string", length=5), True, "true"),
    (info("email", length=80), "A@B.Example ", "a@b.example"),
    (info("datetime"), datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
     "2025-12-31T23:00:00Z"),
    (info("date"), date(2026, 1, 1), "2026-01-01"),
    (info("reference", length=18), contact_id(1)[:15], contact_id(1)),
    (info("reference", length=18), "nobody", "takes ids of records"),
    (info("picklist", picklist=("A", "B"), restricted=True), "zzz", "of its picklist alone"),
    (info("picklist", picklist=("A", "B"), restricted=True), "a", "A"),
    (info("picklist", picklist=("A", "B")), "C", "C"),
    (info("multipicklist", picklist=("A", "B"), restricted=True), "B; a;", ["A", "B"]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "found"), CASES)
def test_a_value_is_brought_to_the_form_its_field_keeps_or_refused(field, value, found):
    try:
        assert fitted(field, value) == found
    except UnfitValue as error:
        assert found in str(error)
        assert str(value).strip() not in str(error) or not str(value).strip()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.integers(0, 3))
def test_a_number_that_is_taken_is_the_same_number(value, scale):
    try:
        found = fitted(info("double", precision=18, scale=scale), value)
    except UnfitValue:
        return
    assert Decimal(str(found)) == value
    assert same(found, kept(info("double"), float(value)))


def add(world, place, **values):
    world.add(row(place, contact_id=world.people[place], **{**VALUES, **values}))


def test_a_mapping_that_can_write_nothing_is_wrong():
    flow = workflow(
        [rule("mirror", {"type": "fields", "mapping": "contacts"})],
        more=({**CONTACTS, "fields": OTHERS},),
    )
    parent = info("reference", relationship_name="Account", reference_to=("Account",))
    account = ObjectInfo("Account", (FieldInfo("Name", "string"),))
    contact = ObjectInfo("Contact", (FieldInfo("Id", "id", updateable=False), parent))

    class Org:
        def object(self, name):
            return account if name == "Account" else None

    ways, mistakes = ways_back(flow, flow.tags[0], contact, Org())
    assert ways == {"mirror": []}
    [wrong] = [one for one in mistakes if not one.warning]
    assert (wrong.kind, wrong.loc) == (
        "nothing_to_write", ("nodes", 2, "rules", 0, "tag", "mapping"),
    )  # fmt: skip


def test_values_are_written_once_and_can_be_taken_back(mapped):
    world = mapped()
    account = world.ids("Account")[0]
    full, poison, refused, _unlisted, misfit, invalid, empty = world.people[:7]
    world.edit("Contact", full, Title="Clerk", Champion_Tags__c="newsletter")
    world.edit("Contact", refused, DoNotCall=True)
    add(world, 0, prior=account)
    add(world, 1, prior=account)
    add(world, 2)
    add(world, 3, status="new")
    add(world, 4, title="x" * 129)
    add(world, 5, tags="champion;nobody")
    add(world, 6, **dict.fromkeys(VALUES))
    run = world.run()
    told = {one.message for one in run.warnings if one.kind == "not_writable"}
    assert told == {
        "is not written: Account.Name is the parent's",
        f"is not written: {CONSTANT}",
    }
    planned = run.plan()
    reasons = " ".join(reason for _, reason in planned.refused)
    assert "rule mirror: the lookup of status gives no such text" in reasons
    assert "rule mirror: Title takes 128 characters, the value has 129" in reasons
    assert "rule mirror: Champion_Tags__c takes values of its picklist alone" in reasons
    # Nothing was said of what the values are.
    assert not re.search("xxx|nobody|Zoe", reasons)
    assert planned.settled == {"no rule applies": 1}

    # Of the two that are left one is refused by the org, which keeps the other one from nothing.
    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    world.control.faults(service="salesforce", kind="partial", op="collections", code=code, nth=1)
    run.deliver()
    world.control.clear_faults()
    written = {person for _, person in times_written(world)}
    assert (len(written), written <= {full, poison}) == (1, True)
    assert set(world.dead()) == {refused, *({full, poison} - written)}
    [done] = written
    assert {name: world.shown("Contact")[done].get(name) for name in DECLARED} == {
        "Title": "Head of Zoë", "Email": "zoe@acme.example", "Birthdate": "1980-02-29",
        "EmailBouncedDate": "2026-01-02T03:04:05.000+0000", "Is_Champion__c": True,
        "Champion_Status__c": "Moved", "Champion_Tags__c": "champion;moved",
        "Past_Account__c": account,
    }  # fmt: skip
    assert all(world.shown("Contact")[one].get("Title") is None for one in (invalid, misfit, empty))

    # The same in another spelling is no change.
    world.clock.sleep(200)
    other = {"email": "ZOE@acme.example", "tags": "champion; moved", "prior": account[:15]}
    add(world, world.people.index(done), **other, title=" Head of Zoë  ")
    assert world.go(run_id="run-2")[0].settled == {"every tag is there already": 1}
    assert times_written(world) == {("Contact", done): 1}

    run.undo("run-1")
    run.deliver()
    now = world.shown("Contact")[done]
    before = ("Clerk", "newsletter") if done == full else (None, None)
    assert (now.get("Title"), now.get("Champion_Tags__c")) == before
    assert now["Email"] == f"p{world.people.index(done) + 1}@acme.example"
    assert (now.get("Past_Account__c"), now["Is_Champion__c"]) == (None, False)


def test_a_value_that_is_missing_empties_the_field_only_where_that_is_said(mapped):
    world = mapped({"only": ["title", "champion", "status"], "nulls": "clear"})
    world.edit("Contact", world.people[0], Title="Clerk", Is_Champion__c=True)
    add(world, 0, title=None, champion=None, email=None)
    world.go()
    now = world.shown("Contact")[world.people[0]]
    assert (now.get("Title"), now["Is_Champion__c"], now["Champion_Status__c"]) == (
        None, False, "Moved",
    )  # fmt: skip
    assert now["Email"] == "p1@acme.example"


def test_a_kill_after_sending_and_jobs_write_values_once(mapped, monkeypatch):
    world = mapped(bulk_from=3)
    add(world, 0)
    kill_at(monkeypatch, "deliver.sent")
    with pytest.raises(KilledError):
        world.go()
    live(monkeypatch)
    world.go(run_id="run-2")
    assert times_written(world) == {("Contact", world.people[0]): 1}

    for place in (1, 2, 3):
        add(world, place, tags=None)
    _, report = world.go(run_id="run-3")
    assert (report.jobs, report.outcomes["found"]) == (1, 3)
    assert times_written(world) == {("Contact", one): 1 for one in world.people[:4]}
    now = world.shown("Contact")[world.people[1]]
    assert now["EmailBouncedDate"] == "2026-01-02T03:04:05.000+0000"
    assert (now["Is_Champion__c"], now["Email"]) == (True, "zoe@acme.example")
    world.clock.sleep(200)
    add(world, 1, tags=None)
    assert world.go(run_id="run-4")[0].settled == {"every tag is there already": 1}


def test_what_does_not_fit_is_told_at_its_line_before_anything_is_written(mapped, monkeypatch):
    asked = ["title", "company", "score", "email", "born"]
    world = mapped({"only": asked})
    world.control.settings(service="salesforce", hidden_fields=["Contact.Birthdate"])
    with pytest.raises(TagUnfit):
        world.run()

    kept = (world.folder / "policy.yaml").read_text().replace('"Email", ', "")
    (world.folder / "policy.yaml").write_text(kept)
    flow = world.workflow.model_dump(mode="json", exclude_unset=True)
    auth = world.workflow.connections["crm"].auth
    flow["connections"]["crm"]["auth"] |= {"client_id": "${ID}", "client_secret": "${SECRET}"}
    secrets = {"ID": auth.client_id, "SECRET": auth.client_secret}
    flow["connections"]["db"]["url"] = "sqlite:///x.db"
    flow["nodes"].insert(0, {**flow["nodes"][0], "name": "read_contacts"})
    (world.folder / "moves.sql.j2").write_text("select 1 as contact_id")
    path = world.folder / "champions.yaml"
    path.write_text(yaml.safe_dump(flow, sort_keys=False))
    loaded = load_file(path, {name: one.get_secret_value() for name, one in secrets.items()})
    assert isinstance(loaded, LoadedWorkflow), loaded
    monkeypatch.setenv("SYNCFLOW_PRIVACY_KEY", "k" * 32)
    [check] = check_tags(world.database, world.clock, loaded)
    lines = path.read_text().splitlines()
    told = {
        lines[problem.line - 1].strip(): mistake.message
        for mistake, problem in check.problems
        if not mistake.warning
    }
    assert told == {
        "- company": "is not written: Account.Name is the parent's",
        "- score": f"is not written: {CONSTANT}",
        "- born": "Contact has no field 'Birthdate' that the user can see",
        "type: fields": "the policy does not let Contact.Email be written",
    }
    [warning] = [problem for mistake, problem in check.problems if mistake.kind == "too_long"]
    assert "title" in lines[warning.line - 1]
    assert world.log() == []

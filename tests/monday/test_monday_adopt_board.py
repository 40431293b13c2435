"""A board that people filled is adopted through HTTP; the sandbox's log is the judge."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing

import pytest

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.adopt import AdoptionOptions, abandon_adoption, adopt_workflow
from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.nodes.monday.adoption.gate import AdoptionUnfinished
from syncflow_dagster.nodes.monday.adoption.part import Part
from syncflow_dagster.nodes.monday.census import BoardReader
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.contract import BoardUnavailable
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES, SUBITEMS
from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.testing.faults.adoption import judge
from syncflow_dagster.testing.faults.adoption_board import WORKFLOW, plant
from syncflow_dagster.testing.faults.results import FaultResult


class Office:
    """A source, a board and SyncFlow's database."""

    def __init__(self, folder, database, orders):
        self.folder = folder
        self.database = database
        self.planted = plant(folder, orders)

    def begin(self, urls, monkeypatch):
        self.control = ControlClient(urls["control"])
        self.variables = {
            "SYNCFLOW_DATABASE_URL": self.database.url,
            "SYNCFLOW_HOME": str(self.folder),
            "SYNCFLOW_WORKFLOWS": str(self.folder),
            "MONDAY_URL": urls["monday"],
            "MONDAY_TOKEN": urls["tokens"]["monday"]["personal"],
        }
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)
        self.control.seed(self.planted.seed)
        self.control.clock(1_000)
        return self

    @property
    def loaded(self):
        return find_workflow(self.folder, WORKFLOW)

    def adopt(self, **options):
        report = self.folder / "report.jsonl"
        result = adopt_workflow(self.folder, self.loaded, AdoptionOptions(**options), report=report)
        self.findings = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
        return result.as_json()["nodes"]["board"]

    def push(self, passes=(ITEMS, SUBITEMS, STATUSES), **options):
        workflow = self.loaded.workflow
        node = workflow.node("board")
        push = Push(
            self.database, DatabaseClock(self.database), workflow, node, PushOptions(**options)
        )
        try:
            push.prepare()
            plan = push.plan()
            for number in passes:
                push.deliver(number)
            return plan
        finally:
            push.close()

    def writes(self):
        return self.control.log()

    def judged(self):
        result = FaultResult("adopted")
        judge(result, self.control.log(), self.control.state(), self.planted)
        return result.duplicates, result.lost, result.error

    def state(self, number, table="adopted_orders"):
        row = self.database.fetch_one(
            f"select state, reason from {table} where business_key = %s "
            "order by delta_id desc limit 1",
            (number,),
        )
        return row["state"], row["reason"]

    def archive(self, item_ids):
        connection = self.loaded.workflow.connections["monday"]
        with closing(MondayClient(connection)) as client:
            for one in item_ids:
                assert client.execute(
                    "mutation ($i: ID!) { archive_item(item_id: $i) { id } }", {"i": one}
                ).data

    def found(self, kind, entity):
        return [one for one in self.findings if (one["kind"], one["entity"]) == (kind, entity)]


@pytest.fixture
def make_office(tmp_path, database, monkeypatch):
    """Makes an office with so many orders."""
    with SandboxServer() as server:
        yield lambda orders: Office(tmp_path, database, orders).begin(server.urls, monkeypatch)


def test_a_board_is_adopted_without_a_write_and_the_push_sends_what_is_missing(make_office):
    office = make_office(110)
    planted = office.planted

    tried = office.adopt(dry_run=True)
    with pytest.raises(AdoptionUnfinished, match="syncflow adopt adopted --node board"):
        office.push()
    parts = office.adopt()
    assert office.writes() == []
    assert parts["orders"]["counts"] == tried["orders"]["counts"]

    for entity, name in (("order", "orders"), ("line", "lines")):
        counts = parts[name]["counts"]
        assert counts["matched"] == planted.matched[entity]
        assert counts["unmatched_item"] == planted.people[entity]
        assert [one["record"] for one in office.found("duplicate", entity)] == planted.duplicates[
            entity
        ]
        assert all(len(one["items"]) == 2 for one in office.found("duplicate", entity))
        assert counts["under_way"] == counts["ambiguous"] == counts["refused"] == 0
    assert parts["lines"]["counts"]["held"] == planted.held
    assert sum(one["counts"]["unmatched_record"] for one in parts.values()) == len(planted.creates)
    assert parts["orders"]["counts"]["mismatch"] == len(planted.differing)
    (wrong,) = [one for one in office.found("mismatch", "order") if one["record"] == "SO-3"]
    assert wrong["columns"] == {"amount": {"board": "0.5", "record": "4.25"}}

    office.push()
    assert office.judged() == (0, 0, None)
    creates = Counter(one["op"] for one in office.writes() if one["op"].startswith("create"))
    assert creates == {"create_item": 3, "create_subitem": len(planted.creates) - 3}
    assert office.state("SO-2") == office.state("SO-3") == ("SYNCED", None)
    state, reason = office.state("SO-4")
    assert state == "WAITING"
    assert all(one in reason for one in office.found("duplicate", "order")[0]["items"])

    # A change of a record nobody has decided about makes no third item.
    book = office.folder / "orders.csv"
    book.write_text(book.read_text("utf-8").replace("SO-4,Bärenstark", "SO-4,ACME"), "utf-8")
    before = len(office.writes())
    again = office.adopt(duplicates="oldest")
    office.push()
    assert again["orders"]["counts"]["matched"] == len(planted.duplicates["order"])
    assert again["lines"]["counts"]["matched"] == planted.held + len(planted.duplicates["line"])
    new = office.writes()[before:]
    wanted = {"change_multiple_column_values": 2 + 4 + 2, "move_item_to_group": 1}
    assert Counter(one["op"] for one in new) == wanted
    sent = [one["payload"]["column_values"] for one in new if one["op"] != "move_item_to_group"]
    assert {tuple(one) for one in sent} == {("record_uuid",)}
    oldest = {one["items"][0] for one in office.found("duplicate", "order")}
    assert oldest <= {one["remote_id"] for one in new}
    assert office.state("SO-4") == ("SYNCED", None)

    last = office.adopt()
    office.push()
    assert len(office.writes()) == before + len(new)
    assert last["orders"]["counts"]["matched"] == last["lines"]["counts"]["matched"] == 0


def test_what_the_board_says_is_kept_and_what_it_lost_is_made(make_office):
    office = make_office(10)
    office.adopt(keep_board=True)
    office.push()
    changed = [one for one in office.writes() if not one["op"].startswith("create")]
    keys = {one["key"] for one in changed}
    assert {
        tuple(one["payload"]["column_values"])
        for one in changed
        if one["key"] not in office.planted.creates
    } == {("record_uuid",)}
    assert keys.isdisjoint({None, ""})

    # Somebody archives both items of SO-4, subitems and all: then it is right to make it.
    (twice,) = office.found("duplicate", "order")
    office.archive(twice["items"])
    office.adopt()
    before = len(office.writes())
    office.push()
    made = Counter(one["op"] for one in office.writes()[before:])
    assert made == {"create_item": 1, "create_subitem": 2, "change_multiple_column_values": 1}
    assert office.state("SO-4")[0] == "SYNCED"


def test_an_adoption_that_is_given_up_lets_the_push_go(make_office):
    office = make_office(8)
    office.adopt(dry_run=True)
    given_up = abandon_adoption(office.folder, office.loaded, node=None)
    assert given_up.closed == []
    assert given_up.lines() == ["adopted: given up; the next push makes what is missing"]
    assert office.push(dry_run=True).effects["create_item"] == 8
    with pytest.raises(CommandFailed, match="no adoption of adopted is unfinished"):
        abandon_adoption(office.folder, office.loaded, node=None)
    with pytest.raises(CommandFailed, match="no push node 'bord'; there are: board"):
        adopt_workflow(office.folder, office.loaded, AdoptionOptions(), node="bord")


def test_records_that_change_while_the_board_is_adopted_are_left_to_the_next_adoption(
    make_office, monkeypatch
):
    office = make_office(6)
    decide = Part._sorted

    def overtaken(self, fates):
        # What a build of the delta does with a newer change.
        office.database.execute("update adopted_orders set superseded_by = 0, state = 'SUPERSEDED'")
        return decide(self, fates)

    monkeypatch.setattr(Part, "_sorted", overtaken)
    with pytest.raises(AdoptionUnfinished, match="run `syncflow adopt` again"):
        office.adopt()
    with pytest.raises(AdoptionUnfinished, match="is not finished"):
        office.push()
    assert office.writes() == []


def test_items_that_show_no_key_are_found_by_name_where_that_is_allowed(make_office):
    office = make_office(9)
    file = office.folder / f"{WORKFLOW}.yaml"
    shown = "        - {field: number, column: number}\n"
    by_name = '      name: "{number} {title}"\n      adopt: {by_name: true}\n'
    text = file.read_text("utf-8").replace(shown, "")
    file.write_text(text.replace('      name: "{number} {title}"\n', by_name), "utf-8")
    parts = office.adopt(dry_run=True)
    how = Counter(one["by"] for one in office.found("matched", "order"))
    # SO-7 is not on the board; the copy of SO-4 has a name of its own.
    assert how == {"id": 1, "name": 7}
    assert parts["orders"]["counts"]["unmatched_item"] == 3
    assert parts["lines"]["counts"]["matched"] == 2 * 8 - 1


def test_what_a_push_has_planned_but_not_sent_is_adopted_like_what_is_not_planned(make_office):
    office = make_office(10)
    planted = office.planted
    office.adopt(dry_run=True)
    abandon_adoption(office.folder, office.loaded, node=None)
    assert office.push(passes=()).effects["create_item"] == 10
    # Of one a worker had taken hold of; it died before it wrote down that it would send it.
    one = "(select min(effect_id) from effect where creates and kind = 'create_item')"
    office.database.execute(f"update effect set state = 'CLAIMED' where effect_id = {one}")

    parts = office.adopt()
    for entity, name in (("order", "orders"), ("line", "lines")):
        counts = parts[name]["counts"]
        assert counts["matched"] == planted.matched[entity]
        assert counts["under_way"] == 0
        assert counts["duplicate"] == len(planted.duplicates[entity])
    assert office.writes() == []
    assert office.state("SO-4")[1].startswith("the board has several items for it")
    office.push()
    assert office.judged() == (0, 0, None)
    creates = Counter(one["op"] for one in office.writes() if one["op"].startswith("create"))
    assert creates == {"create_item": 1, "create_subitem": len(planted.creates) - 1}
    office.adopt(duplicates="oldest")
    office.push()
    assert office.state("SO-4") == ("SYNCED", None)
    assert sum(one["op"] == "create_item" for one in office.writes()) == 1


def test_a_question_is_answered_though_its_record_was_refused_meanwhile(make_office):
    office = make_office(6)
    file = office.folder / f"{WORKFLOW}.yaml"
    short = "{field: title, column: title, max_length: 30}"
    file.write_text(file.read_text("utf-8").replace("{field: title, column: title}", short))
    book = office.folder / "orders.csv"
    good = book.read_text("utf-8")
    office.adopt()
    book.write_text(good.replace("SO-4,Bärenstark,", f"SO-4,Bärenstark,{'x' * 31}"), "utf-8")
    office.adopt()
    office.push()
    assert office.state("SO-4")[0] == "DEAD"
    # Still refused, but its item is known from now on.
    parts = office.adopt(duplicates="oldest")
    assert parts["orders"]["counts"]["matched"] == parts["orders"]["counts"]["refused"] == 1
    assert office.state("SO-4")[0] == "DEAD"
    book.write_text(good, "utf-8")
    office.adopt()
    office.push()
    assert office.state("SO-4")[0] == "SYNCED"
    assert not any(one["op"] == "create_item" for one in office.writes())


def test_no_pass_of_a_push_goes_on_while_its_board_is_adopted(make_office):
    office = make_office(3)
    office.adopt(dry_run=True)
    workflow = office.loaded.workflow
    with closing(
        Push(office.database, DatabaseClock(office.database), workflow, workflow.node("board"))
    ) as push:
        push.prepare()
        for number in (ITEMS, SUBITEMS, STATUSES):
            with pytest.raises(AdoptionUnfinished, match="is not finished"):
                push.deliver(number)


def test_a_board_that_is_not_shown_is_not_taken_for_an_empty_one(make_office):
    office = make_office(1)
    connection = office.loaded.workflow.connections["monday"]
    clock = DatabaseClock(office.database)
    with closing(MondayClient(connection)) as client:
        destination = MondayDestination(connection, 1, client=client)
        budgets = Budgets(office.database, clock, destination.account, destination.budgets())
        reader = BoardReader(client, budgets, clock)
        assert reader.count("700", "record_uuid").complete
        with pytest.raises(BoardUnavailable, match="board 123 does not exist, or the token"):
            reader.count("123", "record_uuid")

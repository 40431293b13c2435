"""Preflight and pinned contracts through HTTP, and boards that change in the middle of a push."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta

import pytest
import yaml
from monday_world import BOARD, ITEM_MAPPING, LINES, SUB_BOARD, line, order

from syncflow_dagster.commands.preflight import answer_preflight
from syncflow_dagster.ledger.pauses import AccountPaused, Pause
from syncflow_dagster.nodes.monday import preflight_report
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.contract import ContractBroken
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES, SUBITEMS
from syncflow_dagster.nodes.monday.preflight import Severity
from syncflow_dagster.nodes.monday.preflight_account import DailyCalls
from syncflow_dagster.nodes.monday.preflight_pin import pin_path
from syncflow_dagster.nodes.monday.preflight_report import preflight as compare
from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.workflows.loader import LoadedWorkflow

BOOK = [order(f"SO-{n}") for n in range(8)]
SIZES = [line(f"SO-{n}") for n in range(4)]


@pytest.fixture
def world(make_world):
    return make_world(batch_size=5)


@pytest.fixture
def loaded(world, tmp_path, monkeypatch):
    """The world's workflow, as if it came from a file."""
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", world.database.url)
    path = tmp_path / "orders.yaml"
    path.write_text(yaml.safe_dump(world.workflow.model_dump(mode="json"), sort_keys=False))
    return LoadedWorkflow(world.workflow, path)


def preflight(loaded, tmp_path, **options):
    asked = {"pin": False, "columns": False, "propose": None} | options
    return answer_preflight(tmp_path, loaded, **asked)


def as_checked(world):
    """The preflight as a run's check makes it."""
    node = world.workflow.node("push")
    return compare(world.database, world.clock, world.workflow, node, None, plans=False)


def edit(world, *mutations):
    """Do what a person does on the board."""
    with closing(MondayClient(world.workflow.connections["monday"])) as client:
        for mutation in mutations:
            answer = client.execute(f"mutation {{ {mutation} {{ id }} }}")
            assert not answer.errors, answer.errors


def drop(column, board=BOARD):
    return f'delete_column(board_id: {board}, column_id: "{column}")'


def put(column, kind, labels=None, board=BOARD):
    """Put a column on the board; labels by their ids."""
    defaults = json.dumps(json.dumps({"labels": labels})) if labels else "null"
    return (
        f'create_column(board_id: {board}, id: "{column}", title: "{column}", '
        f"column_type: {kind}, defaults: {defaults})"
    )


STATES = {"0": "Open", "1": "Done", "2": "Gone"}


def relabel(column, labels, board=BOARD):
    return [drop(column, board), put(column, "status", labels, board)]


def test_preflight_tells_all_faults_with_their_lines_and_passes_once_they_are_mended(
    world, loaded, tmp_path
):
    world.build(BOOK[1:], SIZES)
    assert preflight(loaded, tmp_path).nodes[0].faults == []
    world.build([order("SO-0", status="Odd"), *BOOK[1:]])
    good = preflight(loaded, tmp_path)
    assert good.success
    assert [one.kind for one in good.nodes[0].faults] == ["labels_wanted"]
    (node,) = good.nodes
    assert (node.rows, node.changes["create_item"], node.changes["create_subitem"]) == (12, 8, 4)
    assert good.as_json()["nodes"]["push"]["daily_calls_left"] > 9_000
    assert "0 of 10,000 items" in good.lines()[0]

    edit(
        world,
        drop("title"),
        drop("amount"),
        put("amount", "formula"),
        *relabel("state", {"1": "Done"}),
        drop("qty", SUB_BOARD),
    )
    world.control.settings(view_only=["personal"], limits={"calls_per_day": 8})
    bad = preflight(loaded, tmp_path)
    assert not bad.success
    told = "\n".join(bad.lines())
    found = bad.as_json()["nodes"]["push"]["faults"]
    assert {one["kind"] for one in found} == {
        *("view_only", "no_column", "not_writable", "no_label", "few_calls", "labels_wanted")
    }
    assert "waiting records want labels that column 'state' lacks: 'Open' (7), 'Odd' (1)" in told
    lines = loaded.path.read_text().splitlines()
    places = {(one["kind"], lines[one["line"] - 1].strip()) for one in found}
    assert ("no_column", "column: title") in places
    assert ("no_column", "column: qty") in places
    assert ("not_writable", "column: amount") in places
    assert ("no_label", "O: Open") in places
    assert f"orders.yaml:{found[0]['line']}:" in told
    # Nothing was written, and nothing was planned.
    ops = {"create_group", "create_item", "change_multiple_column_values"}
    assert ops.isdisjoint(world.writes())
    assert set(world.states().values()) == {"PENDING"}


def test_a_run_s_check_counts_rows_and_locks_none(world, monkeypatch):
    world.build(BOOK, SIZES)
    # Planning passes rows by that somebody else holds; counting does not.
    with world.database.transaction() as conn:
        conn.execute("select from orders_delta for update")
        found = as_checked(world)
    assert (found.rows, found.changes) == (12, {"create_item": 8, "create_subitem": 4})
    # Six that only read, and three for twelve changes, five at a time.
    assert found.requests == 9
    assert found.calls.left is not None
    world.push()
    monkeypatch.setattr(Push, "plan", None)
    idle = as_checked(world)
    assert (idle.rows, idle.changes.total(), idle.faults) == (0, 0, [])


def test_where_nothing_is_to_be_sent_no_calls_are_missing(world, monkeypatch):
    used_up = DailyCalls(total=5, used=5)
    monkeypatch.setattr(preflight_report, "read_daily_calls", lambda *_: used_up)
    assert as_checked(world).faults == []
    world.build(BOOK)
    (fault,) = as_checked(world).faults
    assert (fault.kind, fault.severity) == ("few_calls", Severity.WARNING)


def test_a_paused_account_is_a_warning_and_the_board_is_not_said_to_fit(
    world, loaded, tmp_path, monkeypatch
):
    def paused(_):
        raise AccountPaused(Pause("the day is used up", world.clock.now() + timedelta(hours=1)))

    monkeypatch.setattr(Push, "read_board", paused)
    report = preflight(loaded, tmp_path)
    assert report.success
    assert [one.kind for one in report.nodes[0].faults] == ["account_paused"]
    assert report.lines()[-1] == "  not known whether the board fits"
    # A pin asks within the account's budgets, too.
    with pytest.raises(AccountPaused):
        preflight(loaded, tmp_path, pin=True)
    assert not pin_path(loaded.path).exists()


def test_boards_that_cannot_be_compared_are_faults_too(world, loaded, tmp_path, make_world):
    world.control.settings(boards={BOARD: "archived"})
    (fault,) = preflight(loaded, tmp_path).as_json()["nodes"]["push"]["faults"]
    assert (fault["kind"], fault["message"]) == ("board_not_active", "the board is archived")
    missing = LoadedWorkflow(make_world(board_id="4711").workflow, loaded.path)
    stranger = LoadedWorkflow(make_world(token="nobody").workflow, loaded.path)
    for one, text in ((missing, "board 4711 does not exist"), (stranger, "refuses the token")):
        (fault,) = preflight(one, tmp_path).as_json()["nodes"]["push"]["faults"]
        assert fault["kind"] == "no_board"
        assert text in fault["message"]


def test_columns_and_a_proposal_are_printed_from_the_board(loaded, tmp_path):
    columns = preflight(loaded, tmp_path, columns=True).as_json()["yaml"]
    assert "{field: FIELD, column: amount, type: numbers}" in columns
    assert f"# subitems' board {SUB_BOARD}" in columns
    proposed = yaml.safe_load(preflight(loaded, tmp_path, propose="push").as_json()["yaml"])
    assert {"field": "due", "column": "due", "type": "date"} in proposed["items"]["columns"]
    assert proposed["subitems"]["columns"] == [{"field": "qty", "column": "qty", "type": "numbers"}]


def test_a_drift_from_the_pin_keeps_the_push_from_beginning_until_it_is_pinned_again(
    world, loaded, tmp_path
):
    pin = pin_path(loaded.path)
    assert preflight(loaded, tmp_path, pin=True).success
    world.sync(BOOK[:1], pin=pin)
    mark = world.mark()
    # A label that the workflow file does not name: only the pin knows it.
    edit(world, *relabel("state", {"0": "Open", "1": "Done"}))
    writes = world.mark()
    report = preflight(loaded, tmp_path)
    assert not report.success
    assert "since it was pinned: label 'Gone' of column 'state' is gone" in "".join(report.lines())
    with pytest.raises(ContractBroken, match="label 'Gone'"):
        world.sync(BOOK, pin=pin)
    assert world.writes(after=writes) == []
    assert preflight(loaded, tmp_path, pin=True).success
    world.push(pin=pin)
    assert set(world.states().values()) == {"SYNCED"}
    assert world.writes(after=mark).count("create_item") == 7


CHANGES = {
    "a column retyped": (
        ITEMS,
        [drop("due"), put("due", "numbers")],
        [drop("due"), put("due", "date")],
        "column 'due' was of type date, now it is numbers",
        "is of type numbers, not date",
    ),
    "a label deleted that the file names": (
        STATUSES,
        relabel("state", {"1": "Done", "2": "Gone"}),
        relabel("state", STATES),
        "label 'Open' of column 'state' is gone",
        "has no label 'Open'",
    ),
    "a label deleted that only records name": (
        STATUSES,
        relabel("stage", {"1": "Sewn"}, SUB_BOARD),
        relabel("stage", {"0": "Cut", "1": "Sewn"}, SUB_BOARD),
        "label 'Cut' of column 'stage' is gone",
        "changes wait for label 'Cut' of column 'stage'",
    ),
    "the board archived": (
        SUBITEMS,
        {"boards": {BOARD: "archived"}},
        {"boards": {BOARD: "active"}},
        "board 500 ('Orders') is archived",
        "the board is archived; restore it",
    ),
    "the right to edit lost": (
        ITEMS,
        {"view_only": ["personal"]},
        {"view_only": []},
        "the token's user may only view board 500 ('Orders')",
        "may only view the board",
    ),
}


def do(world, what):
    if isinstance(what, dict):
        world.control.settings(**what)
    else:
        edit(world, *what)


def push_with(world, change, at_pass):
    """Push, and change the board after the first request of a pass; stop where the push stops."""
    changed = []

    def meanwhile(*_):
        if not changed:
            changed.append(True)
            change()

    with closing(world.open(PushOptions())) as push:
        push.prepare()
        push.plan()
        for number in (ITEMS, SUBITEMS, STATUSES):
            report = push.deliver(number, meanwhile if number == at_pass else None)
            if report.stopped is not None:
                return report
    return None


@pytest.mark.parametrize("name", CHANGES)
def test_a_board_that_changes_in_mid_run_pauses_the_workflow_until_it_is_mended(world, name):
    at_pass, change, mend, stopped, refused = CHANGES[name]
    world.build(BOOK, SIZES)
    report = push_with(world, lambda: do(world, change), at_pass)
    assert stopped in report.stopped
    assert report.stopped.startswith("the board changed: ")
    # Not one request was sent after the first that failed for it.
    assert report.requests <= 3
    assert report.outcomes["rejected"] == 0
    assert "DEAD" not in {*world.states().values(), *world.states(LINES).values()}
    mark = world.mark()
    with pytest.raises(ContractBroken, match=refused):
        world.push()
    assert world.writes(after=mark) == []
    do(world, mend)
    world.push()
    assert set(world.states().values()) | set(world.states(LINES).values()) == {"SYNCED"}
    assert world.judged().counts == {"groups": 1, "items": 8, "subitems": 4}
    assert world.doubled() == []
    records = [str(row["record_uuid"]) for row in (*world.rows(), *world.rows(LINES))]
    assert world.keys() == dict.fromkeys(records, 1)
    assert world.push().requests == 0


def test_a_group_that_is_deleted_in_mid_run_stops_the_push_and_is_made_again(world):
    world.build(BOOK, SIZES)

    def delete():
        groups = {one["title"]: one["id"] for one in world.control.state()["boards"][0]["groups"]}
        edit(world, f'delete_group(board_id: {BOARD}, group_id: "{groups["ACME"]}")')

    report = push_with(world, delete, ITEMS)
    assert report.stopped.startswith("the board changed: group ")
    assert report.requests == 2
    # What was made only just now counts as gone once monday's reads must show it.
    world.database.execute("update remote_object set created_at = created_at - interval '1 hour'")
    world.push()
    assert set(world.states().values()) | set(world.states(LINES).values()) == {"SYNCED"}
    assert world.group_titles() == ["ACME", "Topics"]
    assert world.keys().total() == 12


def test_a_label_that_shall_stay_away_is_accepted_by_pinning_the_board(world, loaded, tmp_path):
    world.build(BOOK[:2], [line("SO-0", stage="Cut"), line("SO-1", stage="Sewn")])
    change = relabel("stage", {"1": "Sewn"}, SUB_BOARD)
    assert push_with(world, lambda: do(world, change), SUBITEMS) is not None
    pin = pin_path(loaded.path)
    with pytest.raises(ContractBroken, match="syncflow preflight --pin"):
        world.push(pin=pin)
    assert preflight(loaded, tmp_path, pin=True).success
    world.push(pin=pin)
    assert sorted(world.states(LINES).values()) == ["DEAD", "SYNCED"]
    reasons = [row["reason"] for row in world.rows(LINES) if row["state"] == "DEAD"]
    assert "status label doesn't exist" in reasons[0]


def test_a_lost_label_that_the_file_names_is_named_anew_and_everything_written_afresh(
    world, loaded, tmp_path, make_world
):
    world.build(BOOK, SIZES)
    change = relabel("state", {"1": "Done", "2": "Gone"})
    assert push_with(world, lambda: do(world, change), STATUSES) is not None
    pin = pin_path(loaded.path)
    with pytest.raises(ContractBroken, match="name another label in the workflow file"):
        world.push(pin=pin)
    states = {**ITEM_MAPPING["statuses"][0], "labels": {"O": "Done", "D": "Done"}}
    other = make_world(batch_size=5, items={**ITEM_MAPPING, "statuses": [states]})
    assert preflight(LoadedWorkflow(other.workflow, loaded.path), tmp_path, pin=True).success
    other.build(BOOK, SIZES, full_resync=True)
    other.push(pin=pin)
    newest = {row["record_uuid"]: row["state"] for row in other.rows()}
    assert set(newest.values()) == {"SYNCED"}
    assert other.doubled() == []

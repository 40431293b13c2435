"""Dead letters that go again and questions that are answered, with all that hangs on them."""

from __future__ import annotations

import json
from collections import Counter

from monday_world import BOARD, ITEM_MAPPING, LINES, line, order, workflow

from syncflow_dagster.commands.effects import EffectsReport
from syncflow_dagster.ledger.decisions import By, Decisions
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.plan import ITEMS

ANN = By("ann", "mended on the board")
BOOK = [order(f"SO-{n}") for n in range(4)]
SIZES = [line(f"SO-{n}") for n in range(4)]


def refuse(world, op, **settings):
    fault = {"service": "monday", "kind": "partial", "op": op, "code": "ColumnValueException"}
    world.control.faults({**fault, **settings})


def test_dead_letters_go_again_alone_and_a_refused_create_with_all_that_belongs_to_it(world):
    refuse(world, "create_item", times=1)
    world.sync(BOOK, SIZES)
    refuse(world, "change_multiple_column_values", times=1)
    world.sync([BOOK[0] | {"title": "Coat"}, *BOOK[1:]], SIZES)
    assert Counter(world.states().values()) == {"SYNCED": 2, "DEAD": 2}
    assert sorted(world.states(LINES).values()) == ["SYNCED", "SYNCED", "SYNCED", "WAITING"]
    world.control.clear_faults()
    decisions, mark = Decisions(world.database), world.mark()
    rows = decisions.effects("orders", "DEAD", 10)
    assert EffectsReport("orders", 2, rows).lines()[0] == "orders: 2 effects"
    tables = [node.table for node in world.workflow.deltas]
    assert decisions.retry_dead("orders", ANN, world.clock.now(), tables=tables) == 2
    world.push()
    assert Counter(world.states().values()) == {"SYNCED": 4}
    assert Counter(world.states(LINES).values()) == {"SYNCED": 4}
    # What was refused, and what hung on it; nothing that had arrived is sent again.
    assert Counter(world.writes(after=mark)) == {
        "create_item": 1,
        "create_subitem": 1,
        "change_multiple_column_values": 3,
    }
    assert world.doubled() == []
    assert decisions.retry_dead("orders", ANN, world.clock.now(), tables=tables) == 0


def test_what_was_overtaken_by_a_newer_change_is_not_brought_back(world):
    world.sync(BOOK[:1])
    refuse(world, "change_multiple_column_values")
    world.sync([BOOK[0] | {"title": "Coat"}])
    world.control.clear_faults()
    world.sync([BOOK[0] | {"title": "Cape"}])
    mark = world.mark()
    assert Decisions(world.database).retry_dead("orders", ANN, world.clock.now()) == 0
    world.push()
    assert world.writes(after=mark) == []
    assert world.board()["SO-0 Cape"]["values"]["title"] == "Cape"


def copy(world, key):
    """Make another item of a record, as a person does who copies one on the board."""
    client = MondayClient(world.workflow.connections["monday"])
    client.execute(
        "mutation ($board: ID!, $values: JSON) "
        '{ create_item(board_id: $board, item_name: "copy", column_values: $values) { id } }',
        {"board": BOARD, "values": json.dumps({"record_uuid": key})},
    )
    client.close()


def test_an_answer_lets_go_on_what_waited_for_it(world):
    """Nobody answered, and then there are two of each record: one is kept, one is dropped."""
    world.build(BOOK[:2], SIZES[:2])
    world.control.faults({"service": "monday", "kind": "lost_reply", "op": "create_item"})
    push = world.open()
    push.prepare()
    push.plan()
    look = push._destination.lookup

    def copied_meanwhile(effects):
        world.control.clear_faults()
        for effect in effects:
            copy(world, effect.payload["record_uuid"])
        return look(effects)

    push._destination.lookup = copied_meanwhile
    push.deliver(ITEMS)
    push.close()
    decisions, now = Decisions(world.database), world.clock.now()
    kept, dropped = decisions.effects("orders", "NEEDS_PERSON", 10)
    made = [one["remote_id"] for one in world.control.log() if one["op"] == "create_item"]
    assert len(made) == 4
    assert sum(remote_id in kept["reason"] for remote_id in made) == 2
    decisions.resolve(kept["effect_id"], "applied", ANN, now, made[0])
    decisions.resolve(dropped["effect_id"], "drop", ANN, now)
    mark = world.mark()
    world.push()
    assert world.states() == {"SO-0": "SYNCED", "SO-1": "SYNCED"}
    assert world.reason("SO-1") == "drop, by ann: mended on the board"
    assert sorted(world.states(LINES).values()) == ["SYNCED", "WAITING"]
    (below,) = (one for one in world.control.log(after=mark) if one["op"] == "create_subitem")
    assert below["payload"]["parent_item_id"] == made[0]
    assert "create_item" not in world.writes(after=mark)


def test_a_change_that_planning_refused_is_planned_again_and_never_sent_as_it_is(world):
    world.sync(BOOK)
    odd = [BOOK[0] | {"email": "nobody", "title": "Coat"}, BOOK[1] | {"title": "Cape"}, *BOOK[2:]]
    world.sync(odd)
    assert world.states()["SO-0"] == "DEAD"
    decisions, now = Decisions(world.database), world.clock.now()
    for _ in range(2):
        # Nothing is mended, so it is refused again, and keeps nobody else.
        assert decisions.retry_dead("orders", ANN, now) == 1
        world.push()
        assert Counter(world.states().values()) == {"DEAD": 1, "SYNCED": 3}
    connection = world.workflow.connections["monday"]
    columns = [one | {"on_invalid": "drop"} for one in ITEM_MAPPING["columns"]]
    world.workflow = workflow(connection.url, items={**ITEM_MAPPING, "columns": columns})
    assert decisions.retry_dead("orders", ANN, now) == 1
    mark = world.mark()
    world.push()
    assert world.states()["SO-0"] == "SYNCED"
    assert world.board()["SO-0 Coat"]["values"]["title"] == "Coat"
    assert set(world.writes(after=mark)) == {"change_multiple_column_values"}


def test_a_change_of_what_is_no_longer_on_the_board_becomes_a_create(world):
    world.sync(BOOK[:2], SIZES[:1])
    (item,) = (
        one["remote_id"]
        for one in world.control.log()
        if one["op"] == "create_item" and one["payload"]["item_name"].startswith("SO-0")
    )
    client = MondayClient(world.workflow.connections["monday"])
    client.execute("mutation ($i: ID!) { archive_item(item_id: $i) { id } }", {"i": item})
    client.close()
    world.sync([BOOK[0] | {"title": "Coat", "status": "D", "customer_name": "NEW"}, BOOK[1]])
    assert world.states()["SO-0"] == "DEAD"
    assert Decisions(world.database).retry_dead("orders", ANN, world.clock.now()) == 1
    world.push()
    assert world.states() == {"SO-0": "SYNCED", "SO-1": "SYNCED"}
    made = world.board()["SO-0 Coat"]
    assert (made["group"], made["values"]["state"]) == ("NEW", "Done")
    assert len(made["below"]) == 1
    assert world.doubled() == []

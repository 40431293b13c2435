"""What the operations do, seen through HTTP and through the log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

BOARD, SUB_BOARD = "9000000001", "9000000002"


def ops(control):
    return [(entry["op"], entry["key"]) for entry in control.log()]


def test_aliases_run_in_order_and_fail_alone(monday, control):
    body = monday.body(
        """mutation {
          first: create_item(board_id: 9000000001, item_name: "one") {id name group {id}}
          bad: create_item(board_id: 9000000001, item_name: "x", group_id: "nowhere") {id}
          worse: create_item(board_id: 1, item_name: "x") {id}
          last: create_item(board_id: 9000000001, item_name: "two", group_id: "low")
            {id group {title}}
        }"""
    )
    assert list(body["data"]) == ["first", "bad", "worse", "last"]
    assert body["data"]["bad"] is None
    assert body["data"]["worse"] is None
    assert body["data"]["first"]["group"] == {"id": "top"}
    assert body["data"]["last"]["group"] == {"title": "Low"}
    by_alias = {error["path"][0]: error["extensions"] for error in body["errors"]}
    assert by_alias["bad"]["code"] == "InvalidGroupIdException"
    assert by_alias["worse"]["code"] == "InvalidBoardIdException"
    assert by_alias["worse"]["error_data"] == {"board_id": 1}
    assert body["extensions"]["request_id"]
    assert ops(control) == [("create_item", "one"), ("create_item", "two")]


def test_later_aliases_see_what_earlier_ones_did(monday):
    item = monday.create("seen")
    data = monday.data(
        """mutation ($i: ID!) {
          a: change_simple_column_value(board_id: 9000000001, item_id: $i, column_id: "note",
             value: "1") {column_values(ids: ["note"]) {text}}
          b: change_simple_column_value(board_id: 9000000001, item_id: $i, column_id: "note",
             value: "2") {column_values(ids: ["note"]) {text}}
        }""",
        i=item,
    )
    assert [data[alias]["column_values"][0]["text"] for alias in "ab"] == ["1", "2"]


def test_undeclared_variables_are_ignored_and_int_ids_taken(monday):
    data = monday.data("query ($b: [ID!]) {boards(ids: $b) {id}}", b=[int(BOARD)], unused="x")
    assert data["boards"] == [{"id": BOARD}]


def test_column_values_that_are_not_json(monday, control):
    answer = monday.body(
        "mutation ($columnValues: JSON!) {change_multiple_column_values(board_id: 9000000001, "
        "item_id: 1, column_values: $columnValues) {id}}",
        columnValues="{not json",
    )
    error = answer["errors"][0]
    assert "data" not in answer
    assert error["message"] == "Variable $columnValues of type JSON! was provided invalid value"
    assert error["extensions"] == {
        "value": "{not json",
        "problems": [{"path": [], "explanation": "Syntax error in JSON input"}],
        "service": "monolith",
    }
    assert control.log() == []


def test_column_values_as_an_object_are_refused(monday):
    error = monday.error(
        'mutation ($v: JSON) {create_item(board_id: 9000000001, item_name: "x", '
        "column_values: $v) {id}}",
        v={"note": "x"},
    )
    assert error["extensions"]["problems"][0]["explanation"] == "Syntax error in JSON input"


@pytest.mark.parametrize("length", [1, 255])
def test_item_name_lengths_that_fit(monday, length):
    assert monday.create("n" * length)


def test_item_name_too_long_or_empty(monday, control):
    document = "mutation ($n: String!) {create_item(board_id: 9000000001, item_name: $n) {id}}"
    assert monday.error(document, n="n" * 256)["extensions"]["code"] == "ItemNameTooLongException"
    assert monday.error(document, n="")["extensions"]["code"] == "InvalidArgumentException"
    assert control.log() == []


def test_one_bad_column_rejects_the_item_and_its_new_labels(monday, control):
    error = monday.error(
        'mutation ($v: JSON) {create_item(board_id: 9000000001, item_name: "x", '
        "column_values: $v, create_labels_if_missing: true) {id}}",
        v='{"status": "Brand new", "numbers": "many"}',
    )
    assert error["extensions"]["code"] == "ColumnValueException"
    assert error["extensions"]["error_data"]["column_id"] == "numbers"
    board = control.state()["boards"][0]
    assert board["items"] == []
    labels = next(c["labels"] for c in board["columns"] if c["id"] == "status")
    assert labels == ["New", "Done"]
    assert control.log() == []


def test_unknown_column(monday):
    document = (
        'mutation {create_item(board_id: 9000000001, item_name: "x", '
        'column_values: "{\\"nope\\": 1}") {id}}'
    )
    error = monday.error(document)
    assert error["message"] == "This column ID doesn't exist for the board"
    assert error["extensions"]["code"] == "InvalidColumnIdException"


def test_log_entries_are_exact(monday, control):
    group = monday.data('mutation {create_group(board_id: 9000000001, group_name: "Acme") {id}}')[
        "create_group"
    ]["id"]
    item = monday.data(
        'mutation ($g: String) {create_item(board_id: 9000000001, item_name: "Order 1", '
        'group_id: $g, column_values: "{\\"record_uuid\\": \\"u-1\\"}") {id}}',
        g=group,
    )["create_item"]["id"]
    line = monday.create_below(item, "Line 1", record_uuid="u-2", qty="3")
    monday.change(item, note="hi")
    monday.change(item, note="hi")
    monday.change(line, board=SUB_BOARD, qty="4")
    log = control.log()
    assert [entry["seq"] for entry in log] == [1, 2, 3, 4, 5, 6]
    assert {entry["service"] for entry in log} == {"monday"}
    assert [(e["op"], e["key"], e["remote_id"]) for e in log] == [
        ("create_group", "Acme", group),
        ("create_item", "u-1", item),
        ("create_subitem", "u-2", line),
        ("change_multiple_column_values", "u-1", item),
        ("change_multiple_column_values", "u-1", item),
        ("change_multiple_column_values", "u-2", line),
    ]
    assert [entry["payload"]["changed"] for entry in log] == [True, True, True, True, False, True]
    assert log[1]["payload"] == {
        "board_id": BOARD,
        "group_id": group,
        "item_id": item,
        "item_name": "Order 1",
        "column_values": {"record_uuid": "u-1"},
        "changed": True,
    }
    assert log[2]["payload"]["board_id"] == SUB_BOARD
    assert log[2]["payload"]["parent_item_id"] == item
    assert [entry["seq"] for entry in control.log(after=4)] == [5, 6]


def test_subitems_live_on_their_own_board(monday):
    parent = monday.create("Parent")
    line = monday.create_below(parent, "Line")
    data = monday.data(
        "query ($p: [ID!], $l: [ID!]) {parents: items(ids: $p) {subitems {id}} "
        "lines: items(ids: $l) {board {id type} parent_item {id} group {title}} "
        "boards(ids: 9000000001) {columns(types: [subtasks]) {settings settings_str}}}",
        p=[parent],
        l=[line],
    )
    assert data["parents"][0]["subitems"] == [{"id": line}]
    assert data["lines"][0] == {
        "board": {"id": SUB_BOARD, "type": "sub_items_board"},
        "parent_item": {"id": parent},
        "group": {"title": "Subitems"},
    }
    column = data["boards"][0]["columns"][0]
    assert column["settings"] == {"boardIds": [int(SUB_BOARD)]}
    assert column["settings_str"] == '{"boardIds": [9000000002]}'


def test_subitem_board_appears_with_the_first_subitem(monday):
    board = monday.data(
        'mutation {create_board(board_name: "B", board_kind: public, empty: true)'
        " {id columns {id} items_count}}"
    )["create_board"]
    assert (board["columns"], board["items_count"]) == ([{"id": "name"}], 0)
    parent = monday.create("P", board=board["id"])
    refused = monday.error(
        'mutation ($p: ID!) {create_subitem(parent_item_id: $p, item_name: "s", '
        'column_values: "{\\"nope\\": 1}") {id}}',
        p=parent,
    )
    assert refused["extensions"]["code"] == "InvalidColumnIdException"
    query = "query ($b: [ID!]) {boards(ids: $b) {columns(types: [subtasks]) {settings}}}"
    assert monday.data(query, b=[board["id"]])["boards"][0]["columns"] == []
    line = monday.create_below(parent, "s")
    settings = monday.data(query, b=[board["id"]])["boards"][0]["columns"][0]["settings"]
    assert settings["boardIds"] == [
        int(
            monday.data("query ($i: [ID!]) {items(ids: $i) {board {id}}}", i=[line])["items"][0][
                "board"
            ]["id"]
        )
    ]
    assert monday.create_below(parent, "second")


def test_subitem_needs_a_live_parent(monday):
    parent = monday.create("P")
    line = monday.create_below(parent)
    document = 'mutation ($p: ID!) {create_subitem(parent_item_id: $p, item_name: "s") {id}}'
    assert monday.error(document, p="42")["extensions"]["code"] == "ResourceNotFoundException"
    assert monday.error(document, p=line)["extensions"]["code"] == "InvalidArgumentException"
    monday.data("mutation ($i: ID!) {archive_item(item_id: $i) {id}}", i=parent)
    assert monday.error(document, p=parent)["extensions"]["code"] == "InvalidItemIdException"


def test_archive_takes_subitems_along_and_is_harmless_twice(monday, control):
    parent = monday.create("P")
    line = monday.create_below(parent)
    archive = "mutation ($i: ID!) {archive_item(item_id: $i) {id state}}"
    for _ in range(2):
        assert monday.data(archive, i=parent)["archive_item"]["state"] == "archived"
    query = "query ($i: [ID!], $x: Boolean) {items(ids: $i, exclude_nonactive: $x) {id state}}"
    assert monday.data(query, i=[parent, line], x=None)["items"] == [
        {"id": parent, "state": "archived"},
        {"id": line, "state": "archived"},
    ]
    assert monday.data(query, i=[parent, line], x=True)["items"] == []
    assert [e["payload"]["changed"] for e in control.log()[-2:]] == [True, False]
    assert control.log()[-2]["payload"]["subitem_ids"] == [line]
    change = monday.change(parent, note="late")
    assert change["errors"][0]["extensions"]["code"] == "InvalidItemIdException"


def test_delete_twice_is_not_found(monday):
    item = monday.create("P")
    delete = "mutation ($i: ID!) {delete_item(item_id: $i) {id state}}"
    assert monday.data(delete, i=item)["delete_item"]["state"] == "deleted"
    assert monday.error(delete, i=item)["extensions"]["code"] == "ResourceNotFoundException"


def test_move_to_the_same_group_changes_nothing(monday, control):
    item = monday.create("P")
    move = (
        "mutation ($i: ID!, $g: String!) "
        "{move_item_to_group(item_id: $i, group_id: $g) {group {id}}}"
    )
    for group in ("low", "low"):
        assert monday.data(move, i=item, g=group)["move_item_to_group"]["group"]["id"] == "low"
    assert [e["payload"]["changed"] for e in control.log()[-2:]] == [True, False]
    wrong = monday.error(move, i=item, g="nowhere")
    assert wrong["extensions"]["code"] == "InvalidGroupIdException"


def test_updates_and_tags(monday, control):
    item = monday.create("P", record_uuid="u-9")
    update = monday.data(
        'mutation ($i: ID!) {create_update(item_id: $i, body: "Hello") {id body}}', i=item
    )["create_update"]
    shown = monday.data("query ($i: [ID!]) {items(ids: $i) {updates {id body}}}", i=[item])
    assert shown["items"][0]["updates"] == [update]
    assert (control.log()[-1]["op"], control.log()[-1]["key"]) == ("create_update", "u-9")
    tag = 'mutation {create_or_get_tag(tag_name: "rush") {id}}'
    first, second = (monday.data(tag)["create_or_get_tag"]["id"] for _ in range(2))
    assert first == second
    monday.change(item, tags={"tag_ids": [int(first)]})
    selection = "text ... on TagsValue {tag_ids tags {name}}"
    assert monday.cell(item, "tags", selection) == {
        "text": "rush",
        "tag_ids": [int(first)],
        "tags": [{"name": "rush"}],
    }


def test_board_that_is_full(monday, control):
    control.seed(
        {
            "boards": [
                {
                    "id": "9000000077",
                    "name": "Small",
                    "items_limit": 1,
                    "columns": [],
                    "groups": [{"id": "g", "title": "G"}],
                }
            ]
        }
    )
    item = monday.create("one", board="9000000077")
    full = 'mutation {create_item(board_id: 9000000077, item_name: "two") {id}}'
    assert monday.error(full)["extensions"]["code"] == "ItemsLimitationException"
    monday.data("mutation ($i: ID!) {delete_item(item_id: $i) {id}}", i=item)
    assert monday.data(full)["create_item"]["id"]


def test_requests_at_once_keep_the_state_whole(server, monday, control):
    def work(worker: int) -> None:
        client = type(monday)(server.urls["monday"])
        for n in range(20):
            names = (f"w{worker}-{n}-{k}" for k in range(3))
            fields = " ".join(
                f'a{k}: create_item(board_id: 9000000001, item_name: "{name}") {{id}}'
                for k, name in enumerate(names)
            )
            client.data(f"mutation {{{fields}}}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    log = control.log()
    expected = {f"w{w}-{n}-{k}" for w in range(2) for n in range(20) for k in range(3)}
    assert {entry["key"] for entry in log} == expected
    assert len({entry["remote_id"] for entry in log}) == len(log) == 120
    # The three aliases of one document are never interleaved with another document's.
    documents = [entry["key"].rsplit("-", 1)[0] for entry in log]
    assert all(len(set(documents[at : at + 3])) == 1 for at in range(0, 120, 3))

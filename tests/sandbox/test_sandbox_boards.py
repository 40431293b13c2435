"""Groups, columns and boards, seen through HTTP."""

from __future__ import annotations

import pytest

from syncflow_dagster.sandbox.control import ControlError

BOARD = "9000000001"


def groups(monday):
    found = monday.data("{boards(ids: 9000000001) {groups {title}}}")["boards"][0]["groups"]
    return [group["title"] for group in found]


def test_group_places(monday):
    create = (
        "mutation ($n: String!, $m: PositionRelative, $r: String) {create_group(board_id: "
        "9000000001, group_name: $n, position_relative_method: $m, relative_to: $r) {id}}"
    )
    monday.data(create, n="New on top")
    monday.data(create, n="Behind top", m="after_at", r="top")
    monday.data(create, n="Before low", m="before_at", r="low")
    assert groups(monday) == ["New on top", "Top", "Behind top", "Before low", "Low"]
    update = (
        "mutation ($a: GroupAttributes!, $v: String!) {update_group(board_id: 9000000001, "
        'group_id: "low", group_attribute: $a, new_value: $v) {title color}}'
    )
    monday.data(update, a="relative_position_before", v="top")
    assert groups(monday) == ["New on top", "Low", "Top", "Behind top", "Before low"]
    assert monday.data(update, a="title", v="Renamed")["update_group"]["title"] == "Renamed"
    assert monday.error(update, a="color", v="#ff0000")["extensions"]["code"]
    assert monday.data(update, a="color", v="red")["update_group"]["color"] == "#e2445c"


def test_last_group_stays_and_archived_groups_take_their_items(monday, control):
    item = monday.create("P")
    done = monday.data(
        'mutation {archive_group(board_id: 9000000001, group_id: "top") {id archived}}'
    )
    assert done["archive_group"] == {"id": "top", "archived": True}
    assert control.log()[-1]["payload"]["item_ids"] == [item]
    error = monday.error('mutation {delete_group(board_id: 9000000001, group_id: "low") {id}}')
    assert error["extensions"]["code"] == "DeleteLastGroupException"
    assert error["extensions"]["status_code"] == 409
    assert groups(monday) == ["Low"]


def test_created_column_takes_values_and_labels(monday):
    data = monday.data(
        'mutation {create_column(board_id: 9000000001, title: "Size", id: "size", column_type: '
        'status, defaults: "{\\"labels\\": [\\"S\\", \\"M\\"]}") {id type settings revision}}'
    )
    assert [n["label"] for n in data["create_column"]["settings"]["labels"]] == ["S", "M"]
    item = monday.create("P", size={"label": "M"})
    assert monday.cell(item, "size")["text"] == "M"
    again = (
        'mutation {create_column(board_id: 9000000001, title: "x", id: "size", '
        "column_type: text) {id}}"
    )
    assert monday.error(again)["extensions"]["code"] == "InvalidArgumentException"


def test_a_board_that_a_person_archives_takes_no_writes_until_it_is_restored(monday, control):
    control.settings(boards={BOARD: "archived"})
    try:
        assert monday.data("{boards(ids: 9000000001) {id}}")["boards"] == []
        seen = monday.data("{boards(ids: 9000000001, state: all) {state}}")["boards"]
        assert seen == [{"state": "archived"}]
        create = 'mutation {create_item(board_id: 9000000001, item_name: "n") {id}}'
        assert monday.error(create)["extensions"]["code"] == "InvalidBoardIdException"
        control.settings(boards={BOARD: "active"})
        monday.create()
        with pytest.raises(ControlError, match="there is no board 4711"):
            control.settings(boards={"4711": "archived"})
    finally:
        control.settings(boards={})


def test_a_user_who_may_only_view_reads_and_writes_nothing(monday, control):
    control.settings(view_only=["personal"])
    try:
        seen = monday.data("{boards(ids: 9000000001) {access_level}}")["boards"]
        assert seen == [{"access_level": "view"}]
        create = 'mutation {create_item(board_id: 9000000001, item_name: "n") {id}}'
        refused = monday.error(create)["extensions"]
        assert (refused["code"], refused["status_code"]) == ("UserUnauthorizedException", 403)
        assert control.log() == []
    finally:
        control.settings(view_only=[])
    assert monday.data("{boards(ids: 9000000001) {access_level}}")["boards"] == [
        {"access_level": "edit"}
    ]


def test_a_deleted_column_is_gone_and_what_it_held_comes_back_with_it(monday, control):
    item = monday.create("P", note="kept")
    delete = 'mutation {delete_column(board_id: 9000000001, column_id: "note") {id}}'
    monday.data(delete)
    assert control.log()[-1]["op"] == "delete_column"
    assert monday.error(delete)["extensions"]["code"] == "InvalidColumnIdException"
    error = monday.change(item, note="new")["errors"][0]["extensions"]
    assert error["code"] == "InvalidColumnIdException"
    monday.data(
        'mutation {create_column(board_id: 9000000001, id: "note", title: "Note", '
        "column_type: text) {id}}"
    )
    cells = f'{{items(ids: {item}) {{column_values(ids: ["note"]) {{text}}}}}}'
    assert monday.data(cells)["items"][0]["column_values"] == [{"text": "kept"}]


def test_the_account_tells_the_calls_of_today(monday):
    query = "{platform_api {daily_limit {total} daily_analytics {by_day {day usage}}}}"
    first, second = (monday.data(query)["platform_api"] for _ in range(2))
    (before,), (after,) = (one["daily_analytics"]["by_day"] for one in (first, second))
    assert after["usage"] == before["usage"] + 1
    assert first["daily_limit"]["total"] == 10_000

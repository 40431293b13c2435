"""Groups, columns and boards, seen through HTTP."""

from __future__ import annotations


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

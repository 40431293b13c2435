"""Queries: pages and cursors, rules, look-ups, ids, introspection."""

from __future__ import annotations

import json

import pytest

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.monday.model import Board, Group
from syncflow_dagster.sandbox.monday.state import MondayState, Versions, View

PAGE = (
    "query ($l: Int!, $q: ItemsQuery, $c: String) {boards(ids: 9000000001) "
    "{items_page(limit: $l, query_params: $q, cursor: $c) {cursor items {name}}}}"
)
NEXT = (
    "query ($c: String!, $l: Int!) {next_items_page(cursor: $c, limit: $l) {cursor items {name}}}"
)


def fill(monday, count):
    for start in range(0, count, 25):
        fields = " ".join(
            f'a{n}: create_item(board_id: 9000000001, item_name: "n{n}", column_values: '
            f'"{{\\"record_uuid\\": \\"u{n}\\", \\"numbers\\": \\"{n}\\"}}") {{id}}'
            for n in range(start, min(start + 25, count))
        )
        monday.data(f"mutation {{{fields}}}")


def page(monday, limit=500, rules=None, cursor=None, **query):
    params = ({"rules": rules} if rules is not None else {}) | query
    data = monday.data(PAGE, l=limit, q=params or None, c=cursor)
    return data["boards"][0]["items_page"]


def names(found):
    return [item["name"] for item in found["items"]]


def rule(column, value, operator=None):
    return {"column_id": column, "compare_value": value} | (
        {"operator": operator} if operator else {}
    )


def test_pages_by_cursor(monday):
    fill(monday, 7)
    first = page(monday, 3)
    second = monday.data(NEXT, c=first["cursor"], l=3)["next_items_page"]
    third = page(monday, 3, cursor=second["cursor"])
    assert names(first) + names(second) + names(third) == [f"n{n}" for n in range(7)]
    assert third["cursor"] is None
    exact = page(monday, 7)
    assert exact["cursor"] is None


def test_cursor_carries_its_filter_and_expires_after_an_hour_from_the_first_page(monday, clock):
    fill(monday, 6)
    first = page(monday, 2, rules=[rule("record_uuid", ["u1", "u3", "u5"])])
    clock.advance(3599)
    second = monday.data(NEXT, c=first["cursor"], l=1)["next_items_page"]
    assert (names(first), names(second)) == (["n1", "n3"], ["n5"])
    clock.advance(2)
    asked = {"q": None, "c": first["cursor"], "l": 1}
    for expired in (monday.body(NEXT, **asked), monday.body(PAGE, **asked)):
        # Clients that read `data` first have failed on this.
        assert "data" not in expired
        (error,) = expired["errors"]
        assert error["message"].startswith("CursorExpiredError: ")
        assert error["extensions"] == {"code": "CursorException", "status_code": 200}


def test_a_later_page_s_cursor_lives_no_longer_than_the_first_s(monday, clock):
    fill(monday, 3)
    first = page(monday, 1)
    clock.advance(3_000)
    second = monday.data(NEXT, c=first["cursor"], l=1)["next_items_page"]
    clock.advance(601)
    assert "data" not in monday.body(NEXT, c=second["cursor"], l=1)


def test_page_size_limits_and_unknown_cursor(monday):
    for limit in (0, 501):
        errors = monday.body(PAGE, l=limit, q=None, c=None)["errors"]
        assert errors[0]["extensions"]["code"] == "InvalidArgumentException"
    assert monday.body(NEXT, c="made-up", l=1)["errors"]


def test_pages_hold_active_items_only(monday):
    gone, kept = monday.create("gone"), monday.create("kept")
    monday.data("mutation ($i: ID!) {archive_item(item_id: $i) {id}}", i=gone)
    assert names(page(monday)) == ["kept"]
    counts = "{boards(ids: 9000000001) {items_count items_limit}}"
    assert monday.data(counts)["boards"] == [{"items_count": 1, "items_limit": 10_000}]
    monday.data("mutation ($i: ID!) {delete_item(item_id: $i) {id}}", i=kept)
    assert names(page(monday)) == []


@pytest.mark.parametrize(
    ("rules", "operator", "found"),
    [
        ([rule("record_uuid", ["u1", "u9", "zz"])], "and", ["n1"]),
        ([rule("record_uuid", "u2")], "and", ["n2"]),
        ([rule("name", ["n0", "n3"])], "and", ["n0", "n3"]),
        ([rule("group", ["low"])], "and", []),
        ([rule("record_uuid", ["u1"], "not_any_of")], "and", ["n0", "n2", "n3"]),
        ([rule("numbers", ["1"], "greater_than")], "and", ["n2", "n3"]),
        ([rule("numbers", [1, 2], "between")], "and", ["n1", "n2"]),
        ([rule("numbers", "1", "lower_than_or_equal")], "and", ["n0", "n1"]),
        ([rule("status", [1])], "and", ["n3"]),
        ([rule("status", [], "is_empty")], "and", ["n0", "n1", "n2"]),
        ([rule("status", [], "is_not_empty")], "and", ["n3"]),
        ([rule("name", "N2", "contains_text")], "and", ["n2"]),
        ([rule("name", "n2", "not_contains_text")], "and", ["n0", "n1", "n3"]),
        ([rule("note", "kilo", "contains_terms")], "and", ["n3"]),
        ([rule("note", "alpha", "starts_with")], "and", ["n3"]),
        ([rule("name", ["n0"]), rule("name", ["n1"])], "and", []),
        ([rule("name", ["n0"]), rule("name", ["n1"])], "or", ["n0", "n1"]),
        # Malformed rules are answered with nothing, not with an error.
        ([rule("no_such_column", ["x"])], "and", []),
        ([rule("record_uuid", [])], "and", []),
        ([rule("status", ["1"], "greater_than")], "and", []),
    ],
)
def test_rules(monday, rules, operator, found):
    fill(monday, 4)
    last = names_to_ids(monday)["n3"]
    monday.change(last, status="Done", note="alpha kilo")
    assert names(page(monday, rules=rules, operator=operator)) == found


def names_to_ids(monday):
    data = monday.data("{boards(ids: 9000000001) {items_page(limit: 500) {items {id name}}}}")
    return {item["name"]: item["id"] for item in data["boards"][0]["items_page"]["items"]}


def test_dates_people_and_order(monday):
    one = monday.create("one", date="2026-10-01", people="1001")
    monday.create("two", date="2026-10-09", people="1002")
    ranges = [rule("date", ["2026-10-01", "2026-10-05"], "between")]
    assert names(page(monday, rules=ranges)) == ["one"]
    assert names(page(monday, rules=[rule("date", ["EXACT", "2026-10-09"])])) == ["two"]
    assert names(page(monday, rules=[rule("people", ["person-1002"])])) == ["two"]
    order = [{"column_id": "date", "direction": "desc"}]
    assert names(page(monday, order_by=order)) == ["two", "one"]
    assert names(page(monday, ids=[one])) == ["one"]


def test_mirror_columns_cannot_be_searched(monday):
    body = monday.body(PAGE, l=10, q={"rules": [rule("mirror", ["x"])]}, c=None)
    assert body["data"]["boards"] == [None]
    assert body["errors"][0]["extensions"]["code"] == "InvalidColumnTypeException"


LOOKUP = (
    "query ($c: [ItemsPageByColumnValuesQuery!], $n: String, $l: Int!) "
    "{items_page_by_column_values(board_id: 9000000001, columns: $c, cursor: $n, limit: $l) "
    "{cursor items {name}}}"
)


def test_look_up_by_column_values(monday):
    fill(monday, 5)
    wanted = [
        {"column_id": "record_uuid", "column_values": ["u1", "u2", "u3"]},
        {"column_id": "numbers", "column_values": ["2", "3", "4"]},
    ]
    first = monday.data(LOOKUP, c=wanted, n=None, l=1)["items_page_by_column_values"]
    rest = monday.data(LOOKUP, c=None, n=first["cursor"], l=5)["items_page_by_column_values"]
    assert (names(first), names(rest)) == (["n2"], ["n3"])
    bad = monday.body(LOOKUP, c=[{"column_id": "nope", "column_values": [""]}], n=None, l=1)
    assert bad["data"] is None
    assert bad["errors"][0]["extensions"]["code"] == "InvalidColumnIdException"


def test_items_default_to_25_and_take_100_ids(monday):
    fill(monday, 30)
    ids = list(names_to_ids(monday).values())
    query = "query ($i: [ID!], $l: Int, $p: Int) {items(ids: $i, limit: $l, page: $p) {id}}"
    assert len(monday.data("query ($i: [ID!]) {items(ids: $i) {id}}", i=ids)["items"]) == 25
    assert len(monday.data(query, i=ids, l=100, p=1)["items"]) == 30
    assert len(monday.data(query, i=ids, l=25, p=2)["items"]) == 5
    unknown = monday.data(query, i=[ids[0], "424242"], l=100, p=1)["items"]
    assert unknown == [{"id": ids[0]}]
    error = monday.error(query, i=[str(n) for n in range(101)], l=101, p=1)
    assert error["extensions"]["code"] == "InvalidArgumentException"


def test_boards_leave_out_what_is_not_there(monday):
    data = monday.data("{boards(ids: [9000000001, 4242]) {id name state type}}")
    assert data["boards"] == [
        {"id": "9000000001", "name": "Orders", "state": "active", "type": "board"}
    ]


def test_group_pages(monday):
    monday.create("above")
    monday.data(
        'mutation {create_item(board_id: 9000000001, item_name: "below", group_id: "low") {id}}'
    )
    data = monday.data("{boards(ids: 9000000001) {groups {id items_page {items {name}}}}}")
    found = {g["id"]: names(g["items_page"]) for g in data["boards"][0]["groups"]}
    assert found == {"top": ["above"], "low": ["below"]}


def test_introspection_and_small_queries(monday):
    data = monday.data(
        "{__schema {mutationType {fields {name}}} version {kind value} versions {value} "
        "me {id account {tier}} platform_api {daily_limit {base total}}}"
    )
    mutations = {field["name"] for field in data["__schema"]["mutationType"]["fields"]}
    assert {"create_item", "create_subitem", "archive_item"} <= mutations
    assert data["version"] == {"kind": "current", "value": "2026-10"}
    assert "2025-04" in {version["value"] for version in data["versions"]}
    assert data["me"]["account"]["tier"] == "pro"
    assert data["platform_api"]["daily_limit"] == {"base": 10_000, "total": 10_000}


def test_documents_that_do_not_fit_the_schema(monday):
    error = monday.error("{nonsense}")
    assert error["message"] == 'Cannot query field "nonsense" on type "Query".'
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert monday.body("{boards {")["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


def test_bodies_that_are_no_request(monday):
    headers = {"Authorization": "sandbox-personal", "Content-Type": "application/json"}
    for body in (b"not json", b"[]", b"{}", b'{"query": "{me {id}}", "variables": []}'):
        answer = monday.session.post(monday.url, data=body, headers=headers, timeout=20)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["extensions"]["code"] == "JsonParseException"


def test_variables_as_text_and_chosen_operation(monday):
    body = {
        "query": "query a {boards(ids: 1) {id}} query b($i: [ID!]) {boards(ids: $i) {id}}",
        "operationName": "b",
        "variables": json.dumps({"i": ["9000000001"]}),
    }
    headers = {"Authorization": "Bearer sandbox-app"}
    answer = monday.session.post(monday.url, json=body, headers=headers, timeout=20).json()
    assert answer["data"] == {"boards": [{"id": "9000000001"}]}


def test_versions_of_a_record():
    versions: Versions[str] = Versions(horizon_s=10)
    for at, value in ((1.0, "a"), (2.0, "b"), (30.0, "c")):
        versions.put("x", value, at)
    assert versions.get("x") == "c"
    # 1.0 is beyond the horizon; the version that was present at the horizon is kept.
    assert [versions.get("x", at) for at in (1.5, 2.0, 29.0, 30.0)] == [None, "b", "b", "c"]
    assert versions.get("y") is None


def test_a_lagging_view_counts_what_it_sees():
    clock = ManualClock()
    state = MondayState(clock)
    group = Group("g", "1", "G", "#000000", 1.0)
    state.put_board(Board("1", "B", 0.0, {}, {"g": group}, 10))
    clock.advance(5)
    assert View(state, as_of=4.0).boards() == View(state).boards()
    assert View(state, as_of=-1.0).boards() == []


def test_a_later_page_leaves_out_what_was_archived_meanwhile(monday):
    fill(monday, 4)
    first = page(monday, 1)
    gone = names_to_ids(monday)["n2"]
    monday.data("mutation ($i: ID!) {archive_item(item_id: $i) {id}}", i=gone)
    second = monday.data(NEXT, c=first["cursor"], l=5)["next_items_page"]
    assert names(second) == ["n1", "n3"]

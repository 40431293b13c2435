"""The judge sees what happened; it must not be possible to please it with a wrong log."""

from syncflow_dagster.testing.judge import group_titles, judge


def line(op, key, remote_id="1", **payload):
    payload = {"board_id": "9", "changed": True, **payload}
    return {"op": op, "key": key, "remote_id": remote_id, "payload": payload}


def test_creates_are_counted_by_kind_and_customer():
    log = [
        line("create_group", "ACME", "g1"),
        line("create_item", "a", "i1", group_id="g1"),
        line("create_item", "b", "i2", group_id="old"),
        line("create_subitem", "c", "s1", board_id="8", parent_item_id="i1", group_id="x"),
    ]
    found = judge(log, {"old": "Older"})
    assert found.counts == {"groups": 1, "items": 2, "subitems": 1}
    assert found.customers == {"ACME": {"items": 1, "subitems": 1}, "Older": {"items": 1}}
    assert found.duplicates == 0
    assert found.writes == 4


def test_a_second_create_of_a_living_thing_is_a_duplicate():
    log = [line("create_item", "a", str(n), group_id="g") for n in range(3)]
    assert judge(log, {}).duplicates == 2
    assert judge([line("create_group", "A", "1"), line("create_group", "A", "2")], {}).duplicates


def test_the_same_key_on_another_board_is_none():
    log = [
        line("create_item", "a", "1", group_id="g"),
        line("create_subitem", "a", "2", board_id="8", parent_item_id="1"),
    ]
    assert judge(log, {}).duplicates == 0


def test_a_create_after_an_archive_is_none_but_the_one_after_that_is():
    create = line("create_item", "a", group_id="g")
    archive = line("archive_item", "a")  # the same remote id, as all lines of this test
    assert judge([create, archive, create], {}).duplicates == 0
    assert judge([create, archive, create], {}).live["a"] == 1
    assert judge([create, archive, create, create], {}).duplicates == 1
    without_effect = line("archive_item", "a", changed=False)
    assert judge([create, without_effect, create], {}).duplicates == 1


def test_what_was_archived_is_no_longer_there():
    log = [line("create_item", "a", group_id="g"), line("archive_item", "a")]
    assert judge(log, {}).live["a"] == 0


def test_other_writes_are_counted_by_operation():
    log = [line("change_multiple_column_values", "a"), line("move_item_to_group", "a")]
    assert judge(log, {}).changes == {"change_multiple_column_values": 1, "move_item_to_group": 1}


def test_titles_come_from_the_picture_of_the_boards():
    state = {"boards": [{"groups": [{"id": "g", "title": "G"}]}, {"groups": []}]}
    assert group_titles(state) == {"g": "G"}


def test_subitems_go_with_their_item_and_may_come_back_with_it():
    item = line("create_item", "a", "i1", group_id="g")
    child = line("create_subitem", "b", "s1", board_id="8", parent_item_id="i1")
    archive = line("archive_item", "a", "i1", subitem_ids=["s1"])
    again = [
        line("create_item", "a", "i2", group_id="g"),
        line("create_subitem", "b", "s2", board_id="8", parent_item_id="i2"),
    ]
    found = judge([item, child, archive, *again], {})
    assert found.duplicates == 0
    assert found.live == {"a": 1, "b": 1}
    assert judge([item, child, archive], {}).live == {}
    assert judge([item, child, *again], {}).duplicates == 2

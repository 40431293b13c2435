"""Values at the edge: scripts, emoji, lengths, and group titles that look alike."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from monday_world import BOARD, LINES, line, order

NFC, NFD = (unicodedata.normalize(form, "Café Ünal") for form in ("NFC", "NFD"))


def by_hand(world, *mutations):
    """Do what a person does on the board; returns the ids."""
    push = world.open()
    try:
        ids = []
        for mutation in mutations:
            answer = push._client.execute(f"mutation {{it: {mutation} {{id}}}}")
            assert not answer.errors, answer.errors
            ids.append(answer.data["it"]["id"])
        return ids
    finally:
        push.close()


def new_group(title):
    return f'create_group(board_id: {BOARD}, group_name: "{title}")'


def test_titles_that_only_differ_in_their_encoding_are_one_group(world):
    assert NFC != NFD
    world.sync([order("SO-1", NFC), order("SO-2", NFD), order("SO-3", f"  {NFC}  ")])
    assert world.group_titles() == [NFC, "Topics"]
    assert {one["group"] for one in world.board().values()} == {NFC}
    # A record whose customer is only written in another way is a change that moves nothing.
    mark = world.mark()
    world.sync([order("SO-1", NFD), order("SO-2", NFD), order("SO-3", NFD)])
    assert all(not one["payload"]["changed"] for one in world.control.log(after=mark))


def test_a_group_a_person_made_in_another_encoding_is_used(world):
    by_hand(world, new_group(NFD))
    world.sync([order("SO-1", NFC)])
    assert "create_group" not in world.writes()[1:]
    assert world.board()["SO-1 Shirt"]["group"] == NFD


def test_of_groups_that_look_alike_the_first_on_the_board_is_used_each_time(world):
    """New groups go on top, so the one made last is the first."""
    by_hand(world, new_group("ACME"), new_group(" ACME "))
    for number in range(2):
        world.sync([order(f"SO-{n}") for n in range(number + 1)])
    assert {one["group"] for one in world.board().values()} == {" ACME "}
    assert Counter(world.writes())["create_group"] == 2


def test_of_two_groups_with_one_title_the_first_on_the_board_is_used(world):
    _, top = by_hand(world, new_group("ACME"), new_group("ACME"))
    world.sync([order("SO-1")])
    assert Counter(world.writes())["create_group"] == 2
    assert {one["group_id"] for one in world.board_items()} == {top}


def test_a_title_longer_than_a_group_may_have_is_cut_and_known_again(world):
    title = "Customer " + "x" * 244 + " y and what follows"
    world.sync([order("SO-1", title)])
    world.sync([order("SO-1", title), order("SO-2", title)])
    written = [one for one in world.group_titles() if one != "Topics"]
    assert len(written) == 1
    assert written[0] == title[:255].rstrip()
    assert len(world.board()) == 2


def test_titles_that_are_the_same_up_to_their_255th_letter_share_a_group(world):
    world.sync([order("SO-1", "x" * 300), order("SO-2", "x" * 299 + "y")])
    assert len(world.group_titles()) == 2


@pytest.mark.parametrize("blank", [None, "", "   "])
def test_no_customer_is_the_group_of_those_without_one(world, blank):
    world.sync([order("SO-1", blank)])
    assert world.board()["SO-1 Shirt"]["group"] == "Nobody"


def test_a_customer_that_is_taken_away_moves_the_item_there(world):
    world.sync([order("SO-1")])
    world.sync([order("SO-1", None)])
    assert world.board()["SO-1 Shirt"]["group"] == "Nobody"


def test_a_customer_called_like_the_group_of_those_without_one_shares_it(world):
    world.sync([order("SO-1", "Nobody"), order("SO-2", None)])
    assert world.group_titles() == ["Nobody", "Topics"]


@pytest.mark.parametrize(
    "text",
    [
        "مرحبا بالعالم",
        "שלום 123",
        "客户订单",
        "👩‍👩‍👧‍👦 family",
        'quotes " and \\ and {braces} and $variables',
        "line\u2028separator",
        "\u202ereversed",
        "</script><b>bold</b>",
        "'; drop table effect; --",
        "null",
        "%s %(x)s",
    ],
)
def test_any_text_arrives_as_it_is(world, text):
    world.sync([order("SO-1", text, title=text)], [line("SO-1", text)])
    ((name, item),) = world.board().items()
    shown = " ".join(text.split())
    assert name == f"SO-1 {shown}"
    assert item["values"]["title"] == shown
    assert item["group"] == shown
    assert list(item["below"]) == [f"SO-1 {shown}"]
    assert world.states() == {"SO-1": "SYNCED"}


def test_a_name_of_255_emoji_arrives_and_one_of_256_is_refused(world):
    world.sync([order("🧵" * 127, title="🪡" * 127), order("🧵" * 127, title="x" * 128)][:1])
    (name,) = world.board()
    assert len(name) == 255
    world.sync([order("🧵" * 127, title="🪡" * 128)])
    assert list(world.states().values()) == ["DEAD"]
    assert "256 characters" in world.reason("🧵" * 127)
    assert list(world.board()) == [name]


def test_numbers_of_many_digits_keep_each_of_them(world):
    amount = "12345678901234567890.1234567891"
    world.sync([order("SO-1", amount=amount)])
    assert world.board()["SO-1 Shirt"]["values"]["amount"] == amount
    # The answer to a change is lost: the look-up knows the number again.
    world.control.faults(kind="lost_reply", op="change_multiple_column_values", nth=1, times=1)
    mark = world.mark()
    world.sync([order("SO-1", amount="0.0000000001")])
    assert world.writes(after=mark) == ["change_multiple_column_values"]
    assert world.board()["SO-1 Shirt"]["values"]["amount"] == "0.0000000001"


def test_every_change_whose_answer_is_lost_is_recognised(world):
    """Each kind of column is known again by what the board shows."""
    world.sync([order("SO-1")], [line("SO-1")])
    new = {
        "title": "Skirt",
        "amount": "7.250",
        "due": "2027-01-31",
        "approved": False,
        "email": "x@y.zz",
        "status": "D",
    }
    world.control.faults(kind="lost_reply", op="mutation")
    mark = world.mark()
    world.build([order("SO-1", "Beta", **new)], [line("SO-1", qty=9, stage="Sewn")])
    world.push()
    world.control.clear_faults()
    writes = Counter(world.writes(after=mark))
    assert writes == {
        "create_group": 1,
        "move_item_to_group": 1,
        "change_multiple_column_values": 4,
    }
    assert world.states() == {"SO-1": "SYNCED"}
    assert world.states(LINES) == {"SO-1 / M": "SYNCED"}
    assert world.board()["SO-1 Skirt"] == {
        "group": "Beta",
        "values": {
            "title": "Skirt",
            "amount": "7.25",
            "due": "2027-01-31",
            "email": "x@y.zz",
            "state": "Done",
        },
        "below": {"SO-1 M": {"qty": "9", "stage": "Sewn"}},
    }


def test_every_create_whose_answer_is_lost_is_recognised(world):
    world.control.faults(kind="lost_reply", op="mutation")
    world.sync([order("SO-1", NFD)], [line("SO-1")])
    world.control.clear_faults()
    assert world.judged().counts == {"groups": 1, "items": 1, "subitems": 1}
    assert world.states() == {"SO-1": "SYNCED"}
    assert world.states(LINES) == {"SO-1 / M": "SYNCED"}

"""The fake Unipile's invitations: the provider's rules, and what reads show of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from unipile_service import refused

from syncflow_dagster.sandbox.unipile.cursors import decode

LIMIT = "cannot_resend_yet"


def test_an_invitation_goes_its_way(unipile):
    answer = unipile.invite(note="Hello Zoë")
    assert (answer.status_code, answer.json()["object"]) == (200, "UserInvitationSent")
    [row] = unipile.get("/users/invite/sent")["items"]
    assert row["id"] == answer.json()["invitation_id"]
    assert row["id"].isdecimal()
    assert row["invited_user_id"] == unipile.id()
    assert row["invitation_text"] == "Hello Zoë"
    shown = unipile.get("/users/person-0")
    assert shown["invitation"] == {"type": "SENT", "status": "PENDING"}
    assert refused(unipile.invite()) == (422, "already_invited_recently")
    assert unipile.get("/users/relations")["items"] == unipile.get("/chats")["items"] == []

    unipile.advance(hours=3)
    unipile.deed("accept")
    assert unipile.get("/users/invite/sent")["items"] == []
    [relation] = unipile.get("/users/relations")["items"]
    assert relation["member_id"] == unipile.id()
    assert relation["created_at"] == unipile.now().timestamp() * 1000
    shown = unipile.get("/users/person-0")
    assert (shown["network_distance"], shown["is_relationship"]) == ("FIRST_DEGREE", True)
    assert "invitation" not in shown
    # The note is the first message of their chat: no answer of the person's.
    [note] = unipile.get("/messages")["items"]
    assert (note["message_type"], note["is_sender"]) == ("INVITATION", 1)
    assert note["text"] == "Hello Zoë"
    assert refused(unipile.invite()) == (422, "already_connected")
    [logged] = unipile.log()
    assert (logged["op"], logged["key"], logged["remote_id"]) == ("invite", unipile.id(), row["id"])
    assert logged["payload"] == {"account": "acc_anna", "text": "Hello Zoë"}


@pytest.mark.parametrize("end", ["withdraw", "decline"])
def test_who_was_invited_cannot_be_invited_again_for_three_weeks(unipile, end):
    number = unipile.invite().json()["invitation_id"]
    if end == "decline":
        unipile.deed("decline")
    else:
        path = f"/users/invite/sent/{number}"
        answer = unipile.send("DELETE", path, params={"account_id": "acc_anna"})
        assert answer.json() == {"object": "InvitationCanceled"}
        again = unipile.send("DELETE", path, params={"account_id": "acc_anna"})
        assert refused(again) == (404, "resource_not_found")
        assert [one["op"] for one in unipile.log()] == ["invite", "withdraw"]
    assert unipile.get("/users/invite/sent")["items"] == []
    status = {"withdraw": "WITHDRAWN", "decline": "IGNORED"}[end]
    assert unipile.get("/users/person-0")["invitation"] == {"type": "SENT", "status": status}
    unipile.advance(days=20.9)
    assert refused(unipile.invite()) == (422, "already_invited_recently")
    # Another account may.
    assert unipile.invite(account="acc_carla").status_code == 200
    unipile.advance(days=0.2)
    assert "invitation" not in unipile.get("/users/person-0")
    assert unipile.invite().status_code == 200


def test_what_is_refused_and_in_which_order(unipile):
    def invite(**body):
        return refused(unipile.send("POST", "/users/invite", json=body))

    known = {"account_id": "acc_anna", "provider_id": unipile.id()}
    assert invite(account_id="acc_anna") == (400, "missing_parameters")
    assert invite(provider_id=unipile.id()) == (400, "missing_parameters")
    assert invite(**known | {"account_id": "nobody"}) == (404, "resource_not_found")
    # A slug is no id.
    assert invite(**known | {"provider_id": "person-0"}) == (422, "invalid_recipient")
    assert invite(**known, message="x" * 301) == (400, "too_many_characters")
    assert refused(unipile.invite("shy-sam")) == (422, "cannot_invite_attendee")
    assert refused(unipile.invite("anna-berg")) == (422, "cannot_invite_attendee")
    unipile.deed("invites_account", person="person-1")
    assert unipile.get("/users/person-1")["invitation"] == {"type": "RECEIVED", "status": "PENDING"}
    assert unipile.get("/users/invite/sent")["items"] == []
    # Connected comes before any limit: who is connected takes none of it.
    unipile.deed("connect", person="person-2")
    unipile.settings(invites_per_day=0)
    assert refused(unipile.invite("person-2")) == (422, "already_connected")
    assert refused(unipile.invite()) == (422, LIMIT)
    assert unipile.log() == []


def test_notes_of_free_accounts_are_short_and_few(unipile):
    assert refused(unipile.invite(note="x" * 201, account="acc_bob")) == (
        400,
        "too_many_characters",
    )
    # As JavaScript counts: an emoji is two.
    assert refused(unipile.invite(note="😀" * 101, account="acc_bob"))[0] == 400
    unipile.settings(note_too_long="invalid_message")
    assert refused(unipile.invite(note="x" * 201, account="acc_bob")) == (422, "invalid_message")
    unipile.settings(note_quota=2)
    for number in range(2):
        assert unipile.invite(f"person-{number}", "x" * 200, "acc_bob").status_code == 200
    assert refused(unipile.invite("person-2", "Hi", "acc_bob")) == (422, "limit_exceeded")
    assert unipile.invite("person-2", None, "acc_bob").status_code == 200
    # A subscription has as many as it likes, and longer ones.
    for number in range(3):
        assert unipile.invite(f"person-{number}", "x" * 300).status_code == 200
    unipile.advance(days=30.1)
    assert unipile.invite("person-3", "Hi", "acc_bob").status_code == 200


def test_limits_are_the_accounts_and_their_landings_are_told_once(unipile):
    unipile.settings(invites_per_day=4, invites_per_week=6)
    usage = [unipile.invite(f"person-{number}").json().get("usage") for number in range(4)]
    # Half the day's, half the week's with three quarters of the day's, then all of the day's.
    assert usage == [None, 50, 75, 95]
    assert refused(unipile.invite("person-9")) == (422, LIMIT)
    # What the owner does by hand counts as well.
    unipile.deed("owner_invite", "acc_carla", "person-9")
    assert unipile.invite("person-8", account="acc_carla").json()["usage"] == 50
    unipile.advance(days=1)
    assert unipile.invite("person-4").status_code == 200
    assert unipile.invite("person-5").status_code == 200
    assert refused(unipile.invite("person-6")) == (422, LIMIT)
    unipile.advance(days=6)
    assert unipile.invite("person-6").status_code == 200


def test_the_list_of_what_is_out_is_paged_and_its_dates_are_coarse(unipile):
    for number in range(12):
        unipile.invite(f"person-{number}")
        unipile.advance(hours=25)
    page = unipile.get("/users/invite/sent")
    assert len(page["items"]) == 10
    assert decode(page["cursor"]) == {"limit": 10, "cursor": 10}
    rest = unipile.get("/users/invite/sent", cursor=page["cursor"])
    slugs = [row["invited_user_public_id"] for row in page["items"] + rest["items"]]
    assert slugs == [f"person-{number}" for number in reversed(range(12))]
    assert rest["cursor"] is None
    dates = {row["date"]: row["parsed_datetime"] for row in page["items"] + rest["items"]}
    assert set(dates) == {
        "Sent 1 day ago", "Sent 2 days ago", "Sent 3 days ago", "Sent 4 days ago",
        "Sent 5 days ago", "Sent 6 days ago", "Sent 1 week ago",
    }  # fmt: skip
    # Eight days or twelve: a week.
    week = unipile.now().timestamp() - 7 * 86_400
    assert dates["Sent 1 week ago"][:19] == _iso(week)
    unipile.settings(language="fr", profile="live_2026")
    first = unipile.get("/users/invite/sent", limit=1)["items"][0]
    assert first["date"] == "Envoyée il y a 1 jour"
    assert first["invited_user_profile_picture_url"]
    bad = unipile.send("GET", "/users/invite/sent", params={"account_id": "acc_anna", "limit": 101})
    assert refused(bad) == (400, "invalid_parameters")


def _iso(seconds):
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]

"""The fake Unipile's chats: who may write to whom, and how messages are read."""

from __future__ import annotations

from unipile_service import refused

from syncflow_dagster.sandbox.unipile.cursors import decode


def test_only_who_is_connected_can_be_written_to(unipile):
    assert refused(unipile.message()) == (422, "no_connection_with_recipient")
    unipile.deed("connect")
    made = unipile.message(text="Hällo\r\nthere ")
    assert made.status_code == 201
    first = made.json()
    assert first["object"] == "ChatStarted"
    # A second chat is none: the two's goes on, whatever is said.
    unipile.advance(60)
    again = unipile.message(text="Hällo\r\nthere ").json()
    assert again["chat_id"] == first["chat_id"]
    assert again["message_id"] != first["message_id"]
    assert unipile.answer(first["chat_id"]).json()["object"] == "MessageSent"
    texts = [one["text"] for one in unipile.get("/messages")["items"]]
    assert sorted(texts) == ["Hello", "Hällo\nthere", "Hällo\nthere"]
    assert [one["key"] for one in unipile.log("message")] == [unipile.id()] * 3
    assert unipile.log()[0]["payload"]["text"] == "Hällo\nthere"
    guard = unipile.answer(first["chat_id"], account_id="acc_bob")
    assert refused(guard) == (403, "account_mismatch")
    assert refused(unipile.answer("nowhere")) == (404, "resource_not_found")
    assert refused(unipile.message(text="x" * 8_001)) == (400, "too_many_characters")
    assert refused(unipile.message(text=" ")) == (400, "missing_parameters")
    as_json = unipile.send("POST", "/chats", json={"account_id": "acc_anna", "text": "x"})
    assert refused(as_json) == (415, "unsupported_media_type")
    unipile.deed("connect", person="gone-gil")
    assert refused(unipile.message("gone-gil")) == (422, "user_unreachable")
    unipile.deed("read_only")
    assert unipile.get(f"/chats/{first['chat_id']}", None)["read_only"] == 1
    assert refused(unipile.message()) == (422, "cant_send_message")
    unipile.deed("reopen")
    unipile.settings(messages_per_day=3)
    assert refused(unipile.message()) == (429, "too_many_requests")
    unipile.settings(messages_per_day=None, null_ids=True)
    assert unipile.message().json() == {
        "object": "ChatStarted",
        "chat_id": None,
        "message_id": None,
    }


def test_who_has_written_can_be_answered_without_a_connection(unipile):
    unipile.deed("message", text="Who are you?")
    assert unipile.message().status_code == 201


def test_inmails_cost_credits_unless_the_profile_is_open(unipile):
    def inmail(person, account="acc_anna"):
        more = {"subject": "Hi", "linkedin[api]": "classic", "linkedin[inmail]": "true"}
        return unipile.message(person, account=account, **more)

    def credits_left():
        return unipile.get("/linkedin/inmail_balance")["premium"]

    assert refused(inmail("person-0", "acc_bob")) == (403, "feature_not_subscribed")
    assert credits_left() == 5
    for number in range(5):
        assert inmail(f"person-{number}").status_code == 201
    assert credits_left() == 0
    assert refused(inmail("person-5")) == (422, "insufficient_credits")
    assert refused(inmail("person-0")) == (422, "cannot_resend_within_24hrs")
    assert unipile.get("/users/open-olga")["is_open_profile"]
    assert inmail("open-olga").status_code == 201
    unipile.deed("connect", person="person-7")
    assert refused(inmail("person-7")) == (422, "not_allowed_inmail")
    assert {one["op"] for one in unipile.log()} == {"inmail"}
    message = unipile.get("/messages", limit=1)["items"][0]
    assert (message["message_type"], message["subject"]) == ("INMAIL", "Hi")
    # An unanswered InMail is no connection.
    assert refused(unipile.message("person-0")) == (422, "no_connection_with_recipient")


def test_messages_are_read_newest_first_between_two_moments(unipile):
    unipile.deed("connect")
    unipile.deed("connect", person="person-1")
    chat_id = unipile.message(text="0").json()["chat_id"]
    moments = [unipile.now()]
    for number in range(1, 7):
        unipile.advance(60)
        person = "person-1" if number == 3 else "person-0"
        unipile.deed("message", person=person, text=str(number), hidden=number == 5)
        moments.append(unipile.now())

    def texts(path, **query):
        return [one["text"] for one in unipile.get(path, **query)["items"]]

    def iso(number):
        return moments[number].isoformat(timespec="milliseconds").replace("+00:00", "Z")

    assert texts("/messages") == ["6", "5", "4", "3", "2", "1", "0"]
    assert texts(f"/chats/{chat_id}/messages") == ["6", "5", "4", "2", "1", "0"]
    # Both ends are exclusive.
    assert texts("/messages", after=iso(1), before=iso(5)) == ["4", "3", "2"]
    assert texts("/messages", sender_id=unipile.id("person-1")) == ["3"]
    page = unipile.get("/messages", after=iso(0), limit=2)
    assert decode(page["cursor"])["cursor"]["last_id"] == page["items"][1]["id"]
    found = [one["text"] for one in page["items"]]
    while page["cursor"] is not None:
        # What comes meanwhile is on no later page.
        unipile.deed("message", text="new")
        page = unipile.get("/messages", cursor=page["cursor"])
        found += [one["text"] for one in page["items"]]
    assert found == ["6", "5", "4", "3", "2", "1"]
    newest, one = unipile.get("/chats")["items"]
    assert (newest["attendee_provider_id"], one["unread_count"]) == (unipile.id(), 1)
    assert texts(f"/chats/{chat_id}/messages", sender_id=unipile.id("anna-berg")) == ["0"]
    assert unipile.get("/chats", limit=1, unread="true")["items"][0]["id"] == chat_id
    wrong = unipile.send("GET", "/messages", params={"after": "2026-01-01"})
    assert refused(wrong) == (400, "invalid_parameters")


def test_a_chat_is_found_by_its_other_end(unipile):
    path = f"/chat_attendees/{unipile.id()}"
    missing = unipile.send("GET", f"{path}/chats", params={"account_id": "acc_anna"})
    assert refused(missing) == (404, "resource_not_found")
    unipile.deed("connect")
    sent = unipile.message(text="One").json()
    [chat] = unipile.get(f"{path}/chats")["items"]
    assert chat["id"] == sent["chat_id"]
    [message] = unipile.get(f"{path}/messages")["items"]
    assert (message["id"], message["is_sender"]) == (sent["message_id"], 1)
    assert unipile.get(f"/messages/{message['id']}", None) == message
    [end] = unipile.get(f"/chats/{chat['id']}/attendees")["items"]
    assert end == unipile.get(path) == unipile.get(f"/chat_attendees/{end['id']}", None)
    assert end["specifics"]["network_distance"] == "DISTANCE_1"
    assert unipile.get(f"/chat_attendees/{end['id']}/chats", None)["items"] == [chat]
    unipile.deed("message", text="Two", is_event=True)
    unipile.deed("delete")
    whole = unipile.get(f"/chats/{chat['id']}", None)
    last = whole["lastMessage"]
    assert (last["deleted"], last["is_event"], last["text"]) == (1, 1, None)

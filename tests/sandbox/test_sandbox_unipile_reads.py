"""The fake Unipile's reads: who somebody is, pages, and what an account that is down sees."""

from __future__ import annotations

from unipile_service import refused

from syncflow_dagster.sandbox.unipile.cursors import decode


def test_people_are_found_by_slug_and_id_and_by_nothing_else(unipile):
    shown = unipile.get("/users/person-0", linkedin_sections="experience")
    assert shown["provider_id"] == unipile.id()
    assert shown["member_urn"].isdecimal()
    assert shown["can_send_inmail"]
    assert shown["network_distance"] in ("SECOND_DEGREE", "THIRD_DEGREE", "OUT_OF_NETWORK")
    # The present job is the one without an end, wherever it stands.
    jobs = {job["company"]: job["end"] for job in shown["work_experience"]}
    assert list(jobs) == ["Initech", "Acme"]
    assert jobs["Acme"] is None
    assert "work_experience" not in unipile.get("/users/person-0")
    for identifier in (unipile.id("zoë-müller-東京"), "zoë-müller-東京", "ZOË-MÜLLER-東京"):
        assert unipile.get(f"/users/{identifier}")["first_name"] == "Zoë"
    # No route of its own: the member whose slug is `profile`.
    trap = unipile.get("/users/profile", identifier="person-0")
    assert trap["public_identifier"] == "profile"
    # An earlier slug leads to the profile, which tells the present one.
    unipile.deed("slug", text="zero-person")
    assert unipile.get("/users/person-0")["public_identifier"] == "zero-person"
    nobody = unipile.send("GET", "/users/nobody", params={"account_id": "acc_anna"})
    assert refused(nobody) == (404, "resource_not_found")
    locked = unipile.send("GET", "/users/lost-lou", params={"account_id": "acc_anna"})
    assert refused(locked) == (422, "invalid_recipient")
    assert refused(unipile.send("GET", "/users/person-0")) == (400, "missing_parameters")
    me = unipile.get("/users/me", "acc_carla")
    assert (me["object"], me["premium"], me["recruiter"]) == ("AccountOwnerProfile", True, None)
    assert me["sales_navigator"]
    assert unipile.log() == []


def test_profiles_cost_and_visits_are_told(unipile):
    unipile.settings(profiles_per_day=2)
    unipile.get("/users/person-0")
    unipile.get("/users/person-1", notify="true")
    assert [one["op"] for one in unipile.log()] == ["view_profile"]
    third = unipile.send("GET", "/users/person-2", params={"account_id": "acc_anna"})
    assert refused(third) == (429, "too_many_requests")
    assert "retry-after" not in third.headers
    unipile.get("/users/anna-berg")
    unipile.advance(days=1)
    unipile.get("/users/person-2")


def test_relations_come_newest_first_with_pages_that_shift(unipile):
    unipile.settings(
        deeds=[
            {"op": "connect", "account": "acc_anna", "person": f"person-{n}", "days_ago": 40.0 - n}
            for n in range(30)
        ]
    )
    page = unipile.get("/users/relations", limit=20)
    assert decode(page["cursor"]) == {"limit": 20, "startIndex": 20}
    slugs = [row["public_identifier"] for row in page["items"]]
    assert slugs == [f"person-{n}" for n in reversed(range(10, 30))]
    unipile.deed("connect", person="person-30")
    rest = unipile.get("/users/relations", cursor=page["cursor"], limit=3)
    # The new row has pushed one over to the next page.
    assert [row["public_identifier"] for row in rest["items"]][:2] == ["person-10", "person-9"]
    assert rest["cursor"] is None
    row = unipile.get("/users/relations", limit=1)["items"][0]
    assert row["connection_urn"].removeprefix("urn:li:fsd_connection:") == row["member_id"]
    found = unipile.get("/users/relations", filter="last7")["items"]
    assert [row["public_identifier"] for row in found] == ["person-7"]
    unipile.settings(missing_member_id=True)
    assert "member_id" not in unipile.get("/users/relations")["items"][0]
    assert len(unipile.get("/users/relations", limit=1_000)["items"]) == 31
    for query in ({"limit": "1001"}, {"limit": "0"}, {"cursor": "?"}, {"cursor": "e30="}):
        answer = unipile.send("GET", "/users/relations", params={"account_id": "acc_anna", **query})
        assert refused(answer) == (400, "invalid_parameters")


def test_an_account_that_is_down_sees_what_it_last_saw(unipile):
    unipile.invite("person-0", "Hi")
    unipile.invite("person-1")
    unipile.deed("connect", person="person-2")
    assert unipile.message("person-2", "One").status_code == 201
    unipile.advance(hours=1)
    unipile.status("CREDENTIALS")
    unipile.advance(hours=1)
    unipile.deed("accept")
    unipile.deed("message", person="person-2", text="Please stop")
    seen = unipile.get("/accounts/acc_anna", None)
    assert seen["sources"] == [{"id": "acc_anna_MESSAGING", "status": "CREDENTIALS"}]
    assert len(unipile.get("/users/invite/sent")["items"]) == 2
    assert len(unipile.get("/users/relations")["items"]) == 1
    assert unipile.get("/users/person-0")["invitation"]["status"] == "PENDING"
    [chat] = unipile.get("/chats")["items"]
    assert [one["text"] for one in unipile.get("/messages")["items"]] == ["One"]
    assert chat["unread_count"] == 0
    for answer in (unipile.invite("person-3"), unipile.message("person-2"),
                   unipile.answer(chat["id"])):  # fmt: skip
        assert refused(answer) == (401, "disconnected_account")
    # Only a frozen session is helped by a restart.
    restart = unipile.send("POST", "/accounts/acc_anna/restart").json()
    assert restart == {"object": "AccountFailedToRestart"}
    unipile.status("OK")
    assert len(unipile.get("/users/relations")["items"]) == 2
    texts = [one["text"] for one in unipile.get("/messages")["items"]]
    # Of one moment: the acceptance's note, and the answer.
    assert sorted(texts) == ["Hi", "One", "Please stop"]
    unipile.status("STOPPED")
    unipile.send("POST", "/accounts/acc_anna/restart")
    assert unipile.invite("person-3").status_code == 200
    unipile.status("RESTRICTED")
    assert refused(unipile.invite("person-4")) == (403, "account_restricted")
    me = unipile.send("GET", "/users/me", params={"account_id": "acc_anna"})
    assert refused(me) == (403, "account_restricted")


def test_reads_can_lag_while_writes_do_not(unipile):
    unipile.deed("connect")
    unipile.advance(60)
    unipile.settings(stale_s=30.0)
    unipile.deed("message", text="Stop")
    unipile.invite("person-1")
    assert unipile.get("/messages")["items"] == unipile.get("/chats")["items"] == []
    assert unipile.get("/users/invite/sent")["items"] == []
    assert "invitation" not in unipile.get("/users/person-1")
    assert refused(unipile.invite("person-1")) == (422, "already_invited_recently")
    unipile.advance(31)
    assert [one["text"] for one in unipile.get("/messages")["items"]] == ["Stop"]
    assert len(unipile.get("/users/invite/sent")["items"]) == 1


def test_accounts_and_webhooks_are_listed(unipile):
    page = unipile.get("/accounts", None, limit=2)
    assert [one["id"] for one in page["items"]] == ["acc_anna", "acc_bob"]
    rest = unipile.get("/accounts", None, cursor=page["cursor"])
    assert [one["id"] for one in rest["items"]] == ["acc_carla"]
    assert rest["cursor"] is None
    im = page["items"][0]["connection_params"]["im"]
    assert im["id"] == unipile.id("anna-berg")
    assert "proxy" not in im
    unipile.settings(profile="live_2026")
    live = unipile.get("/accounts/acc_anna", None)["connection_params"]["im"]
    assert live["proxy"] == {"country": "ES"}

    hook = {"request_url": "http://127.0.0.1:9/hook", "source": "users", "name": "relations",
            "headers": [{"key": "Unipile-Auth", "value": "secret"}]}  # fmt: skip
    made = unipile.send("POST", "/webhooks", json=hook)
    assert (made.status_code, made.json()["object"]) == (201, "WebhookCreated")
    [listed] = unipile.get("/webhooks", None)["items"]
    assert hook.items() <= listed.items()
    gone = unipile.send("DELETE", f"/webhooks/{made.json()['webhook_id']}")
    assert gone.json() == {"object": "WebhookDeleted"}
    for wrong in ({"source": "email"}, {"request_url": "https://example.com/"}, {"events": ["x"]},
                  {"headers": [{"key": "x"}]}, {"account_ids": "acc_anna"}):  # fmt: skip
        answer = unipile.send("POST", "/webhooks", json=hook | wrong)
        assert refused(answer) == (400, "invalid_parameters")
    assert unipile.get("/webhooks", None)["items"] == []


def test_who_has_no_key_learns_nothing(unipile):
    answers = [
        unipile.send("GET", "/users/me", headers={"X-API-KEY": key}) for key in (None, "wrong")
    ]
    assert [refused(one) for one in answers] == [(401, "missing_credentials")] * 2
    assert answers[0].json() == answers[1].json()
    assert refused(unipile.send("GET", "/nothing/there")) == (404, "resource_not_found")
    assert unipile.stats()["unauthorized"] == 2

"""Sessions, their renewal, ceilings and time over HTTP, against the sandbox's counts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from syncflow_dagster.nodes.pull.ports import SourceUnavailableError
from syncflow_dagster.nodes.salesforce.answers import Answer, NoAnswer
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.describe import Describes
from syncflow_dagster.nodes.salesforce.errors import LoginFailed, QuotaReached
from syncflow_dagster.nodes.salesforce.limits import read_limits
from syncflow_dagster.nodes.salesforce.replication import covered_to

QUERY = {"q": "SELECT Id FROM Contact"}
SMALL_PAGES = {"Sforce-Query-Options": "batchSize=200"}


def test_each_way_to_log_in_reaches_the_org(org):
    tokens = org.tokens
    org.clock.advance(max(0.0, time.time() - org.clock.wall().timestamp()))
    ways = [
        org.app(),
        {"type": "jwt", "client_id": tokens["client_id"], "username": tokens["username"],
         "private_key": tokens["jwt_private_key"]},
        {"type": "session", "token": tokens["session"]},
        {"type": "soap", "username": tokens["username"], "password": tokens["password"],
         "security_token": tokens["security_token"]},
    ]  # fmt: skip
    for auth in ways:
        client = org.client(auth)
        answer = client.get("query", QUERY)
        assert answer.ok, (auth["type"], answer)
        assert client.usage.used is not None
        assert client.server_now() is not None
    assert org.stats()["logins"] == 3


def test_what_the_org_refuses_at_login_is_told_once_and_never_asked_again(org):
    client = org.client(org.app() | {"client_secret": "wrong-secret"})
    for _ in range(3):
        found = client.get("limits")
        assert isinstance(found, NoAnswer)
        assert found.refused
        assert "check client_id and client_secret" in found.reason
        assert "wrong-secret" not in repr(found)
    with pytest.raises(LoginFailed, match="client_secret"):
        ask(client, "limits", "the limits")
    assert org.stats()["logins"] == 1
    org.settings(soap_login=False)
    soap = {name: org.tokens[name] for name in ("username", "password", "security_token")}
    found = org.client({"type": "soap", **soap}).get("limits")
    assert found.refused
    assert "use client_credentials or jwt" in found.reason


def test_a_session_that_ends_is_renewed_and_the_request_keeps_its_headers(org):
    client = org.client()
    org.fault("expired_session", op="query", times=1)
    page = client.get("query", QUERY, SMALL_PAGES)
    assert page.ok
    assert len(page.body["records"]) == 200  # without its header it would be 450
    assert org.hits() == 1
    assert org.stats()["logins"] == 2
    # What the org has to say about a query shows that it took the token.
    for soql, ok in (("SELECT Nope FROM Contact", False), (QUERY["q"], True)):
        org.fault("expired_session", op="query", times=1)
        assert client.get("query", {"q": soql}).ok is ok
    assert org.stats()["logins"] == 4
    # A token that grows old while many threads use it: one login for all of them.
    org.settings(token_ttl_s=60.0)
    ended = org.client()
    assert ended.get("limits").ok
    org.clock.advance(3600)
    with ThreadPoolExecutor(8) as pool:
        assert all(one.ok for one in pool.map(lambda _: ended.get("limits"), range(16)))
    assert org.stats()["logins"] == 6


def test_a_session_that_is_refused_again_and_again_is_one_login_and_an_end(org):
    client = org.client()
    assert client.get("limits").ok
    org.fault("expired_session", op="limits")
    before = org.stats()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: client.get("limits"), range(12)))
    assert all(isinstance(one, NoAnswer) and one.refused for one in found)
    after = org.stats()
    assert after["logins"] - before["logins"] == 1
    assert after["requests"] - before["requests"] <= 9
    # An outage between is no sign that the org takes the tokens.
    org.control.clear_faults()
    client = org.client()
    assert client.get("limits").ok
    for kind, times in (("expired_session", 1), ("error_before", 1), ("expired_session", 1)):
        org.fault(kind, op="query", times=times)
    logins = org.stats()["logins"]
    found = [client.get("query", QUERY) for _ in range(3)]
    assert found[0].status >= 500
    assert found[1].refused
    assert org.stats()["logins"] - logins == 1
    session = org.client({"type": "session", "token": org.tokens["session"] + "x"})
    found = session.get("limits")
    assert found.refused
    assert "get a new one" in found.reason


def test_no_answer_says_whether_the_request_can_have_arrived(org):
    client = org.client(timeout_s=0.2)
    assert client.get("limits").ok
    org.fault("slow", op="limits", delay_s=5.0, times=1)
    began = time.monotonic()
    silent = client.get("limits")
    assert time.monotonic() - began < 5
    assert (isinstance(silent, NoAnswer), silent.sent) == (True, True)
    org.clock.advance(5)
    org.control.clear_faults()
    org.fault("lost_reply", op="query", times=1, mid_body=True)
    assert client.get("query", QUERY).sent
    org.fault("html_error", op="limits", times=1)
    broken = client.get("limits")
    assert isinstance(broken, Answer)
    assert (broken.status, broken.ok) == (502, False)
    assert "<html>" in broken.text
    # A connection that is open could still carry the request before it is cut.
    client.close()
    org.fault("down")
    nowhere = client.get("limits")
    assert (isinstance(nowhere, NoAnswer), nowhere.sent) == (True, False)
    with pytest.raises(SourceUnavailableError, match="the limits"):
        ask(client, "limits", "the limits")
    org.control.clear_faults()


def test_the_orgs_requests_end_at_our_ceiling_before_they_end_at_its_own(org):
    org.settings(daily_requests=40)
    client = org.client(org_share=0.5, run_share=1.0)
    found = [client.get("limits") for _ in range(30)]
    assert sum(isinstance(one, Answer) for one in found) == 20
    assert found[-1].ceiling
    assert "org_share" in found[-1].reason
    assert org.stats()["api_usage"] == 20
    with pytest.raises(QuotaReached):
        ask(client, "limits", "x")
    mine = org.client(org_share=1.0, run_share=0.1)
    assert sum(isinstance(mine.get("limits"), Answer) for _ in range(9)) == 4
    org.settings(daily_requests=26)
    last = org.client(org_share=1.0, run_share=1.0)
    with pytest.raises(QuotaReached):
        for _ in range(9):
            ask(last, "limits", "x")
    # No request in vain: we stop where the org would refuse.
    assert org.stats()["throttled"] == 0


def test_the_orgs_own_time_objects_limits_and_changes_are_read(org):
    client = org.client()
    org.clock.advance(1000)
    limits = read_limits(client)
    assert limits["DailyApiRequests"].most == client.usage.allowed
    now = client.server_now()
    assert abs((now - org.clock.wall()).total_seconds()) < 2
    describes = Describes(client)
    contact = describes.object("contact")
    assert (contact.name, contact.field("accountid").relationship_name) == ("Contact", "Account")
    assert contact.field("MailingCity").compound == "MailingAddress"
    assert contact.field("Champion_Tags__c").picklist
    assert contact.field("Score__c").calculated
    assert contact.field("External_Id__c").external_id
    assert describes.object("Contact") is contact
    assert describes.object("Nope__c") is describes.object("../Contact") is None
    assert {"Contact", "Tag_Assignment__c"} <= set(describes.names())
    hidden = org.client({"type": "session", "token": org.tokens["restricted_session"]})
    assert Describes(hidden).object("Contact").field("HasOptedOutOfEmail") is None

    org.clock.advance(120)
    until = org.clock.wall()
    assert now < covered_to(client, "Contact", now, until) <= until
    with pytest.raises(ValueError, match="zone"):
        covered_to(client, "Contact", now.replace(tzinfo=None), until)

"""The gate on a real database: lists, verdicts, the log that cannot be changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from compliance_cases import ANN, BOB, CID, KEY, SECRET, Service, email, phone, policy, record

from syncflow_dagster.core.consent.identifiers import PrivacyKey
from syncflow_dagster.core.outcomes import Retry
from syncflow_dagster.nodes.compliance.erasure import erase
from syncflow_dagster.nodes.compliance.gate import Gate
from syncflow_dagster.nodes.compliance.key import PrivacyKeyError, privacy_key
from syncflow_dagster.nodes.compliance.lists import Entry, Lists, NotAnIdentifier
from syncflow_dagster.nodes.compliance.log import broken_link, retain_decisions
from syncflow_dagster.nodes.compliance.ports import AskAgain, GateRequest
from syncflow_dagster.testing.clock import FakeClock


def requests(*record_ids, purpose="tracking"):
    return [GateRequest(one, f"tag:{one}:{purpose}", purpose) for one in record_ids]


def decisions(database):
    return database.fetch_all("select * from consent_decision order by decision_id")


def know(database, record_id, address):
    person, at = uuid4(), FakeClock().now()
    with database.transaction() as conn:
        conn.execute("insert into identity_begin values ('w', 'who', 0, %s)", [at])
        conn.execute(
            "insert into person (person_id, workflow, node, since) values (%s, 'w', 'who', %s)",
            [person, at],
        )
        conn.execute(
            "insert into person_record (workflow, node, record_id, person_id, mailbox_shared, "
            "phones, gone, evidence, joined_at) values ('w', 'who', %s, %s, false, '{}', false, "
            "'{}', %s)",
            [record_id, person, at],
        )
        conn.execute(
            "insert into person_identifier values (%s, 'email', %s, 'w', 'who', %s, false, %s)",
            [person, address, record_id, at],
        )


def test_a_gate_asks_lists_first_and_keeps_every_decision(database):
    clock, rules = FakeClock(), policy()
    service, lists = Service(clock), Lists(database, KEY)
    gate = Gate(database, clock, service, rules, "contact", key=KEY, run_id="run-1")
    by = Entry("Ida", "asked us by telephone", clock.now())

    verdicts = gate.decide([*requests(ANN, BOB), *requests(ANN, purpose="other")])
    assert [one.allow for one in verdicts.values()] == [True, True, False]
    assert verdicts[f"tag:{ANN}:other"].reasons == ("purpose_not_in_policy:other",)
    kept = decisions(database)
    assert [(one["decision"], one["reasons"]) for one in kept][2] == (
        "block",
        ["purpose_not_in_policy:other"],
    )
    assert {(one["policy_hash"], one["run_id"]) for one in kept} == {(rules.hash, "run-1")}
    assert ANN not in str(kept)
    assert {bytes(one["effect_hash"]) for one in kept[:2]} == {
        KEY.seal("effect", f"tag:{one}:tracking") for one in (ANN, BOB)
    }
    assert kept[0]["evidence"]["Contact.DoNotCall"]["says"] == "permits"

    # By id: nothing is asked about her any more. By an address that is only read now: he neither.
    lists.enter("do_not_contact", [record(ANN[:15])], "add", by)
    lists.enter("do_not_contact", [email(" Bob@Example.TEST ")], "add", by)
    # A list that the policy does not name does not count.
    lists.enter("newsletter", [record(CID)], "add", by)
    service.asked.clear()
    service.says[BOB] = service.good(rules.subject_rules("Contact"), Email="bob@example.test")
    verdicts = gate.decide(requests(ANN, BOB, CID))
    assert [one.reasons for one in verdicts.values()] == [
        ("suppressed:do_not_contact",),
        ("suppressed:do_not_contact",),
        (),
    ]
    assert service.asked == [[BOB, CID]]

    # Known to an identity node under an address that is listed: the same person, still refused.
    know(database, CID, "bob@example.test")
    assert gate.decide(requests(CID[:15]))[f"tag:{CID[:15]}:tracking"].reasons == (
        "suppressed:do_not_contact",
    )
    assert service.asked == [[BOB, CID]]

    # Revoked by a later entry, and entered again; the entries all stay.
    lists.enter("do_not_contact", [record(ANN)], "revoke", by)
    assert gate.decide(requests(ANN))[f"tag:{ANN}:tracking"].allow
    lists.enter("do_not_contact", [record(ANN)], "add", by)
    assert not gate.decide(requests(ANN))[f"tag:{ANN}:tracking"].allow
    assert [one["action"] for one in lists.entries(None, [record(ANN)], 9)] == [
        "add",
        "revoke",
        "add",
    ]

    # Entered while the service is asked; under a record that was merged into this one; as one of
    # two numbers in a field: each is found.
    subject, late = rules.subject_rules("Contact"), "003000000000004AAA"
    service.meanwhile = lambda: lists.enter("do_not_contact", [record(late)], "add", by)
    assert gate.decide(requests(late))[f"tag:{late}:tracking"].reasons == (
        "suppressed:do_not_contact",
    )
    service.meanwhile = None
    two, merged = "003000000000005AAA", "003000000000006AAA"
    lists.enter("do_not_contact", [phone("030 98765432")], "add", by)
    service.says[two] = service.good(subject, Phone="0171 1234567 / 030 98765432")
    service.says[merged] = replace(service.good(subject), records=(two, ANN))
    told = gate.decide(requests(two, merged))
    assert {one.reasons for one in told.values()} == {("suppressed:do_not_contact",)}
    with pytest.raises(NotAnIdentifier, match="several"):
        lists.enter("do_not_contact", [phone("0171 1234567 / 030 98765432")], "add", by)

    # No answer is no verdict: nothing is kept, and nothing is sent.
    before = len(decisions(database))
    service.fails = AskAgain(Retry("HTTP 503", outage=True))
    with pytest.raises(AskAgain, match="503"):
        gate.decide(requests(BOB))
    assert len(decisions(database)) == before
    # An object that the policy does not name is refused without a question.
    other = Gate(database, clock, service, rules, "Lead", key=KEY)
    assert other.decide(requests(BOB))[f"tag:{BOB}:tracking"].reasons == ("object_not_in_policy",)

    # The log: it only grows, a change would show, and only retention takes its oldest end away.
    assert broken_link(database, "champions", KEY) is None
    privacy_key({"SYNCFLOW_PRIVACY_KEY": SECRET}, database, clock.now())
    erase(database, [record("003000000000007AAA")], KEY, by)
    for change in (
        "update consent_decision set decision = 'allow'",
        "delete from consent_decision",
        "truncate consent_decision",
        "delete from suppression",
        "update suppression set list = 'x'",
        "delete from privacy_key",
        "update privacy_key set name = 'x'",
        "truncate privacy_key",
        "update erasure set reason = 'x'",
        "delete from erasure",
        "truncate erasure cascade",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            database.execute(change)
    clock.sleep(timedelta(days=rules.decision_days).total_seconds())
    service.fails = None
    gate.decide(requests(BOB, CID))
    clock.sleep(1)
    number = len(decisions(database))
    assert retain_decisions(database, clock, rules, dry_run=True) == number - 2
    assert retain_decisions(database, clock, rules) == number - 2
    assert len(decisions(database)) == 2
    assert broken_link(database, "champions", KEY) is None
    # Who has no key cannot make a row that fits.
    assert broken_link(database, "champions", PrivacyKey(SECRET[::-1])) is not None
    with database.transaction() as conn:
        conn.execute("alter table consent_decision disable trigger user")
        conn.execute(
            "update consent_decision set reasons = '{}' where reasons <> '{}'",
        )
    assert broken_link(database, "champions", KEY) == decisions(database)[0]["decision_id"]


def test_another_key_or_none_is_refused(database):
    now = FakeClock().now()
    assert privacy_key({"SYNCFLOW_PRIVACY_KEY": SECRET}, database, now).name == KEY.name
    for wrong, words in ((SECRET[::-1], "another key"), ("short", "5 characters"), ("", "not set")):
        with pytest.raises(PrivacyKeyError, match=words):
            privacy_key({"SYNCFLOW_PRIVACY_KEY": wrong}, database, now)

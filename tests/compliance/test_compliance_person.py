"""What is held about a person, and that erasing leaves nothing of it but hashes and counts."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from compliance_cases import BOB, CID, KEY, SECRET, Service, email, policy, record
from psycopg.types.json import Jsonb

from syncflow_dagster.nodes.compliance.declared import Declared
from syncflow_dagster.nodes.compliance.erasure import TooMuch, erase, finish_erasures
from syncflow_dagster.nodes.compliance.gate import Gate
from syncflow_dagster.nodes.compliance.holdings import export
from syncflow_dagster.nodes.compliance.lists import Entry, Lists
from syncflow_dagster.nodes.compliance.ports import GateRequest
from syncflow_dagster.nodes.compliance.retention import retain_compliance
from syncflow_dagster.nodes.delta.tables import prepare
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models.delta import DeltaNode
from syncflow_dagster.workflows.models.tag import TagNode

ANN, ANNS_OLD_RECORD = "003000000000001AAA", "003000000000009AAA"
SECRETS = ("Ann", "Lee", "ann@new.test", "ann@old.test", "ann@third.test", "ann@fourth.test")
SECRETS += ("555123456", ANN, ANNS_OLD_RECORD, CID)
CLOCK = FakeClock()
BY = Entry("Ida", "request of 3 March", CLOCK.now())
CONTACTS = DeltaNode.model_validate(
    {
        "type": "delta",
        "name": "contacts",
        "description": "Contacts",
        "source": "pull",
        "entity": "contact",
        "table": "contact_delta",
        "key": ["id"],
        "fields": [{"name": one} for one in ("id", "name", "mail", "boss")],
    }
)


def _contact(conn, record_id, name, mail, state, uuid, boss=None):
    values = [uuid, state, uuid4(), record_id, record_id, name, mail, boss]
    row = conn.execute(
        "insert into contact_delta (batch_id, record_uuid, generation, operation, state, bk_hash, "
        "business_key, data_hash, id, name, mail, boss) "
        "values (1, %s, 1, 'INSERT', %s, %s, %s, '\\x01', %s, %s, %s, %s) returning delta_id",
        values,
    ).fetchone()
    conn.execute(
        "insert into contact_delta_snapshot (bk_hash, data_hash, hash_version, record_uuid, "
        "business_key, id) values (%s, '\\x01', 1, %s, %s, %s) on conflict do nothing",
        [uuid4(), uuid, record_id, record_id],
    )
    return row["delta_id"]


def _effect(conn, key, record_id, state, delta_id=None, payload=None, said="Ann Lee said no"):
    row = conn.execute(
        "insert into effect (effect_key, workflow, node, account, kind, pass, object_key, creates, "
        "remote_id, delta_table, delta_id, payload, state, reason) values (%s, 'w', 'tags', 'a', "
        "'tag', 1, %s, false, %s, %s, %s, %s, %s, %s) returning effect_id",
        [
            key,
            f"salesforce:acme:Contact:{record_id}:Tag__c",
            record_id,
            delta_id and "contact_delta",
            delta_id,
            Jsonb(payload or {"record_id": record_id, "label": "Ann Lee"}),
            state,
            said,
        ],
    ).fetchone()
    conn.execute(
        "insert into attempt (effect_id, action, request_id, started_at, detail) "
        "values (%s, 'send', %s, now(), %s)",
        [row["effect_id"], uuid4(), said],
    )
    return row["effect_id"]


def _person(conn, addresses):
    person = uuid4()
    conn.execute("insert into person values (%s, 'w', 'who', now())", [person])
    for one, address in addresses.items():
        conn.execute(
            "insert into person_record (workflow, node, record_id, person_id, first_name, email, "
            "mailbox_shared, phones, gone, evidence, joined_at) values "
            "('w', 'who', %s, %s, 'Ann', %s, false, '{555123456}', false, '{}', now())",
            [one, person, address],
        )
        conn.execute(
            "insert into person_identifier values (%s, 'email', %s, 'w', 'who', %s, false, now())",
            [person, address, one],
        )
    return person


def _identity(conn):
    conn.execute("insert into identity_begin values ('w', 'who', 0, now())")
    person = _person(conn, {ANN: "ann@new.test", ANNS_OLD_RECORD: "ann@old.test"})
    conn.execute(
        "insert into person_identifier values (%s, 'phone', '555123456', 'w', 'who', %s, false, "
        "now())",
        [person, ANN],
    )
    conn.execute(
        "insert into job_change (workflow, node, move_key, person_id, contact_id, "
        "former_contact_id, name, moved_at, tier, evidence) values "
        "('w', 'who', 'k', %s, %s, %s, 'Ann Lee', now(), 2, 'ann@old.test')",
        [person, ANN, ANNS_OLD_RECORD],
    )
    case = conn.execute(
        "insert into review_case (workflow, node, record_id, delta_table, delta_id, tier, reason, "
        "state, opened_at, decision, person_id, actor, why, ended_at) values ('w', 'who', %s, "
        "'contact_delta', 1, 4, 'same name Ann Lee', 'DECIDED', now(), 'same', %s, 'Uwe', "
        "'called Ann', now()) returning case_id",
        [ANN, person],
    ).fetchone()
    conn.execute(
        "insert into review_candidate values (%s, %s, 0.9, 4, '{\"Ann Lee\"}')",
        [case["case_id"], person],
    )


def _world(database):
    prepare(database, "w", [CONTACTS])
    anns, bobs = uuid4(), uuid4()
    with database.transaction() as conn:
        first = _contact(conn, ANN, "Ann Lee", "ann@old.test", "SYNCED", anns)
        second = _contact(conn, ANN, "Ann Lee", "Ann@New.test", "PUSHING", anns)
        _contact(conn, BOB, "Bob", "bob@b.test", "PENDING", bobs, boss=ANN)
        _effect(conn, "done", ANN, "DONE", first)
        _effect(conn, "planned", ANN, "PLANNED", second)
        open_one = _effect(conn, f"sent:{ANN}", ANN, "SENT", second)
        _effect(conn, f"dead:{ANN}", ANN, "DEAD", first)
        conn.execute(
            "with gone as (delete from effect where effect_key = %s returning *) insert into "
            "effect_archive select effect_id, effect_key, workflow, node, account, kind, "
            "object_key, delta_table, delta_id, customer, payload, state, reason, tries, "
            "remote_id, planned_at, finished_at from gone",
            [f"dead:{ANN}"],
        )
        conn.execute(
            "insert into decision (effect_id, action, actor, reason, old_state, old_reason, "
            "remote_id, decided_at, object_key) values (%s, 'retry', 'Uwe', 'called Ann', 'DEAD', "
            "'Ann Lee said no', %s, now(), %s)",
            [open_one, ANN, ANN],
        )
        conn.execute(
            "insert into remote_object (object_key, remote_id) values (%s, %s)", [ANN, ANN]
        )
        # Known by an address only; an identity node knows her under that record, and a row of it
        # has one more address. A mailbox that many read is nobody's.
        third = uuid4()
        _contact(conn, CID, "Ann Lee", "ann@new.test", "SYNCED", third)
        _contact(conn, CID, "Ann Lee", "ann@third.test", "SYNCED", third)
        _contact(conn, CID, "Ann Lee", "info@new.test", "SYNCED", third)
        _person(conn, {CID: "ann@fourth.test"})
        _effect(conn, "moved", "other", "DEAD", payload={"deep": [{"to": "ANN@new.test"}]})
        _effect(conn, "bobs", BOB, "PLANNED", payload={"record_id": BOB}, said="Bob")
        _identity(conn)
        batch = conn.execute(
            "insert into batch (workflow, node, started_at) values ('w', 'contacts', now()) "
            "returning batch_id"
        ).fetchone()["batch_id"]
        conn.execute(
            "insert into rejected_record (workflow, node, fingerprint, row_number, business_key, "
            "column_name, value, rule, reason, record, first_batch, last_batch) values ('w', "
            "'contacts', %s, 1, %s, 'mail', 'Ann', 'r', 'Ann is no address', %s, %s, %s)",
            [uuid4(), ANN, Jsonb({"mail": "ann@new.test"}), batch, batch],
        )
        plan = conn.execute(
            "insert into tag_plan (workflow, node, plan_hash, policy_hash, status, changes, "
            "records, planned_by, planned_at, reason) values ('w', 'tags', 'h', 'p', 'APPLIED', 1, "
            "1, 'Ida', now(), 'Ann has changed') returning plan_id"
        ).fetchone()["plan_id"]
        conn.execute(
            "insert into tag_plan_line values (%s, %s, %s, 'tag', %s, 's', 'tracking', '{r}', %s, "
            "%s)",
            [plan, f"k:{ANN}", second, ANN, Jsonb({"x": None}), Jsonb({"x": "was Ann Lee"})],
        )
    return open_one


def _text(database, *without):
    """Return all our tables as text."""
    tables = database.fetch_all(
        "select table_name as name from information_schema.tables where table_schema = 'syncflow'"
    )
    names = [row["name"] for row in tables if row["name"] not in without]
    return "\n".join(
        row["text"]
        for name in names
        for row in database.fetch_all(f"select t::text as text from {name} t")
    )


class _Tagging:
    """As much of a workflow as retention asks for."""

    tags = (TagNode.model_construct(policy="policy.yaml"),)
    identities = ()
    deltas = (CONTACTS,)


def test_what_is_held_is_told_and_erased_from_every_table(database, tmp_path):
    open_one = _world(database)
    lists, service = Lists(database, KEY), Service(CLOCK)
    gate = Gate(database, CLOCK, service, policy(), "Contact", key=KEY)
    assert gate.decide([GateRequest(ANN, ANN, "tracking")])[ANN].allow
    lists.enter("do_not_contact", [email("ann@old.test")], "add", BY)

    with database.transaction() as conn:
        told = export(conn, [email("ann@new.test")], KEY)
    text = json.dumps(told, default=str)
    assert all(one in text for one in SECRETS)
    assert "Bob" not in text
    assert {name: len(rows) for name, rows in told["rows"].items() if rows} == {
        "contact_delta": 5,
        "contact_delta_snapshot": 5,
        "effect": 4,
        "effect_archive": 1,
        "job_change": 1,
        "person_identifier": 4,
        "person_record": 3,
        "rejected_record": 1,
        "review_case": 1,
        "tag_plan_line": 1,
    }
    assert [one["decision"] for one in told["decisions"]] == ["allow"]
    assert [one["action"] for one in told["suppression"]] == ["add"]

    with pytest.raises(TooMuch, match="2 records were found, more than 0"):
        erase(database, [record(ANN)], KEY, BY, most=0)
    before = _text(database)
    assert erase(database, [record(ANN)], KEY, BY, dry_run=True).counts["contact_delta"] == 5
    assert _text(database) == before
    fields = Declared({"contact_delta": frozenset({"mail"})})
    done = erase(database, [record(ANN[:15])], KEY, BY, declared=fields)
    assert done.open_effects == [open_one]
    assert not done.finished
    assert finish_erasures(database, KEY, CLOCK.now()) == 1
    assert "Ann Lee" in _text(database)  # what is on its way keeps what it carries
    # Not applied, so it would be sent again: it is not, and what it carries goes.
    for state in ("UNKNOWN", "RETRY"):
        change = "update effect set state = %s where effect_id = %s"
        database.execute(change, [state, open_one])
    assert finish_erasures(database, KEY, CLOCK.now()) == 0

    # Of Ann nothing is left but where Bob's record names her id; of Bob everything is.
    left = _text(database, "contact_delta")
    assert [one for one in SECRETS if one in left] == []
    rows = database.fetch_all("select name, boss, state, reason from contact_delta order by 1, 3")
    assert [tuple(row.values()) for row in rows] == [
        ("Bob", ANN, "PENDING", None),
        (None, None, "SUPERSEDED", "erased"),
        *[(None, None, "SYNCED", None)] * 4,
    ]
    states = database.fetch_all("select effect_key, state from effect order by effect_id")
    assert {row["effect_key"].split(":")[0]: row["state"] for row in states} == {
        "done": "DONE",
        "planned": "CANCELLED",
        "sent": "CANCELLED",
        "moved": "CANCELLED",
        "bobs": "PLANNED",
    }

    # She stays suppressed and erased, by each thing she was known by.
    service.says[BOB] = service.good(policy().subject_rules("Contact"), Phone="+1 (0)555-123-456")
    for one in (ANN, ANNS_OLD_RECORD, BOB):
        verdict = gate.decide([GateRequest(one, f"again:{one}", "tracking")])[f"again:{one}"]
        assert verdict.reasons == ("erased",)
    assert lists.standing([], [[email("ann@old.test")]])[0].lists == ("do_not_contact",)
    addresses = ("ann@third.test", "ann@fourth.test", "info@new.test")
    told = lists.standing([], [[email(one)] for one in addresses])
    assert [one.erased for one in told] == [True, True, False]

    # What comes back from the source is erased again.
    with database.transaction() as conn:
        _contact(conn, ANN, "Ann Lee", "ann@new.test", "PENDING", uuid4())
    loaded = LoadedWorkflow(_Tagging, tmp_path / "w.yaml")
    environ = {"SYNCFLOW_PRIVACY_KEY": SECRET}
    (tmp_path / "policy.yaml").write_text("policy: [", encoding="utf-8")
    for dry_run in (True, False):
        report = retain_compliance(database, CLOCK, loaded, environ, dry_run=dry_run)
        assert (report.erased_again, report.skipped) == (1, ["policy.yaml"])
    assert "Ann" not in _text(database)
    assert retain_compliance(database, CLOCK, loaded, environ).erased_again == 0

"""A node with two accounts, and leads wherever a test wants them to stand."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from psycopg.types.json import Jsonb

from syncflow_dagster.core.outreach.ops import Act, Sequence, Text
from syncflow_dagster.nodes.linkedin.run import OutreachOptions, OutreachRun
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)  # a Monday
ANNA, BEN = "unipile:default/anna", "unipile:default/ben"
ANNA_OWN, BEN_OWN = "ACoAAAanna0", "ACoAAAben00"
OPS = (Act("invite"), Act("message", (Text("Hello"),)), Act("message", (Text("Hello again"),)))
WORKFLOW = """
workflow: outreach
description: Writes to champions
owner: sales
connections:
  book: {type: sql, url: "sqlite:///x.db"}
  people: {type: unipile, url: "http://127.0.0.1:9", token: "${T}", webhook_secret: "${S}"}
nodes:
  - {type: pull, name: rows, description: Rows, connection: book, query: rows.sql.j2}
  - type: delta
    name: champions
    description: Champions
    source: rows
    entity: person
    table: person_delta
    key: [person_key]
    fields: [{name: person_key}, {name: linkedin_url}]
  - type: linkedin_step
    name: steps
    description: Writes to them
    connection: people
    source: champions
    dry_run: false
    on_owner_message: %s
    lead: {linkedin: linkedin_url}
    accounts:
      - {name: anna, id: acc_anna, timezone: Europe/Berlin}
      - {name: ben, id: acc_ben, timezone: Europe/Berlin}
    lawful_basis:
      {basis: consent, reference: R, data_source: CRM, recorded_on: 2026-08-01}
    sequence:
      - {type: invite}
      - {type: message, text: Hello}
      - {type: message, text: Hello again}
"""


def make_run(database, folder, *, owner="pause", clock=None, key=None, ask=None):
    """Return a run of the node, with its accounts in the database."""
    (folder / "rows.sql.j2").write_text("select 1")
    path = folder / "outreach.yaml"
    path.write_text(WORKFLOW % owner)
    loaded = load_file(path, {"T": "t", "S": "0123456789abcdef"})
    assert isinstance(loaded, LoadedWorkflow), loaded.problems
    options = OutreachOptions(privacy_key=key, chance=random.Random(1), ask=ask)
    run = OutreachRun(database, clock or FakeClock(NOW), loaded, "steps", options)
    for account, service_id in ((ANNA, "acc_anna"), (BEN, "acc_ben")):
        database.execute(
            "insert into outreach_account (account, service_id, live_since) values (%s, %s, %s)",
            (account, service_id, NOW - timedelta(days=3)),
        )
    return run


class Leads:
    """Puts leads into the database and tells how they stand."""

    def __init__(self, database):
        self.database = database
        row = database.fetch_one(
            "insert into outreach_sequence (workflow, node, version, digest, steps, created_at)"
            " values ('outreach', 'steps', 1, 'd', %s, %s) returning sequence_id",
            (Jsonb(Sequence(OPS).to_json()), NOW),
        )
        self._sequence = row["sequence_id"]
        self._count = 0

    def add(self, state="invite_sent", *, account=ANNA, person=None, **columns):
        """Add a lead of a person of its own, or of one that is known; return its number."""
        self._count += 1
        now = NOW - timedelta(days=3)
        if person is None:
            person = self.database.fetch_one(
                "insert into outreach_person (since) values (%s) returning person_id", (now,)
            )["person_id"]
        row = {
            "workflow": "outreach",
            "node": "steps",
            "person_id": person,
            "account": account,
            "sequence_id": self._sequence,
            "n_steps": 3,
            "source_key": f"k{self._count}",
            "slug": f"jane-{self._count}",
            "provider_id": f"ACoAAAp{self._count}",
            "state": state,
            "state_since": now,
            "step_since": now,
            "enrolled_at": now,
            **_fitting(state, now),
            **columns,
        }
        names = ", ".join(row)
        marks = ", ".join(["%s"] * len(row))
        found = self.database.fetch_one(
            f"insert into outreach_lead ({names}) values ({marks}) returning lead_id",
            list(row.values()),
        )
        return found["lead_id"]

    def effect(self, lead_id, kind="message", state="DONE", *, text=None, step=1, **columns):
        """Add an action of a lead."""
        lead = self.get(lead_id)
        row = {
            "effect_key": f"lead:{lead_id}:1:{step}:{kind}:{columns.pop('n', 1)}",
            "workflow": "outreach",
            "node": "steps",
            "account": lead["account"],
            "kind": kind,
            "pass": 1,
            "object_key": f"outreach:{lead_id}:1:{step}:{kind}",
            "creates": True,
            "payload": Jsonb(
                {
                    "step": step,
                    "after": lead["resume_state"],
                    "text": text,
                    "provider_id": lead["provider_id"],
                }
            ),
            "state": state,
            "lead_id": lead_id,
            "state_since": NOW,
            **columns,
        }
        names = ", ".join(row)
        marks = ", ".join(["%s"] * len(row))
        found = self.database.fetch_one(
            f"insert into effect ({names}) values ({marks}) returning effect_id",
            list(row.values()),
        )
        return found["effect_id"]

    def get(self, lead_id):
        """Return a lead's row."""
        return self.database.fetch_one("select * from outreach_lead where lead_id = %s", (lead_id,))

    def state(self, lead_id):
        """Return a lead's state."""
        return self.get(lead_id)["state"]

    def effect_state(self, effect_id):
        """Return an action's state."""
        return self.database.fetch_one(
            "select state from effect where effect_id = %s", (effect_id,)
        )["state"]

    def events(self, lead_id):
        """Return what happened to a lead, in its order."""
        rows = self.database.fetch_all(
            "select event, new_state, reason, evidence from outreach_event"
            " where lead_id = %s order by event_id",
            (lead_id,),
        )
        return [row["new_state"] or row["event"] for row in rows]


def _fitting(state, now):
    """Return what the database wants of a lead in this state."""
    found = {}
    if state in {"invite_sent", "declined_or_expired", "withdrawn"}:
        found |= {"invite_origin": "ours", "invited_at": now + timedelta(hours=1)}
        found |= {"current_step": 1}
    if state == "connected":
        found |= {"connected_at": now + timedelta(hours=5), "current_step": 1}
    if state == "completed":
        found["current_step"] = 3
    if state in {"completed", "declined_or_expired", "withdrawn", "failed", "replied", "cancelled"}:
        found["terminal_at"] = now
    if state in {"in_flight", "outcome_unknown", "needs_review", "paused"}:
        found["resume_state"] = "connected"
    return found


def relation(who, account="acc_anna", slug=None):
    """Return the body of a webhook: somebody is connected."""
    return {
        "event": "new_relation",
        "account_id": account,
        "account_type": "LINKEDIN",
        "user_provider_id": who,
        "user_public_identifier": slug,
        "user_full_name": "Jane Doe",
    }


def message(who, text, number=1, *, own=False, account="acc_anna", at=None, **more):
    """Return the body of a webhook: a message of a person, or of the account."""
    me = ANNA_OWN if account == "acc_anna" else BEN_OWN
    sender = me if own else who
    return {
        "event": "message_received",
        "account_id": account,
        "account_info": {"type": "LINKEDIN", "user_id": me},
        "chat_id": f"chat-{who}",
        "attendees": [{"attendee_provider_id": who}],
        "sender": {
            "attendee_provider_id": sender,
            "attendee_public_identifier": None,
            "attendee_profile_url": f"https://www.linkedin.com/in/{sender}",
        },
        "message": text,
        "message_id": f"m{number}",
        "provider_message_id": f"p{number}",
        "timestamp": (at or NOW).isoformat().replace("+00:00", "Z"),
        "is_sender": own,
        "is_event": 0,
        "message_type": "MESSAGE",
        "is_group": False,
        **more,
    }


def status(word, account="acc_anna"):
    """Return the body of a webhook: an account's state."""
    return {"AccountStatus": {"account_id": account, "account_type": "LINKEDIN", "message": word}}

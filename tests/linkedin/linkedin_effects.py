"""Leads, their actions in the ledger, and a delivery over HTTP to the sandbox."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.ledger.deliver import Delivery, DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.nodes.linkedin.api import LinkedInApi
from syncflow_dagster.nodes.linkedin.client import UnipileClient
from syncflow_dagster.nodes.linkedin.destination import OutreachDestination
from syncflow_dagster.nodes.linkedin.leads import Lead
from syncflow_dagster.nodes.linkedin.own_messages import own_messages
from syncflow_dagster.workflows.models import UnipileConnection

ACCOUNT = "unipile:default/anna"


def lead_row(provider_id: str, now: Any, **more: Any) -> Lead:
    """A lead as guards see it; it is in no database."""
    values: dict[str, Any] = dict.fromkeys(Lead.__dataclass_fields__)
    values |= {"lead_id": 1, "person_id": 1, "enrolled_at": now, "provider_id": provider_id}
    values |= {"state": LeadState.PENDING_INVITE, "fields": {}, "messages_sent": 0}
    return Lead(**{**values, **more})


@dataclass
class Sink:
    """Keeps what it hears."""

    heard_signals: list[Any] = field(default_factory=list)

    def heard(self, account, signal, now):
        assert account == ACCOUNT
        assert now.tzinfo is not None
        self.heard_signals.append(signal)

    def kinds(self):
        return [(one.kind.value, one.scope) for one in self.heard_signals]

    def facts(self):
        return [one.fact.value for one in self.heard_signals if one.fact]


class SandboxClock:
    """The ledger's clock, moved together with the sandbox's."""

    def __init__(self, unipile):
        self._unipile = unipile

    def now(self):
        return self._unipile.now()

    def sleep(self, seconds):
        if seconds > 0:
            self._unipile.advance(seconds)


class Actions:
    """Leads whose actions are planned by hand and brought to the sandbox by the ledger."""

    def __init__(self, database, unipile, meter=None):
        self.database, self.unipile = database, unipile
        self.clock = SandboxClock(unipile)
        self.sink = Sink()
        connection = UnipileConnection(
            type="unipile", url=unipile.url, token=unipile.token, timeout_s=2
        )
        self.api = LinkedInApi(UnipileClient(connection), "acc_anna", meter)
        self.destination = OutreachDestination(
            ACCOUNT,
            self.api,
            settle_s=60,
            clock=self.clock,
            sink=self.sink,
            own=lambda lead_id: own_messages(database, lead_id),
        )
        with database.transaction() as conn:
            conn.execute("insert into outreach_account (account) values (%s)", (ACCOUNT,))
            conn.execute(
                "insert into outreach_sequence (workflow, node, version, digest, steps, created_at)"
                " values ('w', 'n', 1, 'x', '[]', %s)",
                (self.clock.now(),),
            )

    def lead(self, slug="person-0", state="pending_invite"):
        """Enrol somebody; the lead's number."""
        now = self.clock.now()
        with self.database.transaction() as conn:
            person = conn.execute(
                "insert into outreach_person (since) values (%s) returning person_id", (now,)
            ).fetchone()["person_id"]
            return conn.execute(
                """insert into outreach_lead (workflow, node, person_id, account, sequence_id,
                       n_steps, source_key, slug, provider_id, state, state_since, step_since,
                       enrolled_at, next_due_at, invited_at, invite_origin)
                   select 'w', 'n', %(person)s, %(account)s, sequence_id, 9, %(slug)s, %(slug)s,
                          %(provider_id)s, %(state)s, %(now)s, %(now)s, %(now)s, %(now)s,
                          %(invited)s, %(origin)s
                   from outreach_sequence returning lead_id""",
                {
                    "person": person,
                    "account": ACCOUNT,
                    "slug": slug,
                    "provider_id": self.unipile.id(slug),
                    "state": state,
                    "now": now,
                    "invited": now if state == "invite_sent" else None,
                    "origin": "external" if state == "invite_sent" else None,
                },
            ).fetchone()["lead_id"]

    def plan(self, lead_id, kind, slug="person-0", *, after="invite_sent", **payload):
        """Plan an action as a turn does; its effect's number."""
        given = {
            "step": 0,
            "after": after,
            "provider_id": self.unipile.id(slug),
            "text": "Hello",
            "chat_id": None,
            "invitation_id": None,
            **payload,
        }
        scope = Scope("w", "n", 1, ACCOUNT)
        now = self.clock.now()
        with self.database.transaction() as conn:
            taken = conn.execute(
                "select 1 + count(*) as n from effect where lead_id = %s", (lead_id,)
            ).fetchone()["n"]
            key = f"lead:{lead_id}:1:0:{kind}:{taken}"
            object_key = f"outreach:{lead_id}:1:{taken}:{kind}"
            planned = PlannedEffect(key, kind, 1, object_key, True, given, lead_id=lead_id)
            assert EffectStore(self.database).insert(
                conn, [planned], scope=scope, account=ACCOUNT
            ) == {key}
            conn.execute(
                """update outreach_lead set state = 'in_flight', resume_state = state,
                       state_since = %s, next_due_at = null where lead_id = %s""",
                (now, lead_id),
            )
            return conn.execute(
                "select effect_id from effect where effect_key = %s", (key,)
            ).fetchone()["effect_id"]

    def deliver(self, admission=None, *, patience_s=5, account=ACCOUNT):
        """Bring what is planned to the sandbox."""
        options = DeliveryOptions(patience_s=patience_s, chance=random.Random(7))
        return Delivery(
            self.database,
            self.clock,
            self.destination,
            Scope("w", "n", 1, account),
            options,
            admission=admission,
        ).run()

    def do(self, kind, slug="person-0", *, state="pending_invite", **more):
        """Enrol somebody, plan an action and send it: the lead's and the effect's number."""
        lead_id = self.lead(slug, state)
        effect_id = self.plan(lead_id, kind, slug, **more)
        self.deliver()
        return lead_id, effect_id

    def effect(self, effect_id):
        return self.database.fetch_one(
            "select * from effect where effect_id = %(id)s", {"id": effect_id}
        )

    def state(self, effect_id):
        return self.effect(effect_id)["state"]

    def of_lead(self, lead_id):
        return self.database.fetch_one(
            "select * from outreach_lead where lead_id = %(id)s", {"id": lead_id}
        )

    def later(self, *, minutes):
        """Let time pass, and deliver again."""
        self.unipile.advance(60 * minutes)
        return self.deliver()

"""A LinkedIn step against the sandbox: people of a source, enrolled, approved, and sent to."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from syncflow_dagster.core.consent.identifiers import PrivacyKey
from syncflow_dagster.ledger.decisions import By
from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta
from syncflow_dagster.nodes.linkedin.approval import acknowledge, approve
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.preview import make_preview
from syncflow_dagster.nodes.linkedin.run import OutreachOptions, OutreachRun
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import Workflow

COLUMNS = ("id", "url", "first", "email", "country", "account", "person")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])
KEY = PrivacyKey("k" * 32)
ANN = By("Ann", "a test")
SEQUENCE = [
    {"type": "invite", "note": "Hi {{first_name}}, let us connect"},
    {"type": "message", "text": "Thanks {{first_name}}, hello"},
    {"type": "wait", "days": 2},
    {"type": "message", "text": "Any thoughts, {{first_name}}?"},
]


class SandboxClock:
    """The sandbox's time as the node's: waiting lets people act."""

    def __init__(self, unipile):
        self._unipile = unipile

    def now(self):
        return self._unipile.now()

    def sleep(self, seconds):
        if seconds > 0:
            self._unipile.advance(seconds)


def workflow(url, token, *, name="outreach", node="steps", table="person_delta", **changes):
    """Return a workflow with one LinkedIn step; `changes` are its keys."""
    step = {
        "type": "linkedin_step",
        "name": node,
        "description": "Writes to them",
        "connection": "people",
        "source": "champions",
        "dry_run": False,
        "contact_again_after_days": 30,
        "lead": {
            "linkedin": "url",
            "email": "email",
            "first_name": "first",
            "country": "country",
            "account": "account",
            "person_id": "person",
        },
        "accounts": [account("anna")],
        "lawful_basis": {
            "basis": "consent",
            "reference": "R",
            "data_source": "CRM",
            "recorded_on": "2026-08-01",
        },
        "sequence": SEQUENCE,
        **changes,
    }
    champions = {
        "type": "delta",
        "name": "champions",
        "description": "Champions",
        "source": "rows",
        "entity": "person",
        "table": table,
        "key": ["person_key"],
        "deletes": {"max_share": 1.0},
        "fields": [{"name": "person_key", "column": "id"}, *({"name": one} for one in COLUMNS[1:])],
    }
    rows = {
        "type": "pull",
        "name": "rows",
        "description": "Rows",
        "connection": "book",
        "query": "rows.sql.j2",
    }
    people = {"type": "unipile", "url": url, "token": token, "settle_s": 0}
    return Workflow.model_validate(
        {
            "workflow": name,
            "description": "Writes to champions",
            "owner": "sales",
            "connections": {"book": {"type": "sql", "url": "sqlite://"}, "people": people},
            "nodes": [rows, champions, step],
        }
    )


def account(name, **changes):
    """Return an account that may do all its tier lets it, from the first day, at any hour."""
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    return {
        "name": name,
        "id": f"acc_{name}",
        "tier": "premium",
        "timezone": "UTC",
        "ramp": False,
        "hours": {"days": days, "start": "00:00", "end": "23:59"},
        **changes,
    }


class World:
    """One node at work.

    Args:
        database: A migrated database.
        flow: Its workflow.
        clock: The node's time.
        ask: Stands in for Unipile, if given.
    """

    def __init__(self, database, flow, clock, ask=None, chance=None):
        self.database, self.flow, self.clock = database, flow, clock
        options = OutreachOptions(
            privacy_key=KEY, chance=chance or random.Random(7), batch_rows=3, ask=ask
        )
        loaded = LoadedWorkflow(flow, Path("outreach.yaml"))
        self.run = OutreachRun(database, clock, loaded, flow.linkedin_steps[0].name, options)
        self.account = ledger_account(self.run.connection, self.run.node.accounts[0])

    def tell(self, *people):
        """Let these be all there are in the source."""
        batch = pa.RecordBatch.from_pylist([dict(one) for one in people], SCHEMA)
        build_delta(
            self.database,
            self.flow.workflow,
            self.flow.node("champions"),
            GivenRows([batch]),
            parent=None,
            clock=self.clock,
            options=DeltaOptions(),
        )

    def enrol(self, *people):
        self.tell(*people)
        return self.run.enrol()

    def approve(self):
        """Acknowledge the accounts, and approve all texts, as a person would."""
        place = (self.database, self.clock, self.run.loaded)
        for account in self.run.node.accounts:
            acknowledge(*place, account.name, ANN)
            shown = make_preview(*place, self.run.node, account)
            if shown.leads:
                approve(*place, shown.batch_hash, ANN)

    def start(self, *people):
        """Enrol and approve people."""
        report = self.enrol(*people)
        self.approve()
        return report

    def leads(self):
        return self.database.fetch_all("select * from outreach_lead order by lead_id")

    def lead(self, number=0):
        return self.leads()[number]

    def states(self):
        """Return the state of each lead, by the record."""
        return {row["source_key"]: row["state"] for row in self.leads()}

    def rows(self):
        """Return the delta row of each record: its state and reason."""
        table = self.flow.node("champions").table
        rows = self.database.fetch_all(f"select * from {table} order by delta_id")
        return {row["person_key"]: (row["state"], row["reason"]) for row in rows}

    def turn(self, *, days=0.0, hours=0.0, minutes=0.0, account=None):
        longest = timedelta(days=days, hours=hours, minutes=minutes).total_seconds()
        return self.run.turn(account or self.account, longest_s=longest)

    def effects(self):
        return self.database.fetch_all("select * from effect order by effect_id")


def person(number, **more):
    """Return a record of a person the sandbox knows."""
    return {
        "id": f"p{number}",
        "url": f"https://www.linkedin.com/in/person-{number}/",
        "first": f"First{number}",
        **more,
    }


def monday(now):
    """Return the next Monday, 09:00 UTC."""
    day = now + timedelta(days=7 - now.weekday())
    return datetime(day.year, day.month, day.day, 9, tzinfo=now.tzinfo)

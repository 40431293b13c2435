"""Subscriptions whose records have times of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from delta_cases import batch_of
from psycopg import sql

from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta
from syncflow_dagster.nodes.delta.due import Noted
from syncflow_dagster.nodes.delta.due_times import DueTimes
from syncflow_dagster.nodes.delta.tables import prepare
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.nodes.triggers.due_records import take_due
from syncflow_dagster.workflows.models.delta import DeltaNode

WORKFLOW = "renewals"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TABLE = "subscription_delta"


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now=NOON):
        self.moment = now

    def now(self):
        return self.moment

    def sleep(self, seconds):
        raise AssertionError("nothing here waits")

    def pass_by(self, **time):
        self.moment += timedelta(**time)


def node(due, **changes):
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": "subscriptions",
            "description": "Subscriptions",
            "source": "pull",
            "entity": "subscription",
            "table": TABLE,
            "key": ["number"],
            "fields": [
                {"name": "number"},
                {"name": "plan"},
                {"name": "renews_at", "type": "datetime"},
                {"name": "ends_on", "type": "date"},
                {"name": "rhythm"},
            ],
            "due": due,
            **changes,
        }
    )


def subscription(number, plan="basic", renews_at=None, ends_on=None, rhythm=None):
    values = {"number": number, "plan": plan, "renews_at": renews_at}
    return {**values, "ends_on": ends_on, "rhythm": rhythm}


class World:
    """A node's tables and the time there."""

    def __init__(self, database, due, **changes):
        self.database, self.clock, self.node = database, Clock(), node(due, **changes)
        prepare(database, WORKFLOW, [self.node])

    def build(self, *rows, **options):
        return build_delta(
            self.database,
            WORKFLOW,
            self.node,
            GivenRows(batch_of(list(rows))),
            parent=None,
            clock=self.clock,
            options=DeltaOptions(**options),
        )

    def take(self, **options):
        return take_due(self.database, self.clock, WORKFLOW, self.node, None, **options)

    def push(self):
        """Do what a consumer does: take up what is pending; return (record, operation, reason)."""
        found = self.database.fetch_all(
            f"update {TABLE} set state = 'SYNCED' where state = 'PENDING' "
            "returning delta_id, business_key, operation, reason"
        )
        found.sort(key=lambda row: row["delta_id"])
        return [(row["business_key"], row["operation"], row["reason"]) for row in found]

    def rows(self, number):
        """Return all delta rows of a record, the oldest first."""
        return self.database.fetch_all(
            f"select * from {TABLE} where business_key = %s order by delta_id", (number,)
        )

    def due(self):
        """Return when each record is due next, by key."""
        rows = self.database.fetch_all(
            f"select business_key, next_due_at from due_record join {TABLE}_snapshot "
            "using (bk_hash) order by business_key"
        )
        return {row["business_key"]: row["next_due_at"] for row in rows}

    def pages_of_a_claim(self, limit=100):
        """Return how many pages a claim of some records reads."""
        given = {"workflow": WORKFLOW, "node": self.node.name, "now": NOON, "limit": limit}
        with self.database.transaction() as conn:
            # A small table would be read whole, which tells nothing of large ones.
            conn.execute("set local enable_seqscan = off")
            noted = Noted(conn, WORKFLOW, self.node, None)
            claim = noted.statement("claim", DueTimes(self.node, self.node.due))
            explained = sql.SQL("explain (analyze, buffers, format json) {}").format(claim)
            row = conn.execute(explained, given).fetchone()
        plan = row["QUERY PLAN"][0]["Plan"]
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

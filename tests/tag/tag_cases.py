"""A small workflow with a tag node, its rows, and an org that exists in memory only."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import sql

from syncflow_dagster.core.soql.date_literals import Calendar
from syncflow_dagster.core.soql.record_ids import long_id
from syncflow_dagster.core.soql.schema import FieldInfo
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.nodes.delta.tables import prepare
from syncflow_dagster.nodes.tag.approval import plan_store
from syncflow_dagster.nodes.tag.compute import Computer
from syncflow_dagster.nodes.tag.conditions import matchers
from syncflow_dagster.nodes.tag.keeping import Keeper, PlanOptions
from syncflow_dagster.nodes.tag.lines import Records
from syncflow_dagster.nodes.tag.planning import Planning
from syncflow_dagster.nodes.tag.policy import PlanPolicy
from syncflow_dagster.nodes.tag.wishes import SourceRow
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import Workflow
from syncflow_dagster.workflows.models.policy import Policy

TABLE = "moves"


def contact_id(number: int) -> str:
    return long_id(f"003Hn0{number:09d}")


def rule(name: str, tag: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "record": "contact_id",
        "purpose": "champion_tracking",
        "tag": tag,
        **more,
    }


CHAMPION = rule(
    "champion", {"type": "multipicklist", "field": "Champion_Tags__c", "add": ["champion"]}
)
STATUS = rule("status", {"type": "picklist", "field": "Champion_Status__c", "value": "Moved"})
TOPIC = rule("topic", {"type": "topic", "topic": "Champions"})
MEMBER = rule("member", {"type": "campaign", "campaign": "701Hn0000000001", "status": "Sent"})
JUNCTION = rule(
    "junction",
    {
        "type": "junction",
        "object": "Tag_Assignment__c",
        "external_id": "Assignment_Key__c",
        "lookup": "Contact__c",
        "tag": "champion",
        "values": {"Tag__c": "champion", "Purpose__c": "champion_tracking"},
    },
)


def workflow(
    rules: list[dict[str, Any]],
    url: str = "https://org",
    *,
    fields: tuple[dict[str, Any], ...] = (),
    more: tuple[dict[str, Any], ...] = (),
    **node: Any,
) -> Workflow:
    """The workflow; with more fields of its rows, and more nodes, if given."""
    return Workflow.model_validate(
        {
            "workflow": "champions",
            "description": "Tags champions who moved.",
            "owner": "sales",
            "connections": {
                "crm": {
                    "type": "salesforce",
                    "url": url,
                    "auth": {"type": "client_credentials", "client_id": "i", "client_secret": "s"},
                },
                "db": {"type": "sql", "url": "sqlite:///x.db"},
            },
            "nodes": [
                {
                    "type": "pull",
                    "name": "read_moves",
                    "description": "Moves.",
                    "connection": "db",
                    "query": "moves.sql.j2",
                },
                {
                    "type": "delta",
                    "name": "moves",
                    "description": "Moves.",
                    "source": "read_moves",
                    "entity": "move",
                    "table": TABLE,
                    "key": ["contact_id", "company"],
                    "fields": [
                        {"name": "contact_id", "type": "text"},
                        {"name": "company", "type": "text"},
                        {"name": "score", "type": "integer"},
                        *fields,
                    ],
                },
                {
                    "type": "tag",
                    "name": "tag_moves",
                    "description": "Tags.",
                    "connection": "crm",
                    "source": "moves",
                    "object": "Contact",
                    "policy": "policy.yaml",
                    "rules": rules,
                    **node,
                },
                *more,
            ],
        }
    )


def policy(**approval: Any) -> Policy:
    """A policy that allows what the rules here write; approvers anna and omar."""
    return Policy.model_validate(
        {
            "policy": "champions",
            "version": 1,
            "owner": "dpo",
            "purposes": {
                "champion_tracking": {
                    "description": "Follow champions.",
                    "lawful_basis": "legitimate_interests",
                    "lia_ref": "LIA-1",
                }
            },
            "subjects": {"Contact": {}},
            "writes": {
                "Contact": [
                    "Champion_Tags__c", "Champion_Status__c", "Is_Champion__c", "Title", "Email",
                    "Birthdate", "EmailBouncedDate", "Past_Account__c", "LastName",
                ],
                "TopicAssignment": ["TopicId", "EntityId"],
                "CampaignMember": ["CampaignId", "ContactId", "Status"],
                "Tag_Assignment__c": [
                    "Assignment_Key__c", "Contact__c", "Tag__c", "Purpose__c",
                ],
            },
            "approval": {"approvers": ["anna", "omar"], "max_share": 1, **approval},
        }
    )  # fmt: skip


def row(number: int, operation: str = "INSERT", **values: Any) -> SourceRow:
    given = {"contact_id": contact_id(number), "company": "Acme", "score": 1, **values}
    return SourceRow(TABLE, number, operation, None, f"row {number}", given)


@dataclass
class MemoryOrg:
    """Records that only planning sees: cells by record id."""

    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks: int = 0

    def read(self, wishes):
        self.looks += 1
        ids = {one.place.record_id for one in wishes}
        return Records({one: dict(cells) for one, cells in self.cells.items() if one in ids})


@dataclass
class PlanWorld:
    """A tag node over real tables and an org in memory."""

    database: Any
    clock: Any
    workflow: Workflow
    policy: Policy
    org: MemoryOrg = field(default_factory=MemoryOrg)

    def __post_init__(self):
        prepare(self.database, self.workflow.workflow, self.workflow.deltas)
        self.store = plan_store(self.database, self.workflow, self.node)

    @property
    def node(self):
        return self.workflow.tags[0]

    def add(self, *rows: SourceRow) -> None:
        """Write rows as a delta build does."""
        statement = sql.SQL(
            "insert into {} (batch_id, record_uuid, generation, operation, bk_hash, business_key, "
            "{}) values (1, %s, 1, %s, %s, %s, {})"
        )
        known = sql.SQL(
            "insert into {} (bk_hash, hash_version, record_uuid, business_key, contact_id, company)"
            " values (%s, 1, %s, %s, %s, %s)"
        ).format(sql.Identifier(f"{TABLE}_snapshot"))
        with self.database.transaction() as conn:
            for one in rows:
                names = sql.SQL(", ").join(map(sql.Identifier, one.values))
                values = sql.SQL(", ").join(map(sql.Literal, one.values.values()))
                record, key = uuid.uuid4(), uuid.uuid4()
                conn.execute(
                    statement.format(sql.Identifier(TABLE), names, values),
                    [record, one.operation, key, one.label],
                )
                contact, company = one.values["contact_id"], one.values["company"]
                conn.execute(known, [key, record, one.label, contact or "", company])

    def planning(
        self, *, actor="nightly", run_id="run-1", dry_run=False, records=100, limit=None
    ) -> Planning:
        source = self.workflow.deltas[0]
        conditions, mistakes = matchers(self.node, source, Calendar(self.clock.now()))
        assert not mistakes
        by_condition = {id(one.when): conditions[one.name] for one in self.node.rules if one.when}
        computer = Computer(
            self.node,
            self.store,
            self.org,
            lambda condition, values: by_condition[id(condition)](values),
            {"Title": FieldInfo("Title", "string", length=128)},
            {},
            "salesforce:default",
            self.clock,
            130.0,
        )
        keeper = Keeper(
            self.database,
            self.clock,
            self.store,
            EffectStore(self.database),
            self.node,
            Scope(self.workflow.workflow, self.node.name, 0),
            "salesforce:default",
            "https://org",
            PlanPolicy(self.policy, records),
            PlanOptions(actor, run_id, dry_run, limit),
        )
        return Planning(keeper, computer)

    def plan(self, **options):
        return self.planning(**options).run()

    def states(self) -> list[tuple[str, str | None]]:
        rows = self.database.fetch_all(f"select state, reason from {TABLE} order by delta_id")
        return [(one["state"], one["reason"]) for one in rows]

    def effects(self) -> list[dict[str, Any]]:
        return self.database.fetch_all("select * from effect order by effect_id")


def loaded(given: Workflow, folder: Path) -> LoadedWorkflow:
    return LoadedWorkflow(given, folder / "champions.yaml")

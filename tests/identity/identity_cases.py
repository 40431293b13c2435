"""A workflow that tells who is who, and contacts it is told of."""

from __future__ import annotations

import pyarrow as pa

from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta
from syncflow_dagster.nodes.identity.run import run_identity
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.workflows.models import Workflow

FIELDS = ("id", "first", "last", "email", "linkedin", "phone", "account", "company", "prior")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in (*FIELDS, "master")),
        ("made", pa.timestamp("us", "UTC")),
        ("dropped", pa.bool_()),
    ]
)


def workflow(*arguments, **changes):
    return Workflow.model_validate(document(*arguments, **changes))


def document(table="contact_delta", name="champions", batch_rows=3):
    """Return what a workflow file says."""
    pull = {
        "type": "pull",
        "name": "pull",
        "description": "Contacts",
        "connection": "book",
        "query": "contacts.sql.j2",
    }
    contacts = {
        "type": "delta",
        "name": "contacts",
        "description": "Contacts",
        "source": "pull",
        "entity": "contact",
        "table": table,
        "key": ["contact_id"],
        "deletes": {"max_share": 1.0},
        "fields": [
            {"name": "contact_id", "column": "id"},
            *({"name": one} for one in (*FIELDS[1:], "master")),
            {"name": "made", "type": "datetime"},
            {"name": "dropped", "type": "boolean"},
        ],
    }
    people = {
        "type": "identity",
        "name": "people",
        "description": "Who is who",
        "source": "contacts",
        "batch_rows": batch_rows,
        "person": {
            "record_id": "contact_id",
            "merged_into": "master",
            "deleted": "dropped",
            "first_name": "first",
            "last_name": "last",
            "email": "email",
            "linkedin": "linkedin",
            "phones": ["phone"],
            "account": "account",
            "company": "company",
            "prior_account": "prior",
            "created": "made",
        },
    }
    moves = {
        "type": "delta",
        "name": "moves",
        "description": "Moves",
        "source": "people",
        "entity": "job_change",
        "table": f"{table}_moves",
        "key": ["move_id"],
        "detection": {"strategy": "rowversion", "rowversion": "move_id"},
        "fields": [
            {"name": "move_id", "type": "integer"},
            *({"name": one} for one in ("person_id", "contact_id", "former_contact_id", "company")),
            {"name": "moved_at", "type": "datetime"},
            {"name": "tier", "type": "integer"},
            {"name": "evidence"},
        ],
    }
    return {
        "workflow": name,
        "description": "Who moved",
        "owner": "sales",
        "connections": {"book": {"type": "sql", "url": "sqlite://"}},
        "nodes": [pull, contacts, people, moves],
    }


def contact(number, name="Ann Lee", **fields):
    first, _, last = name.rpartition(" ")
    return {"id": number, "first": first, "last": last, **fields}


def tell(database, flow, contacts):
    """Let the contacts be all there are."""
    node = flow.node("contacts")
    batch = pa.RecordBatch.from_pylist(contacts, SCHEMA)
    options = DeltaOptions()
    clock = DatabaseClock(database)
    source = GivenRows([batch])
    return build_delta(
        database, flow.workflow, node, source, parent=None, clock=clock, options=options
    )


def decide(database, flow, **options):
    return run_identity(database, DatabaseClock(database), flow, flow.node("people"), **options)


def states(database, table="contact_delta"):
    """Return the state of each contact's last delta row."""
    rows = database.fetch_all(f"select * from {table} order by delta_id")
    return {row["contact_id"]: row["state"] for row in rows}


def people(database, name="champions"):
    """Return who has which records."""
    rows = database.fetch_all(
        "select array_agg(record_id order by record_id) as records from person_record"
        " where workflow = %s group by person_id",
        [name],
    )
    return {"".join(row["records"]) for row in rows}


def moves(database, name="champions"):
    rows = database.fetch_all(
        "select * from job_change where workflow = %s order by move_id", [name]
    )
    return [(row["former_contact_id"], row["contact_id"], row["company"]) for row in rows]

"""A workflow that pulls contacts into a delta table, and the sandbox's truth beside it."""

from __future__ import annotations

from datetime import datetime

from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta
from syncflow_dagster.nodes.pull.salesforce import open_records
from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

FIELDS = ("Id", "LastName", "Email", "Account.Name", "IsDeleted", "SystemModstamp")
CHANGES = "{strategy: rowversion, rowversion: changed_at}"
FILE = """
workflow: champions
description: Contacts
owner: operations
connections:
  crm:
    type: salesforce
    url: ${CRM_URL}
    auth: {type: client_credentials, client_id: "${CRM_ID}", client_secret: "${CRM_SECRET}"}
nodes:
  - type: salesforce_pull
    name: contacts
    description: Contacts
    connection: crm
    object: Contact
    fields: [FIELDS]
    with_deleted: true
OPTIONS
  - type: delta
    name: people
    description: People
    source: contacts
    entity: person
    table: champions_people
    key: [id]
    duplicates: last
    deletes: {marker: is_deleted, max_share: 1}
    detection: DETECTION
    fields:
      - {name: id, column: Id}
      - {name: name, column: LastName}
      - {name: email, column: Email}
      - {name: company, column: Account.Name}
      - {name: is_deleted, column: IsDeleted, type: boolean}
      - {name: changed_at, column: SystemModstamp, type: datetime}
MORE
"""


def load(folder, org, *options, fields=FIELDS, more=(), detection=CHANGES) -> LoadedWorkflow:
    """The workflow; `options` are lines of the pull node, `more` fields of the delta node."""
    text = FILE.replace("FIELDS", ", ".join(fields))
    text = text.replace("OPTIONS", "\n".join(f"    {one}" for one in options))
    text = text.replace("DETECTION", detection)
    text = text.replace("MORE", "\n".join(f"      - {one}" for one in more))
    path = folder / "champions.yaml"
    path.write_text(text, "utf-8")
    secrets = {"CRM_ID": org.tokens["client_id"], "CRM_SECRET": org.tokens["client_secret"]}
    found = load_file(path, {"CRM_URL": org.url, **secrets})
    assert isinstance(found, LoadedWorkflow), "\n".join(map(str, found.problems))
    return found


def rows_of(loaded, org=None):
    """The pull node's rows; with an org, waits move its clock."""
    source = open_records(loaded, loaded.workflow.salesforce_pulls[0])
    if org is not None:
        source.connect = lambda given: SalesforceClient(
            given, wait=org.clock.advance, monotonic=org.clock.real
        )
    return source


def build(database, loaded, source, home=None, **options):
    """Build the delta of the pull node's rows."""
    return build_delta(
        database,
        "champions",
        loaded.workflow.deltas[0],
        source,
        parent=None,
        clock=DatabaseClock(database),
        options=DeltaOptions(home=home, **options),
    )


def view(database):
    """What the delta table says there is: id → the fields; and how often it says the same twice."""
    rows = database.fetch_all("select * from champions_people order by delta_id")
    there, last, twice = {}, {}, 0
    for row in rows:
        said = (row["operation"] == "DELETE", row["data_hash"])
        twice += last.get(row["business_key"]) == said
        last[row["business_key"]] = said
        there.pop(row["id"], None)
        if row["operation"] != "DELETE":
            there[row["id"]] = (row["name"], row["email"], row["company"], row["changed_at"])
    return there, twice


def truth(org):
    """What the org holds, as `view` shows it: a table takes no NUL, and space of one kind."""
    records = org.control.state("salesforce")["records"]
    companies = {one["Id"]: one["Name"] for one in records["Account"]}
    return {
        one["Id"]: (
            " ".join(one["LastName"].split()),
            one.get("Email"),
            companies.get(one.get("AccountId")),
            datetime.fromisoformat(one["SystemModstamp"]),
        )
        for one in records["Contact"]
        if not one.get("IsDeleted") and "\0" not in one["LastName"]
    }

"""What workflows and nodes are called in Dagster: keys, groups, tags, owners, pools."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from syncflow_dagster.core.turns import PRIORITIES
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES, SUBITEMS
from syncflow_dagster.nodes.tag.destination import account as org_account
from syncflow_dagster.nodes.tag.lines import PASSES as PASSES_OF_KINDS
from syncflow_dagster.nodes.triggers.slots import Slot
from syncflow_dagster.resources.observe import Work
from syncflow_dagster.workflows.models import (
    AnyNode,
    DeltaNode,
    LinkedInAccount,
    LinkedInStepNode,
    MondayConnection,
    MondayPushNode,
    SalesforceConnection,
    TagNode,
    UnipileConnection,
    Workflow,
)

#: Tag of a run whose push tried and brought nothing to an end: what it waits for.
STALLED_TAG = "syncflow/stalled"
#: Tag of a run whose push brought something to an end.
MOVED_TAG = "syncflow/moved"
#: Tag of a run that serves a slot: its number.
SLOT_TAG = "slot"
#: Tags of such a run: when it was due, and the due time before that. Runs of one due time, as
#: those of partitions are, do not keep each other away.
SCHEDULED_FOR_TAG = "scheduled_for"
PREVIOUS_SCHEDULED_TAG = "previous_scheduled"

#: Tag of a run that is its owner's turn: the owner, who has one such run at a time.
TURN_TAG = "turn"
#: Between two priorities in Dagster's queue.
_QUEUE_STEP = 10

#: Passes of a tag node's effects; all of them are one step.
TAG_PASSES = sorted(PASSES_OF_KINDS.values())
#: What a pass of the push is called, in keys and in words.
PASSES = {ITEMS: "items", SUBITEMS: "subitems", STATUSES: "statuses"}


def asset_key(workflow: Workflow, name: str) -> dg.AssetKey:
    """Return the key of a node's asset: owner, workflow, node."""
    return dg.AssetKey([workflow.owner, workflow.workflow, name])


def pass_key(workflow: Workflow, node: MondayPushNode, pass_number: int) -> dg.AssetKey:
    """Return the key of one pass of a push."""
    return asset_key(workflow, f"{node.name}_{PASSES[pass_number]}")


def passes(node: MondayPushNode) -> list[int]:
    """Return the passes a push has, in their order."""
    return [ITEMS, *([SUBITEMS] if node.subitems else []), STATUSES]


def outreach_key(workflow: Workflow, node: LinkedInStepNode, part: str) -> dg.AssetKey:
    """Return the key of a part of a LinkedIn step, such as `inbox`."""
    return asset_key(workflow, f"{node.name}_{part}")


def steps_part(account: LinkedInAccount) -> str:
    """Return the part of a LinkedIn step in which an account acts."""
    return f"steps_{account.name}"


def detection_part(account: LinkedInAccount) -> str:
    """Return the part of a LinkedIn step in which an account is asked what is new."""
    return f"detection_{account.name}"


def unipile_connection(workflow: Workflow, node: LinkedInStepNode) -> UnipileConnection:
    """Return the tenant whose accounts a LinkedIn step uses."""
    connection = workflow.connections[node.connection]
    assert isinstance(connection, UnipileConnection)
    return connection


def linkedin_account(workflow: Workflow, node: LinkedInStepNode, account: LinkedInAccount) -> str:
    """Return an account's name in the ledger; Dagster's pool goes by it."""
    return ledger_account(unipile_connection(workflow, node), account)


def effect_places(workflow: Workflow) -> list[tuple[str, int]]:
    """Return node and pass of all effects the workflow's nodes can have in the ledger."""
    return push_places(workflow) + [(node.name, 1) for node in workflow.linkedin_steps]


def push_places(workflow: Workflow) -> list[tuple[str, int]]:
    """Return node and pass of everything a workflow's pushes and tags take effects up from."""
    places = [(node.name, number) for node in workflow.pushes for number in passes(node)]
    return places + [(node.name, number) for node in workflow.tags for number in TAG_PASSES]


def step_name(workflow: Workflow, name: str) -> str:
    """Return the name of a step; unique in the code location.

    What tells the steps of a run apart comes first: the UI cuts long names at their end.
    """
    return f"{name}__{workflow.workflow}"


def group_name(workflow: Workflow) -> str:
    """Return the group of a workflow's assets."""
    return f"{workflow.owner}_{workflow.workflow}"


def owners(workflow: Workflow) -> list[str]:
    """Return the owners of a workflow's assets."""
    return [f"team:{workflow.owner}"]


def run_tags(workflow: Workflow) -> dict[str, str]:
    """Return the tags of all of a workflow's jobs and runs: whose they are."""
    return {"owner": workflow.owner, "workflow": workflow.workflow}


def turn_tags(workflow: Workflow) -> dict[str, str]:
    """Return the tags of jobs that an owner has one run of at a time, and of their runs."""
    priority = str(_QUEUE_STEP * PRIORITIES[workflow.turns.priority])
    return {**run_tags(workflow), TURN_TAG: workflow.owner, "dagster/priority": priority}


def parts_tags(workflow: Workflow) -> dict[str, str]:
    """Return the tags of a job that builds partitions, and of its runs.

    Several are at work at once, and take the places that nobody else wants: they come after all
    runs that have a turn.
    """
    priority = str(_QUEUE_STEP * (PRIORITIES[workflow.turns.priority] - len(PRIORITIES)))
    return {**run_tags(workflow), "dagster/priority": priority}


def slot_tags(workflow: Workflow, slot: Slot) -> dict[str, str]:
    """Return the tags of a run that serves a slot."""
    tags = {SLOT_TAG: str(slot.slot_id), SCHEDULED_FOR_TAG: moment(slot.due_at)}
    if slot.previous_at is not None:
        tags[PREVIOUS_SCHEDULED_TAG] = moment(slot.previous_at)
    return {**(parts_tags(workflow) if slot.part else turn_tags(workflow)), **tags}


def moment(at: datetime) -> str:
    """Return how an instant stands in a tag, such as `2026-11-02T12:00:00+00:00`."""
    return at.astimezone(UTC).isoformat()


def asset_tags(workflow: Workflow, node_type: str) -> dict[str, str]:
    """Return the tags of an asset."""
    return {**run_tags(workflow), "node": node_type}


def push_job_name(workflow: Workflow) -> str:
    """Return the name of the job that only pushes."""
    return f"{workflow.workflow}_push"


def outreach_job_name(workflow: Workflow) -> str:
    """Return the name of the job in which LinkedIn steps go on."""
    return f"{workflow.workflow}_outreach"


def steering_job_name(workflow: Workflow) -> str:
    """Return the name of the job by which a person steers LinkedIn steps."""
    return f"{workflow.workflow}_steer"


def steering_tags(workflow: Workflow) -> dict[str, str]:
    """Return the tags of a person's runs: they wait for no other run, and none waits for them.

    So neither `workflow`, by which sensors and schedules tell what is under way, nor `owner`, of
    which only so many runs are at work at once; and first in the queue. One that crashed is not
    begun again by itself: a step that was left out would be followed by the next one.
    """
    return {
        "steering": workflow.workflow,
        "dagster/priority": "100",
        "dagster/max_retries": "0",
    }


def parts_job_name(workflow: Workflow) -> str:
    """Return the name of the job that builds one partition of the split delta nodes."""
    return f"{workflow.workflow}_parts"


def retry_job_name(workflow: Workflow) -> str:
    """Return the name of the job that tries rejected rows again."""
    return f"{workflow.workflow}_retry_rejected"


def retention_key(workflow: Workflow) -> dg.AssetKey:
    """Return the key of a workflow's retention: not below that of the workflow's own nodes."""
    return dg.AssetKey([workflow.owner, retention_job_name(workflow)])


def retention_job_name(workflow: Workflow) -> str:
    """Return the name of the job, the asset and the schedule of a workflow's retention."""
    return f"{workflow.workflow}_retention"


def retention_tags(workflow: Workflow) -> dict[str, str]:
    """Return the tags of retention's runs: they are none of those that push."""
    return {"owner": workflow.owner, "retention": workflow.workflow}


def schedule_name(workflow: Workflow, trigger: str) -> str:
    """Return the name of a time trigger's schedule."""
    return f"{workflow.workflow}_{trigger}"


def parts_schedule_name(workflow: Workflow, trigger: str) -> str:
    """Return the name of a time trigger's schedule for the partitions."""
    return f"{schedule_name(workflow, trigger)}_parts"


def connection_key(workflow: Workflow, connection: str) -> str:
    """Return the name of a connection's resource."""
    return f"{workflow.workflow}__{connection}"


def monday_connection(workflow: Workflow, node: MondayPushNode) -> MondayConnection:
    """Return the account a push writes to."""
    connection = workflow.connections[node.connection]
    assert isinstance(connection, MondayConnection)
    return connection


def account(workflow: Workflow, node: MondayPushNode) -> str:
    """Return the account's name in the ledger; its budgets and Dagster's pool go by it."""
    return MondayDestination(monday_connection(workflow, node), node.batch_size).account


def org(workflow: Workflow, node: TagNode) -> str:
    """Return the name in the ledger of the org a tag node writes to; see `account`."""
    connection = workflow.connections[node.connection]
    assert isinstance(connection, SalesforceConnection)
    return org_account(connection.account)


def delta_tables(workflow: Workflow) -> list[str]:
    """Return the delta tables whose rows somebody takes up: pushes, people, tags, outreach."""
    return [node.table for node in _taken(workflow)]


def push_work(workflow: Workflow) -> Work:
    """Return where a workflow's pushes take their work from."""
    if not _taken(workflow):
        return Work()
    parents = {node.name: node for node in workflow.deltas}
    children = [
        (node, parents[node.parent.node]) for node in _taken(workflow) if node.parent is not None
    ]
    due = [node.name for node in workflow.deltas if node.due is not None]
    return Work(delta_tables(workflow), push_places(workflow), children, due)


def _taken(workflow: Workflow) -> list[DeltaNode]:
    sources = [
        mapping.source
        for node in workflow.pushes
        for mapping in (node.items, node.subitems)
        if mapping is not None
    ]
    sources += [node.source for node in workflow.identities]
    sources += [node.source for node in workflow.tags]
    sources += [node.source for node in workflow.linkedin_steps]
    nodes = (workflow.node(name) for name in dict.fromkeys(sources))
    return [node for node in nodes if isinstance(node, DeltaNode)]


def code_version(*nodes: AnyNode, query: Path | None = None) -> str:
    """Return a short fingerprint of what decides a node's result."""
    digest = hashlib.blake2b(digest_size=6)
    for node in nodes:
        digest.update(node.model_dump_json().encode())
    if query is not None and query.is_file():
        digest.update(query.read_bytes())
    return digest.hexdigest()

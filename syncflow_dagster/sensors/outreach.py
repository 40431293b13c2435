"""What of a workflow's LinkedIn steps is due: only the accounts that have something to do start.

A run takes the due accounts only, and ends soon: two actions of an account are minutes apart.
"""

from collections.abc import Iterable, Sequence

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.nodes.linkedin.inbox import source_of
from syncflow_dagster.resources.outreach import OutreachWork
from syncflow_dagster.workflows.models import LinkedInStepNode, Workflow


def due_keys(workflow: Workflow, due: OutreachWork) -> list[dg.AssetKey]:
    """Return the assets in which something is due."""
    return [key for node in workflow.linkedin_steps for key in _due_of(workflow, node, due)]


def outreach_request(workflow: Workflow, keys: Sequence[dg.AssetKey]) -> dg.RunRequest:
    """Return the run of what is due."""
    steps = [key.path[-1] for key in keys]
    return dg.RunRequest(
        job_name=names.outreach_job_name(workflow),
        asset_selection=list(keys),
        tags={**names.turn_tags(workflow), "started_by": f"due: {', '.join(steps)}"[:200]},
    )


def _due_of(workflow: Workflow, node: LinkedInStepNode, due: OutreachWork) -> Iterable[dg.AssetKey]:
    parts = []
    for account in node.accounts:
        name = names.linkedin_account(workflow, node, account)
        acts = (workflow.workflow, node.name, name) in due.acting
        # Whoever is about to write looks first whether somebody has answered.
        parts += [names.detection_part(account)] if acts or name in due.asking else []
        parts += [names.steps_part(account)] if acts else []
    if parts or source_of(names.unipile_connection(workflow, node).account) in due.events:
        for part in ("inbox", *parts, "statistics"):
            yield names.outreach_key(workflow, node, part)

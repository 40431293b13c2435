"""Do org and policy fit the workflow's tag nodes?"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from syncflow_dagster.commands.org_check import org_check
from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.nodes.compliance.key import PrivacyKeyError
from syncflow_dagster.nodes.compliance.salesforce_gate import salesforce_gate
from syncflow_dagster.nodes.pull.ports import SourceError
from syncflow_dagster.nodes.tag.policy import PolicyUnusable
from syncflow_dagster.nodes.tag.run import TagOptions, TagRun

if TYPE_CHECKING:
    from syncflow_dagster.commands.org_check import OrgCheck
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.compliance.gate import Gate
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import TagNode
    from syncflow_dagster.workflows.models.policy import Policy


def check_tags(database: Database, clock: Clock, loaded: LoadedWorkflow) -> list[OrgCheck]:
    """Compare every tag node of a workflow with its org and its policy; write nothing there.

    Args:
        database: The store.
        clock: Its time.
        loaded: The workflow.
    """
    return [
        org_check(loaded, node, _mistakes(database, clock, loaded, node))
        for node in loaded.workflow.tags
    ]


def _mistakes(
    database: Database, clock: Clock, loaded: LoadedWorkflow, node: TagNode
) -> list[Mistake]:
    at = ("nodes", loaded.workflow.nodes.index(node))

    def gate(client: SalesforceClient, policy: Policy, owner: str) -> Gate:
        return salesforce_gate(database, clock, client, policy, owner, environ=os.environ)

    options = TagOptions(actor="preflight", dry_run=True)
    try:
        with closing(TagRun(database, clock, loaded, node, options, gate)) as run:
            return run.faults()
    except PolicyUnusable as error:
        return [Mistake((*at, "policy"), "policy_unusable", str(error))]
    except PrivacyKeyError as error:
        return [Mistake(at, "no_privacy_key", str(error))]
    except SourceError as error:
        message = f"the org cannot be asked: {error}"
        return [Mistake((*at, "connection"), "not_reachable", message)]

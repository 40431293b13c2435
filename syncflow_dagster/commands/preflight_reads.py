"""Do the workflow's queries and fields fit the Salesforce org?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.commands.org_check import org_check
from syncflow_dagster.commands.plan_reads import Orgs
from syncflow_dagster.core.soql.split import TooLongError, for_bulk, for_rest
from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.nodes.pull.ports import SourceError
from syncflow_dagster.nodes.pull.soql import QueryUnfit, check_pull
from syncflow_dagster.nodes.salesforce.fields import check_reading, mirrors

if TYPE_CHECKING:
    from syncflow_dagster.commands.org_check import OrgCheck
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import SalesforcePullNode


def check_reads(loaded: LoadedWorkflow) -> list[OrgCheck]:
    """Check every Salesforce pull node of a workflow, and the delta fields that it feeds."""
    orgs = Orgs(loaded)
    with orgs.stack:
        return [_check(orgs, node) for node in loaded.workflow.salesforce_pulls]


def _check(orgs: Orgs, node: SalesforcePullNode) -> OrgCheck:
    workflow = orgs.loaded.workflow
    at = ("nodes", workflow.nodes.index(node))
    try:
        found = _mistakes(orgs, node)
    except QueryUnfit as error:
        found = list(error.mistakes)
    except TooLongError as error:
        found = [Mistake((*at, "where"), "too_long", str(error), "shorten the lists")]
    except SourceError as error:
        message = f"the org cannot be asked: {error}"
        found = [Mistake((*at, "connection"), "not_reachable", message)]
    return org_check(orgs.loaded, node, found)


def _mistakes(orgs: Orgs, node: SalesforcePullNode) -> list[Mistake]:
    workflow = orgs.loaded.workflow
    _, schema = orgs.of(node.connection)
    checked = check_pull(workflow, node, schema)
    (for_rest if node.api == "rest" else for_bulk)(checked.query)
    found = list(checked.warnings)
    for delta in workflow.deltas:
        if delta.source == node.name:
            loc = ("nodes", workflow.nodes.index(delta))
            found += check_reading(delta, mirrors(delta, checked.owner, schema, loc))
    return found

"""The typed models a workflow file is read into."""

from syncflow_dagster.workflows.models.connections import (
    Connection,
    FilesConnection,
    MondayConnection,
    SqlConnection,
)
from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule, Unpivot
from syncflow_dagster.workflows.models.identity import IdentityNode, PersonFields
from syncflow_dagster.workflows.models.linkedin import (
    LinkedInAccount,
    LinkedInStepNode,
    UnipileConnection,
)
from syncflow_dagster.workflows.models.monday import (
    LINKING_TYPES,
    ColumnMapping,
    ItemMapping,
    MondayPushNode,
    StatusMapping,
)
from syncflow_dagster.workflows.models.pull import PullNode
from syncflow_dagster.workflows.models.salesforce import SalesforceConnection, SalesforcePullNode
from syncflow_dagster.workflows.models.tag import TagNode, TagRule
from syncflow_dagster.workflows.models.triggers import CronTrigger, PendingRowsTrigger
from syncflow_dagster.workflows.models.upkeep import Retention, StuckAfter
from syncflow_dagster.workflows.models.workflow import AnyNode, Workflow

__all__ = [
    "LINKING_TYPES",
    "AnyNode",
    "ColumnMapping",
    "Connection",
    "CronTrigger",
    "DeltaNode",
    "FieldRule",
    "FilesConnection",
    "IdentityNode",
    "ItemMapping",
    "LinkedInAccount",
    "LinkedInStepNode",
    "MondayConnection",
    "MondayPushNode",
    "PendingRowsTrigger",
    "PersonFields",
    "PullNode",
    "Retention",
    "SalesforceConnection",
    "SalesforcePullNode",
    "SqlConnection",
    "StatusMapping",
    "StuckAfter",
    "TagNode",
    "TagRule",
    "UnipileConnection",
    "Unpivot",
    "Workflow",
]

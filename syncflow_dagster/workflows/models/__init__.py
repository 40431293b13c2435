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
from syncflow_dagster.workflows.models.triggers import (
    AfterTrigger,
    AnyTimeTrigger,
    Calendar,
    CronTrigger,
    DatesTrigger,
    IntervalTrigger,
    PendingRowsTrigger,
    PhraseTrigger,
    TimeTrigger,
    Turns,
    Windows,
)
from syncflow_dagster.workflows.models.upkeep import Retention, StuckAfter
from syncflow_dagster.workflows.models.workflow import AnyNode, Workflow

__all__ = [
    "LINKING_TYPES",
    "AfterTrigger",
    "AnyNode",
    "AnyTimeTrigger",
    "Calendar",
    "ColumnMapping",
    "Connection",
    "CronTrigger",
    "DatesTrigger",
    "DeltaNode",
    "FieldRule",
    "FilesConnection",
    "IdentityNode",
    "IntervalTrigger",
    "ItemMapping",
    "LinkedInAccount",
    "LinkedInStepNode",
    "MondayConnection",
    "MondayPushNode",
    "PendingRowsTrigger",
    "PersonFields",
    "PhraseTrigger",
    "PullNode",
    "Retention",
    "SalesforceConnection",
    "SalesforcePullNode",
    "SqlConnection",
    "StatusMapping",
    "StuckAfter",
    "TagNode",
    "TagRule",
    "TimeTrigger",
    "Turns",
    "UnipileConnection",
    "Unpivot",
    "Windows",
    "Workflow",
]

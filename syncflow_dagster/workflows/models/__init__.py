"""The typed models a workflow file is read into."""

from syncflow_dagster.workflows.models.connections import (
    Connection,
    FilesConnection,
    MondayConnection,
    SqlConnection,
)
from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule, Unpivot
from syncflow_dagster.workflows.models.monday import (
    LINKING_TYPES,
    ColumnMapping,
    ItemMapping,
    MondayPushNode,
    StatusMapping,
)
from syncflow_dagster.workflows.models.pull import PullNode
from syncflow_dagster.workflows.models.triggers import CronTrigger, PendingRowsTrigger
from syncflow_dagster.workflows.models.upkeep import Retention, StuckAfter
from syncflow_dagster.workflows.models.workflow import Workflow

__all__ = [
    "LINKING_TYPES",
    "ColumnMapping",
    "Connection",
    "CronTrigger",
    "DeltaNode",
    "FieldRule",
    "FilesConnection",
    "ItemMapping",
    "MondayConnection",
    "MondayPushNode",
    "PendingRowsTrigger",
    "PullNode",
    "Retention",
    "SqlConnection",
    "StatusMapping",
    "StuckAfter",
    "Unpivot",
    "Workflow",
]

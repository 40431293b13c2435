"""The typed models a workflow file is read into."""

from syncflow_dagster.workflows.models.connections import (
    Connection,
    FilesConnection,
    MondayConnection,
    SqlConnection,
)
from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule, Unpivot
from syncflow_dagster.workflows.models.monday import ItemMapping, MondayPushNode
from syncflow_dagster.workflows.models.pull import PullNode
from syncflow_dagster.workflows.models.triggers import CronTrigger, PendingRowsTrigger
from syncflow_dagster.workflows.models.workflow import Workflow

__all__ = [
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
    "SqlConnection",
    "Unpivot",
    "Workflow",
]

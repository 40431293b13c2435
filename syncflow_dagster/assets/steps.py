"""What the steps of a workflow share: its resources, opened for as long as the step runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.resources.connections import with_resources
from syncflow_dagster.resources.run_options import RESOURCE, RunOptions
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.workflows.loader import LoadedWorkflow

#: Key of the resource of SyncFlow's own database.
STORE = "store"

StepContext = dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A step's resources in use.

    Attributes:
        database: SyncFlow's own database.
        clock: Its time.
        loaded: The workflow, with the connections of this run.
        options: What was chosen for this run.
    """

    database: Database
    clock: DatabaseClock
    loaded: LoadedWorkflow
    options: RunOptions


@dataclass(frozen=True, slots=True)
class StepResources:
    """Which resources a step needs.

    Attributes:
        loaded: The workflow.
        connections: Names of the connections it uses.
    """

    loaded: LoadedWorkflow
    connections: Sequence[str]

    @property
    def keys(self) -> set[str]:
        """Keys of the resources."""
        own = {names.connection_key(self.loaded.workflow, name) for name in self.connections}
        return {STORE, RESOURCE, *own}

    @contextmanager
    def open(self, context: StepContext) -> Iterator[OpenStep]:
        """Open the database, and bring the connections to what this run's resources say."""
        found = context.resources
        resources = {
            name: getattr(found, names.connection_key(self.loaded.workflow, name))
            for name in self.connections
        }
        loaded = with_resources(self.loaded, resources)
        with getattr(found, STORE).open() as store:
            yield OpenStep(store.database, store.clock, loaded, getattr(found, RESOURCE).options)

"""What the steps of a workflow share: its resources, opened for as long as the step runs."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import dagster as dg
import psycopg

from syncflow_dagster.assets import names
from syncflow_dagster.nodes.triggers import slots
from syncflow_dagster.nodes.triggers.turns import charge
from syncflow_dagster.resources.connections import with_resources
from syncflow_dagster.resources.run_options import RESOURCE, RunOptions
from syncflow_dagster.resources.store import Store
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import Workflow

#: Key of the resource of SyncFlow's own database.
STORE = "store"

StepContext = dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a run was started for.

    Attributes:
        slot_id: Its slot.
        scheduled_for: When it was due.
        previous: The due time before that; None: there was none.
    """

    slot_id: int
    scheduled_for: datetime
    previous: datetime | None

    @classmethod
    def of(cls, run: dg.DagsterRun) -> Self | None:
        """Read it from a run's tags; None: somebody has started the run by hand."""
        slot, due = (run.tags.get(name) for name in (names.SLOT_TAG, names.SCHEDULED_FOR_TAG))
        if slot is None or due is None:
            return None
        before = run.tags.get(names.PREVIOUS_SCHEDULED_TAG)
        previous = None if before is None else datetime.fromisoformat(before)
        return cls(int(slot), datetime.fromisoformat(due), previous)


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A step's resources in use.

    Attributes:
        database: SyncFlow's own database.
        clock: Its time.
        loaded: The workflow, with the connections of this run.
        options: What was chosen for this run.
        occasion: What the run was started for; None: it was started by hand.
    """

    database: Database
    clock: DatabaseClock
    loaded: LoadedWorkflow
    options: RunOptions
    occasion: Occasion | None = None


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
        """Open the database, and bring the connections to what this run's resources say.

        Raises:
            dagster.DagsterExecutionInterruptedError: Another run has served what this one was
                started for: it ends here, as canceled.
        """
        found = context.resources
        resources = {
            name: getattr(found, names.connection_key(self.loaded.workflow, name))
            for name in self.connections
        }
        loaded = with_resources(self.loaded, resources)
        with getattr(found, STORE).open() as store:
            occasion = Occasion.of(context.run)
            if occasion is not None:
                _take(context, store, occasion)
            options = getattr(found, RESOURCE).options
            with _charged(store, loaded.workflow):
                yield OpenStep(store.database, store.clock, loaded, options, occasion)


@contextmanager
def _charged(store: Store, workflow: Workflow) -> Iterator[None]:
    """Count the time of a step as used by the workflow's owner, however the step ends."""
    began = time.monotonic()
    try:
        yield
    finally:
        # A step that did its work must not fail because this could not be written down.
        with suppress(psycopg.Error):
            seconds = time.monotonic() - began
            share = workflow.turns.share
            charge(store.database, workflow.owner, share, seconds, store.clock.now())


def _take(context: StepContext, store: Store, occasion: Occasion) -> None:
    """Take the run's slot, or end the run."""
    run = context.run
    now = store.clock.now()
    taken = slots.take(store.database, occasion.slot_id, run.run_id, run.root_run_id, now)
    if taken is None:
        return
    message = (
        f"This run does nothing: what was due at {names.moment(occasion.scheduled_for)} is not "
        f"its to do: {taken}."
    )
    context.log.warning(message)
    # Without that, Dagster would take the end for a crash, and begin the run again.
    context.instance.report_run_canceling(run, message)
    raise dg.DagsterExecutionInterruptedError(message)

"""Opening what commands about outreach on LinkedIn work with."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.find import find_workflow, workflows_folder
from syncflow_dagster.commands.store import command_store
from syncflow_dagster.nodes.compliance.key import PrivacyKeyError, privacy_key
from syncflow_dagster.nodes.linkedin.inbox_webhooks import HooksUnavailable
from syncflow_dagster.nodes.linkedin.interventions import NotPossible
from syncflow_dagster.nodes.linkedin.run import OutreachOptions, OutreachRun
from syncflow_dagster.nodes.linkedin.steering import lead_of, steps_of
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.location import default_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow


@dataclass(frozen=True, slots=True)
class Opened:
    """The database, its time, and what is found by it."""

    database: Database
    clock: DatabaseClock

    def nodes(self, workflow: str, node: str | None = None) -> list[OutreachRun]:
        """Return a workflow's LinkedIn steps, or the one that is named.

        Raises:
            NotPossible: It has none.
            NoSuchWorkflow: There is no such workflow.
        """
        loaded = find_workflow(workflows_folder(), workflow)
        return [self._run(loaded, one.name) for one in steps_of(loaded.workflow, node)]

    def of_lead(self, lead_id: int) -> OutreachRun:
        """Return the node of a lead.

        Raises:
            NotPossible: There is no such lead, or its node is no longer there.
            NoSuchWorkflow: Its workflow is no longer there.
        """
        lead = lead_of(self.database, lead_id)
        return self.nodes(lead.workflow, lead.node)[0]

    def _run(self, loaded: LoadedWorkflow, node: str) -> OutreachRun:
        try:
            key = privacy_key(os.environ, self.database, self.clock.now())
        except PrivacyKeyError:
            key = None  # nothing is sent without it; all else may be done
        return OutreachRun(self.database, self.clock, loaded, node, OutreachOptions(key))


@contextmanager
def opened() -> Iterator[Opened]:
    """Open the database for a command.

    Raises:
        CommandFailed: It is not there, or what is asked cannot be done.
    """
    with command_store(default_home()) as database:
        try:
            yield Opened(database, DatabaseClock(database))
        except (NotPossible, HooksUnavailable) as error:
            raise CommandFailed(str(error)) from error

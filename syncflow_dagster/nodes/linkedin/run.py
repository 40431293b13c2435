"""One node's outreach: what Dagster, commands and simulations drive.

Each method is safe to be killed at any moment and to be called again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.accounts import DueAccount, due_accounts
from syncflow_dagster.nodes.linkedin.api import LinkedInApi
from syncflow_dagster.nodes.linkedin.buckets import Buckets
from syncflow_dagster.nodes.linkedin.caps import Meter
from syncflow_dagster.nodes.linkedin.client import UnipileClient
from syncflow_dagster.nodes.linkedin.enrol import enrol
from syncflow_dagster.nodes.linkedin.leads import LeadStore
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.statistics import statistics
from syncflow_dagster.nodes.linkedin.sweep import sweep
from syncflow_dagster.nodes.linkedin.turn import turn
from syncflow_dagster.nodes.linkedin.versions import Versions
from syncflow_dagster.workflows.models import LinkedInStepNode, UnipileConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.core.backoff import Random
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.core.leaving import Leave
    from syncflow_dagster.nodes.linkedin.api import LinkedIn
    from syncflow_dagster.nodes.linkedin.report import (
        EnrolReport,
        Statistics,
        SweepReport,
        TurnReport,
    )
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import LinkedInAccount

__all__ = ["DueAccount", "OutreachOptions", "OutreachRun", "due_accounts"]


@dataclass(frozen=True, slots=True)
class OutreachOptions:
    """What a run is given beside the workflow.

    Attributes:
        privacy_key: Makes the hashes by which suppressed persons are known; None: the node must
            not send, as nobody could be told from the lists.
        chance: Where jitter is drawn from.
        batch_rows: Changes of the source enrolled in one transaction.
        ask: Gives what asks LinkedIn through an account; Unipile, if left out.
        leave: Asked between two actions, and in waits, whether a turn must stop there.
    """

    privacy_key: PrivacyKey | None = None
    chance: Random = field(default_factory=random.Random)
    batch_rows: int = 500
    ask: Callable[[LinkedInAccount], LinkedIn] | None = None
    leave: Leave | None = None


class OutreachRun:
    """Outreach of one node.

    Args:
        database: Leads and ledger.
        clock: Database time, and waiting.
        loaded: The workflow.
        node: Name of its LinkedIn step.
        options: What else it needs.

    Raises:
        KeyError: The workflow has no node of this name.
        TypeError: That node is no LinkedIn step, or its connection none to Unipile.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        loaded: LoadedWorkflow,
        node: str,
        options: OutreachOptions | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.loaded = loaded
        self.workflow = loaded.workflow
        self.options = options or OutreachOptions()
        self.node = _node(loaded, node)
        self.connection = _connection(loaded, self.node)
        self.leads = LeadStore(database)
        self.versions = Versions(database)

    def account(self, name: str) -> LinkedInAccount:
        """Return an account by its name in the node, or by that in the ledger.

        Raises:
            KeyError: The node has none of this name; the text says which there are.
        """
        for one in self.node.accounts:
            if name in {one.name, ledger_account(self.connection, one)}:
                return one
        known = ", ".join(one.name for one in self.node.accounts)
        msg = f"node {self.node.name!r} has no account {name!r}; it has: {known}"
        raise KeyError(msg)

    def asking(self, name: str) -> tuple[LinkedIn, Buckets]:
        """Return what asks LinkedIn through an account, and what is told what the answers say.

        In a dry run it refuses whatever changes something, before anything is sent.
        """
        settings = self.account(name)
        if self.options.ask is not None:
            return self.options.ask(settings), Buckets(self)
        client = UnipileClient(self.connection, read_only=self.node.dry_run)
        account = ledger_account(self.connection, settings)
        meter = Meter(self.database, self.clock, account, settings)
        return LinkedInApi(client, settings.id, meter), Buckets(self)

    def enrol(self) -> EnrolReport:
        """Take up what has changed in the source, batch by batch, each in one transaction."""
        return enrol(self)

    def turn(self, account: str, *, longest_s: float = 900.0) -> TurnReport:
        """Work with one account until nothing can go any more within the time.

        Args:
            account: The account, by its name in the node or in the ledger.
            longest_s: Seconds it may take, waits between actions included.
        """
        return turn(self, account, longest_s=longest_s)

    def sweep(self) -> SweepReport:
        """Repair what can be repaired, and report what a person has to look at."""
        return sweep(self)

    def statistics(self) -> Statistics:
        """Return the node's numbers."""
        return statistics(self)


def _node(loaded: LoadedWorkflow, name: str) -> LinkedInStepNode:
    node = loaded.workflow.node(name)
    if not isinstance(node, LinkedInStepNode):
        msg = f"node {name!r} of {loaded.workflow.workflow!r} is no linkedin_step"
        raise TypeError(msg)
    return node


def _connection(loaded: LoadedWorkflow, node: LinkedInStepNode) -> UnipileConnection:
    connection = loaded.workflow.connections[node.connection]
    if not isinstance(connection, UnipileConnection):
        msg = f"the connection {node.connection!r} of node {node.name!r} is none to Unipile"
        raise TypeError(msg)
    return connection

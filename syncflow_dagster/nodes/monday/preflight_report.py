"""A preflight of one push node: read everything, plan or count, write nothing at the board."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.core.outcomes import Stop
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.contract import BoardUnavailable, ContractBroken
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.preflight import (
    Fault,
    Severity,
    call_faults,
    capacity_faults,
    error,
    place_of,
    warning,
)
from syncflow_dagster.nodes.monday.preflight_account import DailyCalls, read_daily_calls
from syncflow_dagster.nodes.monday.preflight_rows import waiting_labels, waiting_rows
from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import MondayConnection

if TYPE_CHECKING:
    from pathlib import Path

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.monday.contract import Contract
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import MondayPushNode, Workflow

#: States of effects that are still to be sent.
_OPEN = frozenset({"PLANNED", "WAITING", "RETRY"})
#: Requests of a push that write nothing: each pass reads the board and its subitems' board.
_READS = 6


@dataclass(slots=True)
class Preflight:
    """What a preflight of one push node found.

    Attributes:
        node: Its name.
        board_id: The board it writes to.
        contract: The boards as read; None where they cannot be.
        faults: Everything that does not fit, errors first.
        rows: Delta rows that wait to be planned; None where they were not counted.
        changes: What is to be sent, by kind: planned already, and of rows that wait.
        requests: Requests that takes at least.
        calls: The account's daily calls.
    """

    node: str
    board_id: str
    contract: Contract | None = None
    faults: list[Fault] = field(default_factory=list)
    rows: int | None = None
    changes: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    calls: DailyCalls = field(default_factory=DailyCalls)

    @property
    def passed(self) -> bool:
        """Whether a push may begin; where the board was not read, nothing speaks against it."""
        return not any(one.severity is Severity.ERROR for one in self.faults)


def preflight(
    database: Database,
    clock: Clock,
    workflow: Workflow,
    node: MondayPushNode,
    pin: Path | None,
    *,
    plans: bool = True,
) -> Preflight:
    """Compare a push node with its boards, its plan and its account.

    Args:
        database: Delta tables and ledger; nothing is planned there.
        clock: Database time, and waiting.
        workflow: The workflow; its delta tables must be there.
        node: Its push node.
        pin: Where the pinned contract lies, if there may be one.
        plans: Plan the rows that wait, on the side: it locks them for as long as that takes. Else
            they are only counted, and each counts as one change.
    """
    found = Preflight(node.name, node.board_id)
    with closing(Push(database, clock, workflow, node, PushOptions(dry_run=True, pin=pin))) as push:
        _look(found, push, workflow, node)
        if found.contract is not None:
            found.calls = _calls(database, clock, workflow, node)
            if plans:
                _plan(found, push, found.contract)
            else:
                found.rows, found.changes = waiting_rows(database, workflow, node)
            found.changes += _planned(database, workflow, node)
            at = place_of(workflow, node)
            found.requests += _READS
            if not plans:
                found.requests += -(-found.changes.total() // node.batch_size)
            found.faults += capacity_faults(at, found.contract, found.changes)
            if found.changes.total():
                found.faults += call_faults(at, found.calls.left, found.requests)
            found.faults += waiting_labels(database, workflow, node, found.contract)
    ranks = list(Severity)
    found.faults.sort(key=lambda one: ranks.index(one.severity))
    return found


def _look(found: Preflight, push: Push, workflow: Workflow, node: MondayPushNode) -> None:
    at = place_of(workflow, node)
    try:
        found.contract = push.read_board()
        found.faults += push.faults(found.contract)
    except BoardUnavailable as unread:
        must_act = isinstance(unread.outcome, Stop)
        hint = "see to the id, the token and its rights" if must_act else "try again later"
        found.faults.append(error("no_board", (*at, "board_id"), str(unread), hint))
    except AccountPaused as paused:
        hint = "nothing is lost; try again then"
        # A push does not fail for it: its work waits.
        found.faults.append(warning("account_paused", (*at, "connection"), str(paused), hint))
    except ContractBroken as unreadable:
        found.faults.append(error("bad_pin", at, str(unreadable)))


def _plan(found: Preflight, push: Push, contract: Contract) -> None:
    push.look_at(contract)
    plan = push.plan()
    found.rows = plan.rows
    found.changes = Counter(plan.effects)
    found.requests = 0 if plan.calls is None else plan.calls.needed


def _planned(database: Database, workflow: Workflow, node: MondayPushNode) -> Counter[str]:
    rows = database.fetch_all(
        sql.load("effects")["count_states"],
        {"workflow": workflow.workflow, "node": node.name},
    )
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["kind"]] += row["effects"] if row["state"] in _OPEN else 0
    return counts


def _calls(
    database: Database, clock: Clock, workflow: Workflow, node: MondayPushNode
) -> DailyCalls:
    connection = workflow.connections[node.connection]
    assert isinstance(connection, MondayConnection)
    destination = MondayDestination(connection, node.batch_size)
    budgets = Budgets(database, clock, destination.account, destination.budgets())
    with closing(MondayClient(connection)) as client:
        return read_daily_calls(client, budgets, clock.now())

"""The push of one node: read the board, plan what is pending, deliver pass by pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg import sql as compose

from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions, DeliveryReport, Teller
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.nodes.delta.parents import release_waiting
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.adoption.gate import check_gate
from syncflow_dagster.nodes.monday.bulk.choice import DayCalls, LaneChooser, calls_of
from syncflow_dagster.nodes.monday.bulk.fit import FileColumns, file_columns
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.groups import adopt_groups, lost_groups
from syncflow_dagster.nodes.monday.keys import item_key, item_prefix
from syncflow_dagster.nodes.monday.patience import read_patiently
from syncflow_dagster.nodes.monday.plan import DeltaRow, Planner, Presence, RowPlan
from syncflow_dagster.nodes.monday.plan_report import PREVIEW, PlanReport
from syncflow_dagster.nodes.monday.plan_rows import delta_row, planned_state
from syncflow_dagster.nodes.monday.preflight import refuse
from syncflow_dagster.nodes.monday.preflight_gate import Gate
from syncflow_dagster.nodes.monday.preflight_watch import ContractWatch
from syncflow_dagster.nodes.monday.returning import bring_back_children
from syncflow_dagster.nodes.monday.values import account_options
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point
from syncflow_dagster.workflows.models import DeltaNode, MondayConnection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.leaving import Leave
    from syncflow_dagster.nodes.monday.contract import Board, Contract
    from syncflow_dagster.nodes.monday.preflight import Fault
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import ItemMapping, MondayPushNode, Workflow

    Connection = psycopg.Connection[DictRow]

#: Delta rows planned in one transaction.
PLAN_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class PushOptions:
    """How a push is done.

    Attributes:
        dry_run: Plan and show, but write nothing, here or at the board.
        limit: Items (with all that hangs on them) taken up at most.
        customer: Take up only this customer's records.
        delivery: How long delivery keeps at it.
        pin: Where the workflow's pinned contract lies, if there may be one.
    """

    dry_run: bool = False
    limit: int | None = None
    customer: str | None = None
    delivery: DeliveryOptions = field(default_factory=DeliveryOptions)
    pin: Path | None = None


class Push:
    """One push node of one workflow, free of Dagster.

    Args:
        database: Delta tables and ledger.
        clock: Database time, and waiting.
        workflow: The workflow.
        node: Its push node.
        options: How to do it.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        workflow: Workflow,
        node: MondayPushNode,
        options: PushOptions | None = None,
    ) -> None:
        connection = workflow.connections[node.connection]
        if not isinstance(connection, MondayConnection):
            msg = f"connection {node.connection!r} of node {node.name!r} is not a monday account"
            raise TypeError(msg)
        self._database = database
        self._clock = clock
        self._workflow = workflow
        self._node = node
        self._options = options or PushOptions()
        self._connection = connection
        self._account = account_options(connection)
        self._effects = EffectStore(database)
        self._client = MondayClient(connection)
        self._destination = MondayDestination(connection, node.batch_size, client=self._client)
        self._queries = sql.load("push")
        self._board: Board | None = None
        self._columns = FileColumns({}, {})
        #: What does not fit but keeps nothing from being pushed, once prepared.
        self.warnings: list[Fault] = []

    def close(self) -> None:
        """Close the connection to monday."""
        self._destination.close()

    def prepare(self) -> Contract:
        """Read the board, learn the account's budgets, and adopt the groups that are there.

        Raises:
            BoardUnavailable: monday did not answer for as long as our patience lasts.
            AccountPaused: nothing may be sent on the account for longer than that.
            ContractBroken: the board does not fit the workflow.
            Left: it must not go on.
        """
        contract = self.read_board(self._options.delivery.leave)
        self.warnings = self.faults(contract)
        refuse(self._node, contract, self.warnings)
        self.look_at(contract)
        if not self._options.dry_run:
            retry_transient(self._adopt_groups, self._clock)
        return contract

    def read_board(self, leave: Leave | None = None) -> Contract:
        """Read the board, whether it fits or not, within the account's budgets.

        Args:
            leave: Asked while it waits whether it must stop there.

        Raises:
            BoardUnavailable: monday did not answer for as long as our patience lasts.
            Left: It must not go on.
        """
        patience_s = self._options.delivery.patience_s
        budgets = self._budgets(leave)
        return read_patiently(
            self._client, self._node, budgets, self._clock, patience_s, leave=leave
        )

    def _budgets(self, leave: Leave | None = None) -> Budgets:
        destination = self._destination
        first, probe = destination.budgets(), destination.probe
        account = destination.account
        return Budgets(self._database, self._clock, account, first, probe, leave=leave)

    def faults(self, contract: Contract) -> list[Fault]:
        """Return everything in which the board does not fit.

        Raises:
            ContractBroken: the pinned contract cannot be read.
        """
        return Gate(self._database, self._workflow, self._node, self._options.pin).faults(contract)

    def look_at(self, contract: Contract) -> None:
        """Plan and deliver for a board as it was read."""
        settle_s = self._connection.settle_s
        self._columns = file_columns(self._node, contract)
        self._destination = MondayDestination(
            self._connection,
            self._node.batch_size,
            contract.board.subitem_board,
            self._client,
            ContractWatch(self._node, contract, self.read_board, self._clock, settle_s),
            None if self._node.bulk_from is None else self._columns,
        )
        self._board = contract.board

    def plan(self) -> PlanReport:
        """Turn pending delta rows into effects; in a dry run everything is rolled back.

        Raises:
            AdoptionUnfinished: Some of what the rows would make is on the board already.
        """
        report = PlanReport()
        self._ask_gate()
        if self._options.dry_run:
            with self._database.transaction() as conn:
                self._adopt(conn)
                for mapping, source in self._mappings():
                    self._release(conn, source)
                    while self._plan_chunk(conn, mapping, source, report):
                        pass
                self._choose_lanes(conn, report)
                conn.rollback()
            return report
        for mapping, source in self._mappings():
            more = self._plan_and_commit(mapping, source, report, first=True)
            while more:
                more = self._plan_and_commit(mapping, source, report)
        retry_transient(lambda: self._choose_and_commit(report), self._clock)
        return report

    def _choose_and_commit(self, report: PlanReport) -> None:
        with self._database.transaction() as conn:
            self._choose_lanes(conn, report)

    def _choose_lanes(self, conn: Connection, report: PlanReport) -> None:
        room, whole = self._budgets().room()
        jobs, calls = costs.INGEST_ITEMS_BUDGET, costs.DAILY_BUDGET
        name, version = self._workflow.workflow, self._connection.api_version
        chooser = LaneChooser(name, self._node, version, self._columns, room[jobs])
        report.lanes = chooser.choose(conn, self._clock.now())
        needed = calls_of(report.lanes, self._node.batch_size)
        report.calls = DayCalls(needed, room[calls], whole[calls])

    def deliver(
        self,
        pass_number: int,
        progress: Teller | None = None,
    ) -> DeliveryReport:
        """Bring one pass's effects to the board; call `prepare` first.

        Raises:
            AdoptionUnfinished: What is planned may be on the board already.
        """
        self._ask_gate()
        scope = Scope(self._workflow.workflow, self._node.name, pass_number)
        return Delivery(
            self._database,
            self._clock,
            self._destination,
            scope,
            self._options.delivery,
            progress,
        ).run()

    def _ask_gate(self) -> None:
        with self._database.transaction() as conn:
            check_gate(conn, self._workflow.workflow, self._node.name)

    def _adopt_groups(self) -> None:
        with self._database.transaction() as conn:
            self._adopt(conn)
            again = lost_groups(conn, self._workflow.workflow, self._node)
            scope = Scope(self._workflow.workflow, self._node.name, 0)
            self._effects.insert(conn, again, scope=scope, account=self._destination.account)

    def _adopt(self, conn: Connection) -> None:
        if self._board is not None:
            adopt_groups(conn, self._board, self._connection)

    def _mappings(self) -> list[tuple[ItemMapping, DeltaNode]]:
        mappings = [self._node.items]
        if self._node.subitems is not None:
            mappings.append(self._node.subitems)
        nodes = [self._workflow.node(mapping.source) for mapping in mappings]
        return [
            (mapping, node)
            for mapping, node in zip(mappings, nodes, strict=True)
            if isinstance(node, DeltaNode)
        ]

    def _plan_and_commit(
        self, mapping: ItemMapping, source: DeltaNode, report: PlanReport, *, first: bool = False
    ) -> bool:
        def work() -> PlanReport:
            part = PlanReport(rows=report.rows)
            with self._database.transaction() as conn:
                if first:
                    self._release(conn, source)
                self._plan_chunk(conn, mapping, source, part)
                crash_point("plan.effects_written")
            return part

        part = retry_transient(work, self._clock)
        crash_point("plan.committed")
        taken = part.rows - report.rows
        report.add(part)
        return taken > 0

    def _release(self, conn: Connection, source: DeltaNode) -> None:
        """Let go what waited for its parent: what is planned changes no parent's being there."""
        if source.parent is not None:
            parent = self._workflow.node(source.parent.node)
            assert isinstance(parent, DeltaNode)
            release_waiting(conn, source, parent)

    def _plan_chunk(
        self, conn: Connection, mapping: ItemMapping, source: DeltaNode, report: PlanReport
    ) -> bool:
        rows = self._take(conn, mapping, source, report)
        if not rows:
            return False
        report.rows += len(rows)
        planner = Planner(self._node, mapping, {})
        keys = sorted({key for row in rows for key in planner.keys(row)})
        planner = Planner(self._node, mapping, *self._presence(conn, keys), self._account)
        plans = [(row, planner.plan(row)) for row in rows]
        self._bring_back_children(conn, plans)
        self._write(conn, source, plans, report)
        return True

    def _take(
        self, conn: Connection, mapping: ItemMapping, source: DeltaNode, report: PlanReport
    ) -> list[DeltaRow]:
        is_items = mapping is self._node.items
        limit = PLAN_ROWS
        if is_items and self._options.limit is not None:
            limit = max(0, min(limit, self._options.limit - report.rows))
        partial = self._options.limit is not None or self._options.customer is not None
        found = conn.execute(
            self._statement("take_rows", source.table),
            {
                # Children that name no customer follow their parents.
                "customer": self._options.customer if is_items or source.customer else None,
                "limit": limit,
                "only_with_parent": partial and not is_items,
                "prefix": item_prefix(self._node.board_id),
            },
        ).fetchall()
        names = [one.name for one in source.fields]
        return [delta_row(source.table, names, one) for one in found]

    def _presence(
        self, conn: Connection, keys: Sequence[str]
    ) -> tuple[dict[str, Presence], dict[str, int]]:
        found: dict[str, Presence] = {}
        lives: dict[str, int] = {}
        for row in self._effects.presence(conn, keys):
            if row["generation"] is not None:
                lives[row["object_key"]] = row["generation"]
            if row["leaving"]:
                found[row["object_key"]] = Presence.LEAVING
            elif row["remote_id"] is not None:
                found[row["object_key"]] = Presence.LIVE
            elif row["coming"]:
                found[row["object_key"]] = Presence.COMING
        return found, lives

    def _bring_back_children(
        self, conn: Connection, plans: Sequence[tuple[DeltaRow, RowPlan]]
    ) -> None:
        again = [row.record_uuid for row, plan in plans if plan.makes_item_again]
        children = self._node.subitems and self._workflow.node(self._node.subitems.source)
        if again and isinstance(children, DeltaNode):
            bring_back_children(
                conn,
                children,
                again,
                prefix=item_prefix(self._node.board_id),
                now=self._clock.now(),
            )

    def _write(
        self,
        conn: Connection,
        source: DeltaNode,
        plans: Sequence[tuple[DeltaRow, RowPlan]],
        report: PlanReport,
    ) -> None:
        now = self._clock.now()
        scope = Scope(self._workflow.workflow, self._node.name, 0)
        account = self._destination.account
        effects = [effect for _, plan in plans for effect in plan.effects]
        new = self._effects.insert(conn, effects, scope=scope, account=account)
        report.effects.update(effect.kind for effect in effects if effect.effect_key in new)
        for row, plan in plans:
            report.preview += plan.effects[: PREVIEW - len(report.preview)]
            if plan.settled is not None:
                report.settle(row.customer)
            report.adjust([(row.label, one) for one in plan.adjustments], len(plan.adjustments))
            if plan.rejected:
                report.rejected.append((row.label, plan.rejected))
            if plan.retires:
                key = item_key(self._node.board_id, row.record_uuid)
                self._effects.retire(conn, key, now)
        conn.execute(
            self._statement("settle_rows", source.table),
            {
                "delta_ids": [row.delta_id for row, _ in plans],
                "states": [planned_state(plan) for _, plan in plans],
                "reasons": [plan.reason for _, plan in plans],
                "now": now,
            },
        )

    def _statement(self, name: str, table: str) -> compose.Composed:
        text: Any = self._queries[name]
        return compose.SQL(text).format(table=compose.Identifier(table))

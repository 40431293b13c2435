"""The adoption of one push node's board: read it, match it, take it over; nothing is written to it.

Items come before their subitems, whose records are found under the records of their items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.nodes.monday.adoption.claims import Claims
from syncflow_dagster.nodes.monday.adoption.part import Part, Shared
from syncflow_dagster.nodes.monday.adoption.report import MappingReport
from syncflow_dagster.nodes.monday.adoption.staging import Staging
from syncflow_dagster.nodes.monday.adoption.takeover import Takeover
from syncflow_dagster.nodes.monday.census import BoardReader
from syncflow_dagster.nodes.monday.contract import ContractBroken
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.groups import adopt_groups
from syncflow_dagster.nodes.monday.keys import item_prefix
from syncflow_dagster.nodes.monday.patience import read_patiently
from syncflow_dagster.nodes.monday.values import account_options
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import DeltaNode, MondayConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.adoption import Choice
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.monday.client import MondayClient
    from syncflow_dagster.nodes.monday.contract import Board
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import ItemMapping, MondayPushNode, Workflow

#: Seconds waited in all for a board that cannot be read at once.
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class AdoptionOptions:
    """How a board is adopted.

    Attributes:
        dry_run: Find and report, but take nothing over.
        keep_board: Leave values that differ as the board has them.
        duplicates: What becomes of several items for one record: `hold` it until a person has
            decided, or take the `oldest` or the `newest`.
    """

    dry_run: bool = False
    keep_board: bool = False
    duplicates: Choice = "hold"


class Adoption:
    """One adoption; the node's delta tables are built, and nobody pushes meanwhile.

    Args:
        database: Ledger and delta tables.
        clock: Database time, and waiting.
        workflow: The workflow.
        node: Its push node.
        client: Asks monday.
        options: How to adopt.
        report_file: Takes every finding, a line of JSON each.
        progress: Told how far it is, in words, after each page and batch.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        workflow: Workflow,
        node: MondayPushNode,
        client: MondayClient,
        options: AdoptionOptions,
        report_file: IO[str] | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        connection = workflow.connections[node.connection]
        assert isinstance(connection, MondayConnection)
        self._database = database
        self._clock = clock
        self._workflow = workflow
        self._node = node
        self._client = client
        self._options = options
        self._file = report_file
        self._progress = progress
        self._connection = connection
        destination = MondayDestination(connection, node.batch_size, client=client)
        self._account = destination.account
        self._budgets = Budgets(
            database, clock, self._account, destination.budgets(), destination.probe
        )

    def run(self) -> dict[str, MappingReport]:
        """Adopt items, then subitems; return what was found, by the delta node's name.

        Raises:
            BoardUnavailable: monday did not answer, or refused.
            AccountPaused: Nothing may be sent on the account for a while.
            ContractBroken: The board is not active, or has no column that is to be read.
        """
        contract = read_patiently(self._client, self._node, self._budgets, self._clock, _PATIENCE_S)
        if contract.board.state != "active":
            msg = f"board {self._node.board_id} is {contract.board.state}; restore it"
            raise ContractBroken(msg)
        reports = {}
        with self._database.connect() as session:
            if not self._options.dry_run:
                with session.transaction():
                    adopt_groups(session, contract.board, self._connection)
            shared = self._shared(session)
            for mapping, board in (
                (self._node.items, contract.board),
                (self._node.subitems, contract.subitems),
            ):
                if mapping is not None and board is not None:
                    part = self._part(shared, mapping, board)
                    part.run()
                    reports[mapping.source] = part.report
        return reports

    def _shared(self, session: psycopg.Connection[DictRow]) -> Shared:
        prefix = item_prefix(self._node.board_id)
        known = session.execute(sql.load("adopt")["known_items"], {"prefix": prefix}).fetchall()
        return Shared(
            session,
            self._clock,
            self._options.dry_run,
            self._options.duplicates,
            self._progress,
            {row["remote_id"]: row["record_uuid"] for row in known},
        )

    def _part(self, shared: Shared, mapping: ItemMapping, board: Board) -> Part:
        source = self._workflow.node(mapping.source)
        assert isinstance(source, DeltaNode)
        parent = self._workflow.node(source.parent.node) if source.parent else None
        assert parent is None or isinstance(parent, DeltaNode)
        is_subitems = mapping is self._node.subitems
        takeover = Takeover(
            self._database,
            self._workflow.workflow,
            self._node,
            source,
            is_subitems,
            self._account,
            account_options(self._connection),
            self._options.keep_board,
        )
        return Part(
            shared,
            Claims(source, mapping, is_subitems),
            takeover,
            Staging(shared.session),
            BoardReader(self._client, self._budgets, self._clock),
            board,
            parent,
            MappingReport(source.entity, board.board_id, file=self._file),
        )

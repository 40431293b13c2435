"""What a push asks before it begins: does the board fit, as it is, as pinned, as left behind?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.monday.preflight import Fault, board_faults, error, mappings, place_of
from syncflow_dagster.nodes.monday.preflight_pin import pin_faults, read_pin
from syncflow_dagster.nodes.monday.preflight_watch import CHANGED, labels_in
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncflow_dagster.nodes.monday.contract import Contract
    from syncflow_dagster.nodes.monday.preflight_pin import PinnedNode
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import MondayPushNode, Workflow


class Gate:
    """Compares the boards with everything that is known of them, before anything is written.

    Args:
        database: The ledger.
        workflow: The workflow.
        node: Its push node.
        pin: Where the pinned contract lies, if there may be one.
    """

    def __init__(
        self, database: Database, workflow: Workflow, node: MondayPushNode, pin: Path | None
    ) -> None:
        self._database = database
        self._workflow = workflow
        self._node = node
        self._pin = pin

    def faults(self, contract: Contract) -> list[Fault]:
        """Return everything that does not fit.

        Raises:
            ContractBroken: The pinned contract cannot be read.
        """
        at = place_of(self._workflow, self._node)
        pin = read_pin(self._pin) if self._pin is not None else None
        pinned = pin.nodes.get(self._node.name) if pin is not None else None
        return [
            *board_faults(self._node, at, contract),
            *pin_faults(self._node, at, pinned, contract),
            *self._left_behind(contract, pinned),
        ]

    def _left_behind(self, contract: Contract, pinned: PinnedNode | None) -> Iterator[Fault]:
        """Report labels that changes wait for since the board lost them in the middle of a push."""
        at = place_of(self._workflow, self._node)
        places = {is_subitems: place for _, place, is_subitems in mappings(self._node, at)}
        for (is_subitems, column, label), count in sorted(self._wanted().items()):
            board = contract.of(subitems=is_subitems)
            known = board.columns.get(column) if board is not None else None
            if known is None or label in (known.labels or ()):
                continue
            if _is_accepted(pinned, column, label, is_subitems=is_subitems):
                continue
            message = f"{count:,} changes wait for label {label!r} of column {column!r}, which "
            hint = (
                "bring the label back; or take the board as it is with syncflow preflight --pin, "
                "and the records that want the label are refused"
            )
            loc = places.get(is_subitems, at)
            yield error("label_lost", loc, f"{message}the board lost", hint)

    def _wanted(self) -> dict[tuple[bool, str, str], int]:
        rows = self._database.fetch_all(
            sql.load("push")["left_by_change"],
            {
                "workflow": self._workflow.workflow,
                "node": self._node.name,
                "changed": f"{CHANGED}:",
            },
        )
        wanted: dict[tuple[bool, str, str], int] = {}
        for row in rows:
            for label in labels_in(row["value"]):
                key = (bool(row["subitem"]), row["column_id"], label)
                wanted[key] = wanted.get(key, 0) + row["changes"]
        return wanted


def _is_accepted(pinned: PinnedNode | None, column: str, label: str, *, is_subitems: bool) -> bool:
    """Whether a person has pinned the board without the label."""
    if pinned is None:
        return False
    board = pinned.subitems if is_subitems else pinned.board
    known = board.columns.get(column) if board is not None else None
    return known is not None and label not in (known.labels or ())

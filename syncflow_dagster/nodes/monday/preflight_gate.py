"""What a push asks before it begins: does the board fit, as it is, as pinned, as left behind?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.monday.preflight import (
    Fault,
    board_faults,
    error,
    mappings,
    place_of,
    uses,
    warning,
)
from syncflow_dagster.nodes.monday.preflight_pin import label_named, pin_faults, read_pin
from syncflow_dagster.nodes.monday.preflight_watch import CHANGED, labels_in
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from syncflow_dagster.nodes.monday.contract import Contract
    from syncflow_dagster.nodes.monday.preflight_pin import PinnedNode
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import MondayPushNode, Workflow

_BACK = "bring the label back; or "
_FROM_RECORDS = (
    _BACK + "take the board as it is with syncflow preflight --pin, and the records that want the "
    "label are refused"
)
# What is refused now would go again with the old label, so the records are planned afresh.
_FROM_FILE = (
    _BACK + "name another label in the workflow file, take the board as it is with syncflow "
    "preflight --pin, and write all records afresh with syncflow run --full-resync"
)


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
        wanted = labels_refused(self._refused())
        for (is_subitems, column, label), count in sorted(wanted.items()):
            board = contract.of(subitems=is_subitems)
            known = board.columns.get(column) if board is not None else None
            if known is None or label in (known.labels or ()):
                continue
            if not _is_accepted(pinned, column, label, is_subitems=is_subitems):
                yield self._lost(column, label, count, is_subitems=is_subitems)

    def _lost(self, column: str, label: str, count: int, *, is_subitems: bool) -> Fault:
        at = place_of(self._workflow, self._node)
        places = {
            place: mapping for mapping, place, one in mappings(self._node, at) if one is is_subitems
        }
        named, may_drop, loc = False, False, at
        for place, mapping in places.items():
            loc = place
            for use in uses(mapping, place):
                if use.column == column:
                    named |= label in use.labels
                    may_drop |= use.may_drop
        message = f"{count:,} changes wait for {label_named(label, column)}, which the board lost"
        make = warning if may_drop else error
        return make("label_lost", loc, message, _FROM_FILE if named else _FROM_RECORDS)

    def _refused(self) -> list[dict[str, Any]]:
        return self._database.fetch_all(
            sql.load("push")["left_by_change"],
            {"workflow": self._workflow.workflow, "node": self._node.name, "changed": CHANGED},
        )


def labels_refused(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[bool, str, str], int]:
    """Count the labels changes were refused for: those their reasons name.

    A change carries other labels as well, which the board may never have had: those are its
    record's own trouble, and are refused when it is sent.

    Args:
        rows: `subitem`, `column_id`, its `value`, the `reason`, and how many `changes`.

    Returns:
        Changes by whether they are of subitems, column and label.
    """
    wanted: dict[tuple[bool, str, str], int] = {}
    for row in rows:
        for label in labels_in(row["value"]):
            if label_named(label, row["column_id"]) in row["reason"]:
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

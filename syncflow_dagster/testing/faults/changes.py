"""Boards that a person changes in the middle of a push, and mends once runs refuse to begin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from syncflow_dagster.nodes.monday.preflight_watch import CHANGED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.testing.faults.world import FaultWorld

#: The board of the example workflow, and two of its columns.
_BOARD = "9000000001"
_DATE, _STATUS = "ex_factory", "order_status"
_LABELS = {"0": "Open", "1": "Confirmed", "2": "In production", "3": "Shipped", "4": "Cancelled"}
_TIMEOUT_S = 30
#: What a run says that stops for it: in the middle of a pass, or before the next one.
_TOLD = (CHANGED, "does not fit node")


@dataclass(frozen=True, slots=True)
class BoardChange:
    """What a person does to the board, and how it is mended.

    Attributes:
        settings: Settings of the sandbox: the state of boards, rights.
        mended_settings: Those that mend it.
        mutations: GraphQL mutations, each without its answer's fields; sent as one document.
        mended_by: Those that mend it.
        told: What the run that stops for it says of it.
        wiped: Column whose values go away with it.
    """

    settings: Mapping[str, Any] | None = None
    mended_settings: Mapping[str, Any] | None = None
    mutations: tuple[str, ...] = ()
    mended_by: tuple[str, ...] = ()
    told: str = ""
    wiped: str | None = None

    def make(self, world: FaultWorld) -> None:
        """Change the board."""
        _do(world, self.settings, self.mutations)

    def mend(self, world: FaultWorld) -> None:
        """Bring it back to what it was."""
        _do(world, self.mended_settings, self.mended_by)


def _do(world: FaultWorld, settings: Mapping[str, Any] | None, mutations: tuple[str, ...]) -> None:
    if settings is not None:
        world.control.settings(**settings)
    if mutations:
        answer = requests.post(
            world.monday,
            json={"query": one_document(mutations)},
            headers={"Authorization": world.token},
            timeout=_TIMEOUT_S,
        ).json()
        if "errors" in answer:
            msg = f"the board could not be changed: {answer['errors']}"
            raise RuntimeError(msg)


def one_document(mutations: tuple[str, ...]) -> str:
    """Return mutations as one request: a push never meets the board between two of them.

    Args:
        mutations: Each without its answer's fields.
    """
    return f"mutation {{ {' '.join(f'm{n}: {one} {{ id }}' for n, one in enumerate(mutations))} }}"


def _drop(column: str) -> str:
    return f'delete_column(board_id: {_BOARD}, column_id: "{column}")'


def _put(column: str, kind: str, labels: Mapping[str, str] | None = None) -> str:
    defaults = json.dumps(json.dumps({"labels": labels})) if labels else "null"
    return (
        f'create_column(board_id: {_BOARD}, id: "{column}", title: "{column}", '
        f"column_type: {kind}, defaults: {defaults})"
    )


#: The changes by what they are.
CHANGES = {
    "board archived in mid-run": BoardChange(
        settings={"boards": {_BOARD: "archived"}},
        mended_settings={"boards": {_BOARD: "active"}},
    ),
    "right to edit lost in mid-run": BoardChange(
        settings={"view_only": ["personal"]}, mended_settings={"view_only": []}
    ),
    "column retyped in mid-run": BoardChange(
        mutations=(_drop(_DATE), _put(_DATE, "numbers")),
        mended_by=(_drop(_DATE), _put(_DATE, "date")),
        told=f"column {_DATE!r}",
        wiped=_DATE,
    ),
    "label deleted in mid-run": BoardChange(
        mutations=(_drop(_STATUS), _put(_STATUS, "status", dict(list(_LABELS.items())[1:]))),
        mended_by=(_drop(_STATUS), _put(_STATUS, "status", _LABELS)),
        told=f"label {_LABELS['0']!r}",
        wiped=_STATUS,
    ),
}


def paused_until_mended(
    world: FaultWorld, change: BoardChange, has_happened: Callable[[], bool]
) -> str | None:
    """Run while the board changes, run again, and mend it; return what went wrong, if anything.

    Args:
        world: Where it happens.
        change: The change, which something else makes in the middle of the first run.
        has_happened: Whether it has been made.
    """
    try:
        first = world.run()
        if not has_happened():
            return "the work was over before the board changed"
        if first.returncode == 0 or not any(told in first.stdout for told in _TOLD):
            return f"the run did not stop for it: {first.stdout[-600:]}"
        if change.told not in first.stdout:
            return f"the run does not say {change.told!r}: {first.stdout[-600:]}"
        writes = len(world.control.log())
        second = world.run()
        if second.returncode == 0 or len(world.control.log()) != writes:
            return f"a run began before the board was mended: {second.stdout[-600:]}"
        return None
    finally:
        change.mend(world)

"""The fake monday as one service of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Route

from syncflow_dagster.sandbox.monday.cells import record_key
from syncflow_dagster.sandbox.monday.columns import CODECS, cell_text
from syncflow_dagster.sandbox.monday.gateway import SERVICE, Gateway
from syncflow_dagster.sandbox.monday.runtime import Runtime
from syncflow_dagster.sandbox.monday.seed import parse_seed
from syncflow_dagster.sandbox.monday.settings import TOKENS
from syncflow_dagster.sandbox.monday.spellings import check_spelling
from syncflow_dagster.sandbox.monday.uploads import FileStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.faults import FaultSpec
    from syncflow_dagster.sandbox.monday.model import Board, Item
    from syncflow_dagster.sandbox.service import World

# Faults that only other services have.
_OTHERS = frozenset({"expired_session", "hang", "drip", "repeat_page"})


class MondayService:
    """monday.com: `POST /v2`, and the store that takes the files of bulk jobs."""

    name = SERVICE
    path = "/v2"
    dates_itself = False

    def __init__(self, world: World) -> None:
        self._runtime = Runtime(world)
        gateway = Gateway(self._runtime)
        routes = [Route(self.path, gateway.answer, methods=["POST"])]
        self.app = Starlette(routes=routes + FileStore(self._runtime).routes)

    @property
    def tokens(self) -> Mapping[str, str]:
        """Tokens by kind: personal, app, trial."""
        return TOKENS

    def seed(self, document: object, source: str) -> None:
        """Add a seed's boards.

        Raises:
            SeedError: The seed is not valid; nothing was added.
        """
        self._runtime.add_seed(parse_seed(document, source), source)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Change settings (see `Settings`); limits and counts start anew.

        Raises:
            ValueError: A setting is unknown or its value is not possible.
        """
        self._runtime.configure(self._runtime.settings.changed(settings))

    def check_fault(self, spec: FaultSpec) -> None:
        """See that monday can have a fault, and its spelling is one of monday's.

        Raises:
            ValueError: It is not.
        """
        if spec.kind in _OTHERS:
            msg = f"kind: monday has no {spec.kind!r}"
            raise ValueError(msg)
        check_spelling(spec)

    def reset(self) -> None:
        """Return to the seeded state."""
        self._runtime.reset()

    def stats(self) -> dict[str, Any]:
        """Counts since the start or the last reset."""
        counts = self._runtime.counts.describe(self._runtime.callers)
        runtime = self._runtime
        ingest, webhooks = runtime.ingest.describe(), runtime.webhooks.describe()
        return counts | {"ingest": ingest, "webhooks": webhooks}

    def state(self) -> dict[str, Any]:
        """All boards with their groups, columns and items, in any state."""
        boards = (self._runtime.state.boards.get(one) for one in self._runtime.state.boards)
        return {"boards": [self._board(board) for board in boards if board is not None]}

    def _board(self, board: Board) -> dict[str, Any]:
        state = self._runtime.state
        items = (state.items.get(item_id) for item_id in state.board_items[board.id])
        return {
            "id": board.id,
            "name": board.name,
            "state": board.state,
            "key_column": board.key_column,
            "subitem_board_id": board.subitem_board_id,
            "parent_board_id": board.parent_board_id,
            "groups": [
                {"id": g.id, "title": g.title, "archived": g.archived, "deleted": g.deleted}
                for g in sorted(board.groups.values(), key=lambda g: g.position)
            ],
            "columns": [
                {"id": c.id, "title": c.title, "type": c.type, "labels": [n.text for n in c.labels]}
                for c in board.columns.values()
            ],
            "items": [_item(board, item) for item in items if item is not None],
        }


def _item(board: Board, item: Item) -> dict[str, Any]:
    filled = (c for c in board.columns.values() if c.id in item.values and c.type in CODECS)
    return {
        "id": item.id,
        "name": item.name,
        "state": item.state,
        "group_id": item.group_id,
        "parent_item_id": item.parent_id,
        "key": record_key(board, item),
        "values": {column.id: cell_text(item, column) for column in filled},
    }

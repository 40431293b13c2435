"""Webhooks: registering them, and telling each of what it waits for (page `webhooks`)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql.execution.values import get_argument_values

from syncflow_dagster.sandbox.monday.errors import MondayError, bad_argument, bad_board
from syncflow_dagster.sandbox.monday.webhook_delivery import Courier, Delivery
from syncflow_dagster.sandbox.monday.webhook_events import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from graphql import GraphQLSchema

    from syncflow_dagster.sandbox.monday.board_writes import BoardWriter
    from syncflow_dagster.sandbox.monday.documents import Prepared
    from syncflow_dagster.sandbox.monday.limits import TokenKind
    from syncflow_dagster.sandbox.monday.model import Board, Item, Update
    from syncflow_dagster.sandbox.monday.webhook_events import Happening
    from syncflow_dagster.sandbox.service import World

REGISTER = "create_webhook"
URL_LIMIT = 255
_FIRST_ID = 400_000_001
# The members that a config must have; other events take one and ignore it.
_CONFIGS = {
    "change_specific_column_value": ("columnId",),
    "change_status_column_value": ("columnId", "columnValue"),
    "item_moved_to_specific_group": ("groupId",),
}


@dataclass(frozen=True)
class Webhook:
    """One registered webhook.

    Attributes:
        token: Who registered it.
        signed: It was an app, so that deliveries carry a JWT.
    """

    id: str
    board_id: str
    event: str
    url: str
    settings: Mapping[str, Any] | None
    token: str
    signed: bool

    @property
    def config(self) -> str | None:
        """The config as the API shows it: JSON inside a string."""
        return None if self.settings is None else json.dumps(self.settings, separators=(",", ":"))

    def waits_for(self, happening: Happening) -> bool:
        """Whether it is to be told of this."""
        if self.event not in happening.events or self.board_id != happening.board_id:
            return False
        settings = self.settings or {}
        if self.event == "item_moved_to_specific_group":
            return bool(settings["groupId"] == happening.group_id)
        if self.event not in _CONFIGS:
            return True
        if settings["columnId"] != happening.column_id:
            return False
        label = settings.get("columnValue", {"$any$": True})
        return bool(label.get("$any$")) or label.get("index") == happening.label_id


def _check_config(event: str, config: Any) -> None:
    needed = _CONFIGS.get(event, ())
    given = config if isinstance(config, dict) else {}
    texts = [given.get(name) for name in needed if name != "columnValue"]
    label = given.get("columnValue")
    fits = isinstance(label, dict) and (label.get("$any$") is True or "index" in label)
    if all(isinstance(text, str) and text for text in texts) and (
        "columnValue" not in needed or fits
    ):
        return
    raise MondayError("This config for this event is invalid", "InvalidWebhookConfigException")


class Webhooks:
    """All webhooks of the account; watches its state.

    Args:
        world: Clock, agenda, dial and log.
        writer: Whose state is watched, and whose log is written.
    """

    def __init__(self, world: World, writer: BoardWriter) -> None:
        self._clock = world.clock
        self._writer = writer
        self._registered: dict[str, Webhook] = {}
        self._next_id = _FIRST_ID
        self.courier = Courier(world, lambda one: one in self._registered)

    async def greet(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any],
        schema: GraphQLSchema,
        kind: TokenKind,
    ) -> frozenset[str]:
        """Challenge the addresses that a document would register; tells which echoed it.

        Args:
            prepared: The document, which has not run yet.
            variables: Its checked variables.
            schema: What it was checked against.
            kind: Who sends it.
        """
        assert schema.mutation_type is not None
        definition = schema.mutation_type.fields[REGISTER]
        answered: set[str] = set()
        for root in prepared.roots:
            if root.name != REGISTER:
                continue
            given = get_argument_values(definition, root.node, dict(variables))
            try:
                self._check(**given)
            except MondayError:
                # It is refused when it runs; nobody needs to be asked.
                continue
            if await self.courier.greet(given["url"], signed=not kind.combined):
                answered.add(given["url"])
        return frozenset(answered)

    def create(
        self,
        kind: TokenKind,
        greeted: frozenset[str],
        board_id: str,
        event: str,
        url: str,
        config: Any = None,
    ) -> Webhook:
        """`create_webhook`.

        Args:
            kind: Who registers it.
            greeted: Addresses that echoed their challenge.
            board_id: The board; for events of subitems the one of the items above.
            event: A `WebhookEventType`.
            url: Where deliveries go.
            config: Decoded JSON, for the events that need one.

        Raises:
            MondayError: It cannot be registered.
        """
        self._check(board_id, event, url, config)
        if url not in greeted:
            # The service's own words for it are in no public source.
            msg = f"The webhook URL did not echo the challenge: {url}"
            raise bad_argument(msg)
        webhook_id = str(self._next_id)
        self._next_id += 1
        settings = config if isinstance(config, dict) else None
        webhook = Webhook(
            webhook_id, board_id, event, url, settings, kind.token, signed=not kind.combined
        )
        self._registered[webhook_id] = webhook
        self._log(REGISTER, webhook)
        return webhook

    def delete(self, webhook_id: str) -> Webhook:
        """`delete_webhook`: nothing is delivered from now on, repeats included.

        Raises:
            MondayError: There is no such webhook.
        """
        webhook = self._registered.pop(webhook_id, None)
        if webhook is None:
            raise MondayError(
                "The webhook was not found", "ResourceNotFoundException", data={"id": webhook_id}
            )
        self.courier.drop(webhook_id)
        self._log("delete_webhook", webhook)
        return webhook

    def of_board(self, kind: TokenKind, board_id: str, *, own_app: bool) -> list[Webhook]:
        """`webhooks` of a board, or only those that the asking app has registered."""
        return [
            one
            for one in self._registered.values()
            if one.board_id == board_id
            and (not own_app or (one.signed and one.token == kind.token))
        ]

    def describe(self) -> dict[str, Any]:
        """Counts for `/stats`."""
        return {"registered": len(self._registered), **self.courier.describe()}

    def item_put(self, before: Item | None, after: Item) -> None:
        """An item is new or another."""
        self._tell(lambda telling: telling.of_item(before, after))

    def board_put(self, before: Board, after: Board) -> None:
        """A board is another."""
        self._tell(lambda telling: telling.of_board(before, after))

    def update_put(self, before: Update | None, after: Update | None) -> None:
        """A comment is new, another or gone."""
        self._tell(lambda telling: telling.of_update(before, after))

    def _tell(self, told: Callable[[Telling], Iterable[Happening]]) -> None:
        if not self._registered:
            return
        at = self._clock.wall()
        for happening in told(Telling(self._writer.state, at)):
            for webhook in self._registered.values():
                if webhook.waits_for(happening):
                    trigger = uuid.uuid4().hex
                    event = happening.payload(subscription=webhook.id, trigger=trigger, at=at)
                    self.courier.send(
                        Delivery(webhook.id, webhook.url, event, signed=webhook.signed)
                    )

    def _check(self, board_id: str, event: str, url: str, config: Any = None) -> None:
        board = self._writer.state.boards.get(board_id)
        if board is None or board.state != "active":
            raise bad_board(board_id)
        if board.parent_board_id is not None:
            msg = f"Webhooks of subitems are registered with the board {board.parent_board_id}"
            raise bad_argument(msg)
        if len(url) > URL_LIMIT:
            msg = f"url must have at most {URL_LIMIT} characters, not {len(url)}"
            raise bad_argument(msg)
        _check_config(event, config)

    def _log(self, op: str, webhook: Webhook) -> None:
        payload = {
            "board_id": webhook.board_id,
            "event": webhook.event,
            "url": webhook.url,
            "config": webhook.settings,
            "changed": True,
        }
        self._writer.committed(op, webhook.url, webhook.id, payload)

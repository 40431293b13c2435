"""Resolvers of the operations on webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.errors import bad_board

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.context import Context
    from syncflow_dagster.sandbox.monday.webhooks import Webhook


def create_webhook(context: Context, **given: Any) -> Webhook:
    """`create_webhook`; its address was challenged before the document began to run."""
    return context.webhooks.create(context.limits.kind, context.greeted, **given)


def delete_webhook(context: Context, id: str) -> Webhook:  # noqa: A002 - the service's name
    """`delete_webhook`."""
    return context.webhooks.delete(id)


def webhooks(
    context: Context, board_id: str, app_webhooks_only: bool | None = None
) -> list[Webhook]:
    """`webhooks` of one board."""
    if context.reader.view.board(board_id) is None:
        raise bad_board(board_id)
    own_app = bool(app_webhooks_only)
    return context.webhooks.of_board(context.limits.kind, board_id, own_app=own_app)

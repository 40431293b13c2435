"""Mutations on comments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.monday.errors import bad_argument, not_found
from syncflow_dagster.sandbox.monday.model import Update
from syncflow_dagster.sandbox.monday.writes import ItemWriter

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.model import Item


class UpdateWriter(ItemWriter):
    """Adds the operations on comments to those on items."""

    def create_update(
        self, body: str, item_id: str | None = None, parent_id: str | None = None
    ) -> Update:
        """`create_update`: a comment on an item, or an answer to one."""
        _check_body(body)
        item = self.item(item_id)
        existing = self.state.updates.get(item.id, ())
        if parent_id is not None and all(update.id != parent_id for update in existing):
            msg = f"There is no update {parent_id} on item {item.id}"
            raise bad_argument(msg)
        update = Update(self.state.new_item_id(), item.id, body, self.state.clock.real(), parent_id)
        self.state.put_update(None, update)
        return self._told("create_update", item, update)

    def edit_update(self, id: str, body: str) -> Update:  # noqa: A002 - the service's name
        """`edit_update`: another text for a comment."""
        _check_body(body)
        before = self._update(id)
        item = self.item(before.item_id)
        update = replace(before, body=body)
        self.state.put_update(before, update)
        return self._told("edit_update", item, update)

    def delete_update(self, id: str) -> Update:  # noqa: A002 - the service's name
        """`delete_update`."""
        update = self._update(id)
        item = self.item(update.item_id)
        self.state.put_update(update, None)
        return self._told("delete_update", item, update)

    def _update(self, update_id: str) -> Update:
        update = self.state.update(update_id)
        if update is None:
            raise not_found(update_id)
        return update

    def _told(self, op: str, item: Item, update: Update) -> Update:
        payload = self._payload(item, changed=True) | {"body": update.body}
        self.committed(op, self._key(item), update.id, payload)
        return update


def _check_body(body: str) -> None:
    if not body.strip():
        raise bad_argument("Update body cannot be empty")

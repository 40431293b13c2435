"""The records of one object, with what a reader saw of them some seconds ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef

Record = dict[str, Any]
# What was visible this many seconds ago can still be asked for (stale reads).
_KEPT_S = 900.0
# Deleted records lie in the recycle bin for 15 days, then nothing shows them.
BIN_DAYS = timedelta(days=15)


def index_key(field: FieldDef, value: object) -> object:
    """What two equal values of a unique field or external id have in common."""
    if isinstance(value, str) and not field.case_sensitive:
        return value.casefold()
    return value


class Table:
    """The records of one object by Id.

    Records are never changed in place: a write puts a new dictionary. So a reader may keep what
    it was given, and a version can wait until its commit becomes visible.

    Args:
        definition: The object.
    """

    def __init__(self, definition: ObjectDef) -> None:
        self.definition = definition
        self.latest: dict[str, Record] = {}
        self._history: dict[str, list[tuple[float, Record]]] = {}
        self._indexed = [one for one in definition.fields.values() if one.external_id or one.unique]
        self._index: dict[tuple[str, object], dict[str, None]] = {}

    def put(self, record: Record, visible_at: float, now: float) -> Callable[[], None]:
        """Store a new version, visible from a real second on; the answer takes it back."""
        record_id = record["Id"]
        before = self.latest.get(record_id)
        old_history = self._history.get(record_id)
        history = list(old_history or ([(float("-inf"), before)] if before is not None else []))
        # Commits become visible in their order.
        history.append((max([visible_at, *(at for at, _ in history[-1:])]), record))
        while len(history) > 1 and history[1][0] < now - _KEPT_S:
            history.pop(0)
        self._history[record_id] = history
        self._place(record, before)

        def undo() -> None:
            if old_history is None:
                self._history.pop(record_id, None)
            else:
                self._history[record_id] = old_history
            self._place(before, record)

        return undo

    def load(self, record: Record) -> None:
        """Store a record that has always been there."""
        self._place(record, self.latest.get(record["Id"]))

    def purge(self, record_id: str) -> None:
        """Remove a record for good."""
        gone = self.latest.get(record_id)
        self._history.pop(record_id, None)
        if gone is not None:
            self._place(None, gone)

    def _place(self, record: Record | None, before: Record | None) -> None:
        if before is not None:
            for key in self._keys(before):
                self._index.get(key, {}).pop(before["Id"], None)
            if record is None:
                self.latest.pop(before["Id"], None)
        if record is not None:
            self.latest[record["Id"]] = record
            for key in self._keys(record):
                self._index.setdefault(key, {})[record["Id"]] = None

    def _keys(self, record: Record) -> Iterator[tuple[str, object]]:
        for one in self._indexed:
            value = record.get(one.name)
            if value is not None and not record.get("IsDeleted"):
                yield one.name, index_key(one, value)

    def matches(self, field: FieldDef, value: object) -> tuple[str, ...]:
        """Ids of the records, not deleted, that have this value in an indexed field."""
        return tuple(self._index.get((field.name, index_key(field, value)), ()))

    def at(self, record_id: str, moment: float) -> Record | None:
        """What a reader saw of a record at a real second."""
        history = self._history.get(record_id)
        if history is None:
            return self.latest.get(record_id)
        for visible_at, record in reversed(history):
            if visible_at <= moment:
                return record
        return None

    def waiting(self, moment: float) -> Iterator[datetime]:
        """The stamps of the versions that were not visible yet at a real second."""
        for history in self._history.values():
            for visible_at, record in history:
                if visible_at > moment:
                    yield record["SystemModstamp"]

    def rows(self, moment: float) -> Iterator[Record]:
        """All records as a reader saw them at a real second, deleted ones too."""
        if not self._history:
            yield from list(self.latest.values())
            return
        for record_id, latest in list(self.latest.items()):
            if record_id not in self._history:
                yield latest
            elif (seen := self.at(record_id, moment)) is not None:
                yield seen


def in_bin(record: Record, now: datetime) -> bool:
    """Whether a deleted record can still be found."""
    stamp: datetime = record.get("SystemModstamp") or datetime.min.replace(tzinfo=UTC)
    return now - stamp <= BIN_DAYS

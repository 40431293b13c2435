"""The org's records: what a reader sees of them, and how a write is committed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from syncflow_dagster.sandbox.salesforce import checks
from syncflow_dagster.sandbox.salesforce.derived import derive
from syncflow_dagster.sandbox.salesforce.errors import RowError
from syncflow_dagster.sandbox.salesforce.ids import make_id, normalise
from syncflow_dagster.sandbox.salesforce.objects import standard_schema
from syncflow_dagster.sandbox.salesforce.schema import Schema
from syncflow_dagster.sandbox.salesforce.settings import Settings
from syncflow_dagster.sandbox.salesforce.store import Record, Table, in_bin
from syncflow_dagster.sandbox.salesforce.users import INTEGRATION, USERS, Viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from syncflow_dagster.sandbox.salesforce.org import Org
    from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef
    from syncflow_dagster.sandbox.service import World

SERVICE = "salesforce"
_FIRST_NUMBER = 1_000


class Rule(Protocol):
    """A further condition on writes, such as a duplicate rule or a lock.

    `before` is None for a new record, `after` for a deleted one. Raises `RowError` to refuse.
    """

    def __call__(
        self, org: Org, definition: ObjectDef, before: Record | None, after: Record | None
    ) -> None:
        """Look at one write before it is committed."""


@dataclass(frozen=True)
class WriteOptions:
    """What a request says about its writes.

    Attributes:
        allow_save: `Sforce-Duplicate-Rule-Header: allowSave=true`, which overrides alerts.
        include_details: `includeRecordDetails=true` of the same header.
    """

    allow_save: bool = False
    include_details: bool = False


class Records:
    """What the org holds, below the rules of `Org`."""

    def __init__(self, world: World, settings: Settings | None = None) -> None:
        self.world = world
        self.schema = standard_schema()
        self.settings = settings or Settings()
        self.rules: list[Rule] = []
        self.tables: dict[str, Table] = {}
        self._numbers: dict[str, int] = {}
        self._undo: list[Callable[[], None]] | None = None
        self._held: list[dict[str, Any]] = []
        self.options = WriteOptions()
        # Records that sharing hides from every user, beside those of the settings.
        self.unshared: set[str] = set()
        self.lag_s = 0.0
        self.clear()

    def clear(self) -> None:
        """Remove all records but the users."""
        self.tables = {one.name: Table(one) for one in self.schema}
        self.unshared.clear()
        self._numbers = dict.fromkeys(self.tables, _FIRST_NUMBER)
        for place, user in enumerate(USERS):
            name = user.username.partition("@")[0]
            self.load(
                "User",
                {
                    "Username": user.username,
                    "LastName": name.title(),
                    "Email": user.username,
                    "Alias": name[:8],
                },
                record_id=make_id("005", place + 1),
            )

    def now(self) -> datetime:
        """The stamp of a write that happens now: UTC, whole seconds."""
        return self.world.clock.wall().replace(microsecond=0)

    def viewer(self, user: Viewer) -> Viewer:
        """The user as the present settings let them see."""
        hidden = list(self.settings.hidden_fields)
        if not self.settings.privacy_enabled:
            hidden.append("Individual.*")
        return user.without(hidden)

    def definition(self, object_name: str, viewer: Viewer | None = None) -> ObjectDef | None:
        """The object, unless the viewer must not know of it."""
        found = self.schema.object(object_name)
        if found is None or (viewer is not None and viewer.hides(found.name)):
            return None
        return found

    def schema_for(self, viewer: Viewer) -> Schema:
        """The objects that a viewer may know of."""
        known = [one for one in self.schema if not viewer.hides(one.name)]
        return Schema(known) if len(known) < len(self.tables) else self.schema

    def visible(
        self, object_name: str, *, deleted: bool = False, viewer: Viewer | None = None
    ) -> Iterator[Record]:
        """What a query sees now, in no promised order.

        Args:
            object_name: The exact API name.
            deleted: Also what lies in the recycle bin, as `queryAll` does.
            viewer: Who asks; None sees private records too.
        """
        now = self.now()
        private = self._private() if viewer is not None else set[str]()
        for record in self.tables[object_name].rows(self._seen_at()):
            if record.get("IsDeleted") and not (deleted and in_bin(record, now)):
                continue
            if record["Id"] not in private:
                yield record

    def get(
        self,
        object_name: str,
        record_id: str,
        *,
        deleted: bool = False,
        viewer: Viewer | None = None,
    ) -> Record | None:
        """One record by its 15 or 18 characters, as a query sees it now."""
        found = normalise(record_id)
        record = None if found is None else self.tables[object_name].at(found, self._seen_at())
        if record is None or (viewer is not None and record["Id"] in self._private()):
            return None
        if record.get("IsDeleted") and not (deleted and in_bin(record, self.now())):
            return None
        return record

    def _seen_at(self) -> float:
        return self.world.clock.real() - self.lag_s

    def _private(self) -> set[str]:
        return self.unshared.union(self.settings.private)

    def matches(self, field: FieldDef, object_name: str, value: object) -> tuple[str, ...]:
        """Ids of the records, not deleted, that have a value in an external id field."""
        return self.tables[object_name].matches(field, value)

    def load(
        self,
        object_name: str,
        values: Mapping[str, Any],
        *,
        record_id: str | None = None,
        at: datetime | None = None,
    ) -> Record:
        """Put a record as a seed has it: kept values, not checked, not logged, visible at once."""
        definition = self.tables[object_name].definition
        stamp = at or self.now()
        record = {"Id": record_id or self.new_id(definition)}
        record |= {"OwnerId": INTEGRATION.id} if "OwnerId" in definition.fields else {}
        record |= definition.defaults | checks.stamps(INTEGRATION, stamp, definition)
        record |= values
        derive(definition, record, lambda: self.next(definition.name))
        self.tables[object_name].load(record)
        return record

    def standing(self, definition: ObjectDef, record_id: object) -> Record:
        """The newest version of a record that is not deleted, as a writer meets it.

        Raises:
            RowError: There is none.
        """
        found = normalise(record_id)
        if found is None:
            text = f"{definition.label} ID: id value of incorrect type: {record_id}"
            raise RowError("MALFORMED_ID", text, ("Id",))
        record = self.tables[definition.name].latest.get(found)
        if record is None:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)
        if record.get("IsDeleted"):
            raise RowError("ENTITY_IS_DELETED", "entity is deleted", status=404)
        return record

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Take back every write of the block if it raises; the log then shows none of them.

        A block within a block is taken back with it, too.
        """
        outer, held = self._undo, self._held
        self._undo, self._held = [], []
        try:
            yield
        except BaseException:
            for undo in reversed(self._undo):
                undo()
            raise
        else:
            if outer is not None:
                outer.extend(self._undo)
                held.extend(self._held)
            else:
                for entry in self._held:
                    self.world.log.append(**entry)
        finally:
            self._undo, self._held = outer, held

    def put_quietly(self, object_name: str, record: Record) -> None:
        """Commit a record as it is, without checks, stamps or log: what the system does itself."""
        definition = self.tables[object_name].definition
        derive(definition, record, lambda: self.next(definition.name))
        self.put(definition, record)

    def judge(
        self, org: Org, definition: ObjectDef, before: Record | None, after: Record | None
    ) -> None:
        """Ask every further rule.

        Raises:
            RowError: One of them refuses.
        """
        for rule in self.rules:
            rule(org, definition, before, after)

    def put(self, definition: ObjectDef, record: Record) -> None:
        """Commit a version; others see it once the skew has passed."""
        now = self.world.clock.real()
        undo = self.tables[definition.name].put(record, now + self.settings.commit_skew_s, now)
        if self._undo is not None:
            self._undo.append(undo)

    def log(self, op: str, key: str, record_id: str, payload: Mapping[str, Any]) -> None:
        """Tell the judge of a committed write."""
        shown = {name: checks.shown(value) for name, value in payload.items()}
        entry: dict[str, Any] = {
            "service": SERVICE,
            "op": op,
            "key": key,
            "remote_id": record_id,
            "payload": shown,
        }
        if self._undo is not None:
            self._held.append(entry)
        else:
            self.world.log.append(**entry)

    def next(self, object_name: str) -> int:
        """The next number of an object's records."""
        self._numbers[object_name] += 1
        return self._numbers[object_name]

    def new_id(self, definition: ObjectDef) -> str:
        """The Id of the next record."""
        return make_id(definition.key_prefix, self.next(definition.name))

"""The org: every way its records change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce import checks
from syncflow_dagster.sandbox.salesforce.derived import derive
from syncflow_dagster.sandbox.salesforce.errors import NOT_THERE, RowError, SeveralMatchesError
from syncflow_dagster.sandbox.salesforce.ids import normalise
from syncflow_dagster.sandbox.salesforce.records import SERVICE, Records, Rule
from syncflow_dagster.sandbox.salesforce.store import Record, in_bin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef
    from syncflow_dagster.sandbox.salesforce.users import Viewer

__all__ = ["SERVICE", "Org", "Record", "Rule"]


class Org(Records):
    """All records, and the only way to change them.

    Values are Python's: str, bool, int, float, date, time, datetime in UTC, None (also where a
    key is absent); several picks are joined by `;`, a compound address is a dict. Records that
    were handed out never change; a write stores a new dict.

    Every write is stamped in whole seconds before it is committed, and others see it
    `settings.commit_skew_s` real seconds later. Writes through the API go to the sandbox's log:
    op `create`, `update`, `upsert`, `delete` or `undelete`, key `Object/Id` (or
    `Object/Field/value` for an upsert), payload the fields as kept. Writes inside
    `with org.all_or_none():` are taken back when the block raises.

    Attributes:
        world: Clock, log, faults.
        schema: What objects there are.
        rules: Further conditions on writes; see `Rule`.
        options: What the present request says about its writes.
        settings: The present settings.
        lag_s: How many seconds the present request's reads lag behind (stale reads).
    """

    def create(
        self,
        object_name: str,
        values: Mapping[str, Any],
        *,
        viewer: Viewer,
        op: str = "create",
        key: str | None = None,
    ) -> Record:
        """Create a record of sent values (JSON's or CSV's).

        Args:
            object_name: API name in any case.
            values: By field name in any case; `{"Account": {"External_Id__c": "x"}}` refers to
                a record by external id.
            viewer: Whose write it is.
            op: The log's name of it.
            key: The log's key, where it is not `Object/Id`.

        Raises:
            RowError: The record is refused; nothing was written.
        """
        definition = self._known(object_name, viewer)
        if not definition.createable:
            text = f"entity type cannot be inserted: {definition.label}"
            raise RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)
        changes = checks.changes(self, definition, values, viewer, new=True)
        record = {"Id": self.new_id(definition)} | definition.defaults
        record |= {"OwnerId": viewer.id} if "OwnerId" in definition.fields else {}
        record |= checks.stamps(viewer, self.now(), definition) | changes
        self._commit(definition, None, record, op, key, changes)
        return record

    def update(
        self,
        object_name: str,
        record_id: str,
        values: Mapping[str, Any],
        *,
        viewer: Viewer,
        op: str = "update",
        key: str | None = None,
    ) -> Record:
        """Change fields of a record; see `create`.

        Raises:
            RowError: The change is refused; nothing was written.
        """
        definition = self._known(object_name, viewer)
        if not definition.updateable:
            text = f"entity type cannot be updated: {definition.label}"
            raise RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)
        before = self.standing(definition, record_id)
        changes = checks.changes(self, definition, values, viewer, new=False)
        record = before | changes | checks.touched(viewer, self.now())
        self._commit(definition, before, record, op, key, changes)
        return record

    def upsert(
        self,
        object_name: str,
        field_name: str,
        value: object,
        values: Mapping[str, Any],
        *,
        viewer: Viewer,
        update_only: bool = False,
    ) -> tuple[Record, bool]:
        """Update the record with this external id, or create it; tell which it was (created).

        Raises:
            RowError: The record is refused; nothing was written.
            SeveralMatchesError: Several records have this external id; nothing was written.
        """
        definition = self._known(object_name, viewer)
        field = checks.external_id(definition, field_name, viewer)
        kept = checks.kept(field, value)
        if field.name == "Id":
            found: tuple[str, ...] = () if kept is None else (kept,)
        else:
            found = () if kept is None else self.matches(field, definition.name, kept)
        if len(found) > 1:
            raise SeveralMatchesError(definition.name, found)
        key = f"{definition.name}/{field.name}/{kept}"
        if found:
            changed = self.update(
                definition.name, found[0], values, viewer=viewer, op="upsert", key=key
            )
            return changed, False
        if update_only:
            raise RowError("NOT_FOUND", NOT_THERE, status=404)
        whole = dict(values) if field.name == "Id" else {**values, field.name: kept}
        made = self.create(definition.name, whole, viewer=viewer, op="upsert", key=key)
        return made, True

    def delete(
        self,
        object_name: str,
        record_id: str,
        *,
        viewer: Viewer,
        op: str = "delete",
        master_id: str | None = None,
    ) -> Record:
        """Put a record into the recycle bin; `master_id` is where it was merged into.

        Raises:
            RowError: It is not there, or its kind is never deleted.
        """
        definition = self._known(object_name, viewer)
        if not definition.deletable:
            text = f"entity type cannot be deleted: {definition.label}"
            raise RowError("CANNOT_DELETE_ENTITY", text)
        before = self.standing(definition, record_id)
        record = before | {"IsDeleted": True} | checks.touched(viewer, self.now())
        if master_id is not None:
            record["MasterRecordId"] = master_id
        self.judge(self, definition, before, None)
        if "IsDeleted" in definition.fields:
            self.put(definition, record)
        else:
            self.tables[definition.name].purge(before["Id"])
        self.log(op, f"{definition.name}/{before['Id']}", before["Id"], {})
        return record

    def undelete(self, object_name: str, record_id: str, *, viewer: Viewer) -> Record:
        """Take a record out of the recycle bin.

        Raises:
            RowError: It is not in the bin.
        """
        definition = self._known(object_name, viewer)
        before = self.tables[definition.name].latest.get(normalise(record_id) or "")
        if before is None or not before.get("IsDeleted") or not in_bin(before, self.now()):
            raise RowError("UNDELETE_FAILED", "Entity is not in the recycle bin", ())
        record = before | {"IsDeleted": False} | checks.touched(viewer, self.now())
        self.put(definition, record)
        self.log("undelete", f"{definition.name}/{record['Id']}", record["Id"], {})
        return record

    def _known(self, object_name: str, viewer: Viewer) -> ObjectDef:
        found = self.definition(object_name, viewer)
        if found is None:
            text = f"sObject type '{object_name}' is not supported."
            raise RowError("INVALID_TYPE", text)
        return found

    def _commit(
        self,
        definition: ObjectDef,
        before: Record | None,
        record: Record,
        op: str,
        key: str | None,
        changes: Mapping[str, Any],
    ) -> None:
        derive(definition, record, lambda: self.next(definition.name))
        checks.unique(self, definition, record)
        self.judge(self, definition, before, record)
        self.put(definition, record)
        self.log(op, key or f"{definition.name}/{record['Id']}", record["Id"], changes)

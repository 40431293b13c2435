"""What others do in the org, and the system by itself; the log does not show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.checks import stamps, touched
from syncflow_dagster.sandbox.salesforce.errors import RowError
from syncflow_dagster.sandbox.salesforce.ids import normalise
from syncflow_dagster.sandbox.salesforce.users import ADMIN
from syncflow_dagster.sandbox.salesforce.values import stored

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.org import Org, Record
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef
    from syncflow_dagster.sandbox.salesforce.settings import Edit


class Editor:
    """Does edits in an org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def do(self, edit: Edit) -> None:
        """Do one edit.

        Raises:
            ValueError: There is no such object, field or record, or a value does not fit.
        """
        definition = self._org.schema.object(edit.object)
        if definition is None:
            msg = f"edits: there is no object {edit.object!r}"
            raise ValueError(msg)
        try:
            self._do(edit, definition)
        except RowError as error:
            msg = f"edits: {edit.op} {edit.object} {edit.id}: {error}"
            raise ValueError(msg) from error

    def _do(self, edit: Edit, definition: ObjectDef) -> None:
        org = self._org
        if edit.op == "purge":
            org.tables[definition.name].purge(normalise(edit.id) or "")
            return
        if edit.op == "create":
            record = {"Id": org.new_id(definition)} | stamps(ADMIN, org.now(), definition)
            self._put(definition, record, edit)
        elif edit.op == "undelete":
            self._undelete(definition, edit)
        elif edit.op == "update":
            self._put(definition, org.standing(definition, edit.id), edit)
        elif edit.op == "delete":
            self._put(definition, org.standing(definition, edit.id) | {"IsDeleted": True}, edit)
        else:
            self._merge(definition, edit)

    def _put(self, definition: ObjectDef, record: Record, edit: Edit) -> None:
        org = self._org
        moved: Record = {}
        if edit.stamp == "user":
            moved = touched(ADMIN, org.now())
        elif edit.stamp == "system":
            moved = {"SystemModstamp": org.now()}
        org.put_quietly(definition.name, record | _kept(definition, edit.fields) | moved)

    def _undelete(self, definition: ObjectDef, edit: Edit) -> None:
        record = self._org.tables[definition.name].latest.get(normalise(edit.id) or "")
        if record is None:
            raise RowError("UNDELETE_FAILED", "Entity is not in the recycle bin")
        self._put(definition, record | {"IsDeleted": False}, edit)

    def _merge(self, definition: ObjectDef, edit: Edit) -> None:
        """Put the losers into the bin with their master's Id; what points at them follows."""
        org = self._org
        master = org.standing(definition, edit.id)
        self._put(definition, master, edit)
        for loser in edit.losers:
            gone = org.standing(definition, loser)
            gone = gone | {"IsDeleted": True, "MasterRecordId": master["Id"]}
            org.put_quietly(definition.name, gone | touched(ADMIN, org.now()))
            self._repoint(gone["Id"], master["Id"], definition.name)

    def _repoint(self, loser: str, master: str, target: str) -> None:
        org = self._org
        for owner in org.schema:
            names = [
                one.name
                for one in owner.fields.values()
                if target in one.reference_to and one.name != "MasterRecordId"
            ]
            if not names:
                continue
            for record in list(org.tables[owner.name].latest.values()):
                found = {name: master for name in names if record.get(name) == loser}
                if found:
                    org.put_quietly(owner.name, record | found | touched(ADMIN, org.now()))


def _kept(definition: ObjectDef, fields: dict[str, Any]) -> Record:
    """Values by exact name; whoever edits here may write every field."""
    found: Record = {}
    for name, value in fields.items():
        field = definition.field(name)
        if field is None:
            text = f"No such column '{name}' on sobject of type {definition.name}"
            raise RowError("INVALID_FIELD", text)
        found[field.name] = stored(field, value)
    return found

"""Merging up to three records into one, as SOAP's `merge()` does; REST has no such call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce import checks
from syncflow_dagster.sandbox.salesforce.errors import RowError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncflow_dagster.sandbox.salesforce.org import Org, Record
    from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef
    from syncflow_dagster.sandbox.salesforce.users import Viewer

_MOST = 2


def merge(
    org: Org,
    object_name: str,
    master_id: str,
    losers: Sequence[str],
    values: Mapping[str, Any],
    *,
    viewer: Viewer,
) -> Record:
    """Merge records into a master: they are deleted with `MasterRecordId`, their children move.

    All or nothing; the log shows `merge` for the master, and for each record merged into it.

    Args:
        org: Whose records they are.
        object_name: Account, Contact or Lead.
        master_id: The record that stays.
        losers: One or two others.
        values: Fields of the master to change at once.
        viewer: Who merges.

    Raises:
        RowError: Nothing was merged.
    """
    definition = org.definition(object_name, viewer)
    if definition is None or not definition.mergeable:
        text = f"merge is not supported for {object_name}"
        raise RowError("INVALID_TYPE", text)
    if not 1 <= len(losers) <= _MOST:
        text = f"1 to {_MOST} records can be merged into a master, not {len(losers)}"
        raise RowError("INVALID_OPERATION", text)
    with org.all_or_none():
        master = org.standing(definition, master_id)
        gone = [org.standing(definition, one)["Id"] for one in losers]
        if master["Id"] in gone or len(set(gone)) < len(gone):
            raise RowError("INVALID_OPERATION", "a record cannot be merged into itself")
        move_children(org, definition, gone, master["Id"], viewer)
        for one in gone:
            org.delete(definition.name, one, viewer=viewer, op="merge", master_id=master["Id"])
        return org.update(definition.name, master["Id"], values, viewer=viewer, op="merge")


def move_children(
    org: Org, definition: ObjectDef, gone: Sequence[str], master_id: str, viewer: Viewer
) -> None:
    """Let all records that refer to merged ones refer to the master."""
    stamp = checks.touched(viewer, org.now())
    for child, fields in _references(org, definition):
        for record in list(org.tables[child.name].latest.values()):
            moved = {one.name: master_id for one in fields if record.get(one.name) in gone}
            # What was merged into a loser earlier keeps saying so.
            moved.pop("MasterRecordId", None)
            if moved and not record.get("IsDeleted"):
                org.put_quietly(child.name, record | moved | stamp)


def _references(org: Org, definition: ObjectDef) -> Iterator[tuple[ObjectDef, list[FieldDef]]]:
    for child in org.schema:
        fields = [one for one in child.fields.values() if definition.name in one.reference_to]
        if fields:
            yield child, fields

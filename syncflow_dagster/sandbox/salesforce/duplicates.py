"""The standard duplicate rules of contacts and leads, as a rule on the org's writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.duplicate_rules import OBJECTS, WATCHED, duplicates
from syncflow_dagster.sandbox.salesforce.errors import RowError

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.org import Org, Record
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef

# Both seen in public threads: jetstream #482 and wsc #254.
_ALERT = "Use one of these records?"
_BLOCK = "You're creating a duplicate record. We recommend you use an existing record instead."


def duplicate_rule(
    org: Org, definition: ObjectDef, before: Record | None, after: Record | None
) -> None:
    """Refuse a contact or lead that is somebody else already.

    `allowSave=true` in the request's `Sforce-Duplicate-Rule-Header` overrides alerts, not blocks.
    Which records are meant is not told (jetstream #482).

    Raises:
        RowError: `DUPLICATES_DETECTED`.
    """
    mode = org.settings.duplicate_rules
    if mode == "off" or after is None or definition.name not in OBJECTS:
        return
    if before is not None and all(before.get(name) == after.get(name) for name in WATCHED):
        return
    if mode == "alert" and org.options.allow_save:
        return
    others = (
        record
        for name in sorted(OBJECTS)
        for record in org.visible(name)
        if record["Id"] != after["Id"] and not record.get("IsConverted")
    )
    if duplicates(after, others, org.tables["Account"].latest):
        raise RowError("DUPLICATES_DETECTED", _ALERT if mode == "alert" else _BLOCK)

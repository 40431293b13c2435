"""Records that join two others, and exist once for each pair: topics and campaign members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.errors import RowError

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.org import Org, Record
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef

_ALREADY = "Already a campaign member."
_PERSON = "Either a LeadId or a ContactId is required, not both"


def pair_rule(org: Org, definition: ObjectDef, before: Record | None, after: Record | None) -> None:
    """Refuse a second topic assignment, or a second membership of one person in a campaign.

    Raises:
        RowError: `DUPLICATE_VALUE`, or the member is nobody or two people.
    """
    if before is not None or after is None:
        return
    if definition.name == "TopicAssignment":
        if found := _other(org, definition.name, after, ("TopicId", "EntityId")):
            text = f"duplicate value found: TopicId duplicates value on record with id: {found}"
            raise RowError("DUPLICATE_VALUE", text)
    elif definition.name == "CampaignMember":
        if bool(after.get("LeadId")) == bool(after.get("ContactId")):
            raise RowError("FIELD_INTEGRITY_EXCEPTION", _PERSON, ("ContactId", "LeadId"))
        if _other(org, definition.name, after, ("CampaignId", "LeadId", "ContactId")):
            raise RowError("DUPLICATE_VALUE", _ALREADY)


def _other(org: Org, object_name: str, record: Record, names: tuple[str, ...]) -> str | None:
    wanted = [record.get(name) for name in names]
    for other in org.tables[object_name].latest.values():
        if not other.get("IsDeleted") and [other.get(name) for name in names] == wanted:
            found: str = other["Id"][:15]
            return found
    return None

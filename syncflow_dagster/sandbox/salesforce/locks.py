"""Rows that other writes hold: a child's write locks its parent for a while.

The service waits ten seconds for a lock and then gives up; the sandbox gives up at once. Records
that one request writes do not stand in each other's way, so that sorting by parent helps, as
"Organize Your Data" of the Bulk API guide advises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.errors import RowError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncflow_dagster.sandbox.salesforce.org import Org, Record
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef

# The references whose targets are locked by a write of the child.
_PARENTS: Mapping[str, tuple[str, ...]] = {
    "Contact": ("AccountId",),
    "Opportunity": ("AccountId",),
    "CampaignMember": ("CampaignId",),
    "Tag_Assignment__c": ("Contact__c", "Lead__c", "Account__c"),
    "Invoice__c": ("Account__c",),
}


def parents(definition: ObjectDef, *versions: Record | None) -> Iterator[str]:
    """Ids of the records that a write of a child locks, those it moves from and to."""
    for name in _PARENTS.get(definition.name, ()):
        for record in versions:
            if record is not None and record.get(name):
                yield record[name]


def locked(record_id: str) -> RowError:
    """The refusal of a write whose record or parent another write holds."""
    text = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
    return RowError("UNABLE_TO_LOCK_ROW", text)


class Locks:
    """Which parents are held, until when, and by which request."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, object]] = {}

    def clear(self) -> None:
        """Let everything go."""
        self._held.clear()

    def __call__(
        self, org: Org, definition: ObjectDef, before: Record | None, after: Record | None
    ) -> None:
        """Take the parents of a written record for `settings.lock_s`.

        Raises:
            RowError: Another request holds one of them.
        """
        now, request = org.world.clock.real(), org.options
        wanted = set(parents(definition, before, after))
        for record_id in sorted(wanted):
            until, holder = self._held.get(record_id, (now, request))
            if until > now and holder is not request:
                raise locked(record_id)
        if org.settings.lock_s:
            until = now + org.settings.lock_s
            self._held.update(dict.fromkeys(wanted, (until, request)))

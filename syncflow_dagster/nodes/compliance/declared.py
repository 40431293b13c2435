"""Which fields of delta tables workflows declare to hold addresses of the persons in their rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.consent.identifiers import Kind, all_of
from syncflow_dagster.core.matching.contacts import is_shared_mailbox
from syncflow_dagster.core.records import ARCHIVE, SNAPSHOT
from syncflow_dagster.nodes.compliance.lists import Identifier
from syncflow_dagster.workflows.models.identity import IdentityNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncflow_dagster.workflows.models.workflow import Workflow

_SHARED = IdentityNode.model_fields["shared_mailboxes"].get_default(call_default_factory=True)


@dataclass(frozen=True, slots=True)
class Declared:
    """Fields with addresses of the person a row is about.

    Attributes:
        fields: Their names, by delta table.
        shared: Local parts of addresses that several people read.
    """

    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    shared: frozenset[str] = frozenset(_SHARED)

    def addresses(self, table: str, rows: Iterable[Mapping[str, Any]]) -> list[Identifier]:
        """Return the addresses in some rows of a delta table, its archive or its snapshot.

        Mailboxes that several people read are left out: they are nobody's own.
        """
        names = self.fields.get(table.removesuffix(ARCHIVE).removesuffix(SNAPSHOT), frozenset())
        found = [
            address
            for row in rows
            for name in names
            for address in all_of(Kind.EMAIL, row.get(name)) or ()
        ]
        return [
            Identifier(Kind.EMAIL, one)
            for one in dict.fromkeys(found)
            if not is_shared_mailbox(one, self.shared)
        ]


#: Where no workflow is known: no field is taken for an address of the person's.
NOTHING_DECLARED = Declared()


def declared(workflows: Iterable[Workflow]) -> Declared:
    """Return what workflows declare: fields that are `personal`, and what identity nodes read."""
    fields: dict[str, frozenset[str]] = {}
    shared = set(_SHARED)
    for workflow in workflows:
        emails: dict[str, set[str]] = {}
        for node in workflow.identities:
            shared |= set(node.shared_mailboxes)
            if node.person.email is not None:
                emails.setdefault(node.source, set()).add(node.person.email)
        for delta in workflow.deltas:
            fields[delta.table] = delta.personal_columns | emails.get(delta.name, set())
    return Declared(fields, frozenset(shared))

"""Delta rows of records of people, and what they say of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.matching.people import Record, normalised

if TYPE_CHECKING:
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models import IdentityNode


def record_of(node: IdentityNode, row: DictRow) -> Record:
    """Return what a delta row says of somebody, in one spelling.

    Raises:
        ValueError: The record has no id.
    """
    fields = node.person

    def text(name: str | None) -> str | None:
        value = None if name is None else row[name]
        return None if value is None else str(value)

    said = Record(
        record_id=text(fields.record_id) or "",
        first_name=text(fields.first_name),
        last_name=text(fields.last_name),
        email=text(fields.email),
        external_id=text(fields.external_id),
        linkedin=text(fields.linkedin),
        phones=tuple(text(one) or "" for one in fields.phones),
        account=text(fields.account),
        company=text(fields.company),
        prior_account=text(fields.prior_account),
        title=text(fields.title),
        created=None if fields.created is None else _moment(row[fields.created]),
        merged_into=text(fields.merged_into),
        gone=row["operation"] == "DELETE" or bool(fields.deleted and row[fields.deleted]),
    )
    return normalised(said, node.shared_mailboxes)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return None

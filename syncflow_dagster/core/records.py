"""Names that a record's fields may not take: the delta and snapshot tables use them themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Columns every delta or snapshot table has, and the ones PostgreSQL gives to every table
#: (https://www.postgresql.org/docs/current/ddl-system-columns.html).
RESERVED_COLUMNS = frozenset(
    {
        "delta_id",
        "batch_id",
        "record_uuid",
        "generation",
        "operation",
        "state",
        "reason",
        "state_since",
        "not_before",
        "bk_hash",
        "data_hash",
        "field_hashes",
        "row_hash",
        "hash_version",
        "parent_bk_hash",
        "parent_uuid",
        "business_key",
        "customer",
        "changed_columns",
        "superseded_by",
        "created_at",
        "synced_at",
        "deleted_at",
        "tableoid",
        "xmin",
        "cmin",
        "xmax",
        "cmax",
        "ctid",
    }
)

#: What is put behind a delta table's name to name the tables it brings along.
SNAPSHOT, VERSION, ARCHIVE = "_snapshot", "_version", "_archive"
TABLE_ENDINGS = (SNAPSHOT, VERSION, ARCHIVE)


def reserved_among(names: Iterable[str]) -> list[str]:
    """Return those of `names` that a field may not have, in their order."""
    return [name for name in names if name in RESERVED_COLUMNS]

"""Rows that could not become records: what is kept of each, and for how long it stays open."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import polars as pl
import xxhash

from syncflow_dagster.core.identity.encoding import encode_row
from syncflow_dagster.nodes.delta.normalise import ROW, readable_key
from syncflow_dagster.nodes.delta.report import RejectedRecord
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.identity.hashing import Hashes
    from syncflow_dagster.nodes.delta.batches import Batch
    from syncflow_dagster.nodes.delta.normalise import Chunk, FieldFault
    from syncflow_dagster.nodes.delta.options import DeltaOptions
    from syncflow_dagster.nodes.delta.settling import Settled
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Longest part of a value that is shown beside the reason; the record keeps the whole.
_LONGEST_VALUE = 500
#: PostgreSQL holds no U+0000 in texts; this is the character that pictures it.
_NUL_PICTURE = "\u2400"
#: Stands for a value that is not shown.
_HIDDEN = "…"
_COLUMNS = (
    "n",
    "row_number",
    "bk",
    "fingerprint",
    "business_key",
    "customer",
    "column_name",
    "value",
    "rule",
    "reason",
    "record",
    "exact",
)


@dataclass(frozen=True)
class Rejection:
    """A rejected row as it is staged.

    Attributes:
        n: Its place among the batch's records.
        bk: BK_HASH, where the key could be read: the known record of that key is kept.
        told: What the user is told.
        fingerprint: 16 bytes that are the same when the same row breaks the same rule again.
        exact: Whether the source's row can be had back from the record that is told.
    """

    n: int
    bk: bytes | None
    told: RejectedRecord
    fingerprint: bytes
    exact: bool


@dataclass(frozen=True)
class Duplicate:
    """A record that shares its business key with others of its batch.

    Attributes:
        n: Its place among the batch's records.
        row_number: Its source row.
        bk: BK_HASH.
        occurrences: Records of that key.
        row_numbers: The first source rows that gave one.
    """

    n: int
    row_number: int
    bk: bytes
    occurrences: int
    row_numbers: list[int]


def of_chunk(node: DeltaNode, chunk: Chunk, keys: Hashes, first: int) -> list[Rejection]:
    """Describe a chunk's rejected rows.

    Args:
        node: The node.
        chunk: Normalised rows.
        keys: BK_HASH of every row; meaningless where the key is not valid.
        first: Number of the chunk's first record.
    """
    by_row: dict[int, list[FieldFault]] = defaultdict(list)
    for each in chunk.faults:
        for row in each.fault.rows.arg_true():
            by_row[row].append(each)
    return [
        _describe(node, chunk, row, faults, keys[row].tobytes(), first + row)
        for row, faults in sorted(by_row.items())
    ]


def duplicate(
    node: DeltaNode, values: Mapping[str, Any], business_key: str, row: Duplicate
) -> Rejection:
    """Describe a record that shares its key with others of the batch.

    The record shown holds the fields as normalised, since that is what is kept of a valid row.

    Args:
        node: The node.
        values: Its normalised values by field.
        business_key: The readable key.
        row: Whom it shares its key with.
    """
    record = {name: as_text(value) for name, value in values.items()}
    rows = ", ".join(str(each) for each in row.row_numbers)
    more = ", ..." if row.occurrences > len(row.row_numbers) else ""
    told = RejectedRecord(
        row_number=row.row_number,
        business_key=business_key,
        customer=record[node.customer] if node.customer else None,
        column=", ".join(node.key),
        value=business_key[:_LONGEST_VALUE],
        rule="duplicate_key",
        reason=(
            f"{row.occurrences} records of this batch have the key {business_key} "
            f"(rows {rows}{more})"
        ),
        record=record,
    )
    return Rejection(row.n, row.bk, told, _fingerprint(told), exact=True)


def staged(each: Rejection) -> tuple[Any, ...]:
    """Lay a rejection out as a row of texts and numbers."""
    told = each.told
    return (
        each.n,
        told.row_number,
        each.bk.hex() if each.bk is not None else None,
        each.fingerprint.hex(),
        told.business_key,
        told.customer,
        told.column,
        told.value,
        told.rule,
        told.reason.replace("\x00", _NUL_PICTURE),
        json.dumps(told.record, ensure_ascii=False),
        each.exact,
    )


def stage(conn: psycopg.Connection[DictRow], rows: Iterable[Sequence[Any]]) -> None:
    """Put rejections, as :func:`staged` lays them out, into the transaction's table."""
    columns = ", ".join(_COLUMNS)
    with conn.cursor().copy(f"copy pg_temp.rejected ({columns}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)


def store(
    conn: psycopg.Connection[DictRow],
    batch: Batch,
    clock: Clock,
    options: DeltaOptions,
    read: Settled,
    *,
    complete: bool,
) -> None:
    """Keep the staged rejections; those the batch shows to be mended are closed.

    Args:
        conn: The build's session, inside its transaction.
        batch: The batch.
        clock: Gives the moment of mending.
        options: Say which range was built, and whether rejections were tried again.
        read: What was read.
        complete: Whether all of the source was read: then what was not met again is mended. Of a
            part of it, only what was met whole is.
    """
    first, last = options.part.span
    names = {
        "workflow": batch.workflow,
        "node": batch.node,
        "batch": batch.number,
        "now": clock.now(),
        "keyless": options.part.number == 0,
        "low": UUID(int=first << 64),
        "high": UUID(int=(last << 64) + (1 << 64) - 1),
        "retry": options.retry,
    }
    statements = load("delta_detect")
    conn.execute(statements["store_rejections"], names)
    if complete or options.retry:
        conn.execute(statements["resolve_rejections"], names)
        return
    rows = conn.execute(statements["open_keys"], names).fetchall()
    if rows:
        keys = [row["bk_hash"] for row in rows]
        there = read.contain(np.frombuffer(b"".join(key.bytes for key in keys), np.uint8))
        mended = [key for key, is_there in zip(keys, there, strict=True) if is_there]
        conn.execute(statements["resolve_keys"], {**names, "keys": mended})


def first_rejections(
    conn: psycopg.Connection[DictRow], workflow: str, node: DeltaNode, batch: int, limit: int
) -> list[RejectedRecord]:
    """Read a batch's first rejections, as they may be shown."""
    rows = conn.execute(
        load("delta_detect")["first_rejections"],
        {"workflow": workflow, "node": node.name, "batch": batch, "limit": limit},
    ).fetchall()
    shown = [shown_rejection(node, row) for row in rows]
    return [RejectedRecord(column=row.pop("column_name"), **row) for row in shown]


def shown_rejection(node: DeltaNode, row: DictRow) -> DictRow:
    """Return a rejection without the value of a field that tells about a person."""
    if row["column_name"] not in node.personal_columns or not row["value"]:
        return row
    return row | {"value": _HIDDEN, "reason": row["reason"].replace(row["value"], _HIDDEN)}


def as_text(value: Any) -> str | None:
    """Write any value a source may give as text; None stays None."""
    match value:
        case None:
            return None
        case str():
            return value.replace("\x00", _NUL_PICTURE)
        case bool():
            return "true" if value else "false"
        case bytes():
            return value.decode("utf-8", "backslashreplace").replace("\x00", _NUL_PICTURE)
        case Decimal():
            # As a text field shows it, so that another try of the row finds the same.
            return format(value.normalize(), "f")
        case float() if value.is_integer():
            return str(int(value))
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value).replace("\x00", _NUL_PICTURE)


def _describe(
    node: DeltaNode, chunk: Chunk, row: int, faults: Sequence[FieldFault], bk: bytes, n: int
) -> Rejection:
    raw, exact = _values(chunk.raw, row)
    number = raw.pop(ROW)
    record = {name: as_text(value) for name, value in raw.items()}
    first = faults[0]
    folded = {name.casefold(): value for name, value in record.items()}
    value = record.get(first.column, folded.get(first.column.casefold()))
    others = [f"also {each.column}: {each.fault.reason}" for each in faults[1:]]
    told = RejectedRecord(
        row_number=number,
        business_key=_key(node, chunk, row),
        customer=as_text(chunk.fields[node.customer][row]) if node.customer else None,
        column=first.column,
        value=None if value is None else value[:_LONGEST_VALUE],
        rule=first.fault.rule,
        reason="; ".join([first.fault.reason, *others]),
        record=record,
    )
    known = bk if chunk.key_valid[row] else None
    return Rejection(n, known, told, _fingerprint(told), exact)


def _values(frame: pl.DataFrame, row: int) -> tuple[dict[str, Any], bool]:
    """Return a row's values, and whether their texts stand for them wholly."""
    try:
        values = frame.row(row, named=True)
    except (ValueError, OverflowError, pl.exceptions.PanicException):
        # Python has no dates beyond the years 1 to 9999, and polars panics at those beyond 262,000:
        # they show as numbers of days or units.
        times = frame[row].with_columns(pl.selectors.temporal().to_physical())
        return times.row(0, named=True), False
    return values, all(map(_is_exact, values.values()))


def _is_exact(value: Any) -> bool:
    match value:
        case str():
            return "\x00" not in value
        case bytes():
            try:
                return "\x00" not in value.decode("utf-8")
            except UnicodeDecodeError:
                return False
        case None | bool() | int() | float() | Decimal() | datetime() | date():
            return True
        case _:
            return False


def _key(node: DeltaNode, chunk: Chunk, row: int) -> str | None:
    key = chunk.fields.select(node.key).slice(row, 1)
    if all(column[0] is None for column in key.get_columns()):
        return None
    text: str = readable_key(key)[0]
    return text


def _fingerprint(told: RejectedRecord) -> bytes:
    items = [part for item in sorted(told.record.items()) for part in item]
    return xxhash.xxh3_128_digest(encode_row([told.column, told.rule, *items]))

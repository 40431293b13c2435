"""What is told of records that were rejected for sharing their key with others of their batch."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg import sql

from syncflow_dagster.nodes.delta import rejections
from syncflow_dagster.nodes.delta.normalise import readable_key
from syncflow_dagster.nodes.delta.source import ROW
from syncflow_dagster.nodes.delta.tables import delta_id, snapshot_id
from syncflow_dagster.nodes.delta.work import SEEN
from syncflow_dagster.nodes.delta.workspace import STRIDE
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.delta.detection import Decided, Twin
    from syncflow_dagster.nodes.delta.rejections import Rejection
    from syncflow_dagster.nodes.delta.workspace import Workspace
    from syncflow_dagster.workflows.models.delta import DeltaNode

    #: A record's values by field, and its readable key.
    Told = tuple[dict[str, Any], str]


def describe_twins(
    conn: psycopg.Connection[DictRow], node: DeltaNode, workspace: Workspace, decided: Decided
) -> Iterator[list[Rejection]]:
    """Describe the records rejected for their key, chunk by chunk."""
    by_chunk: dict[int, list[Twin]] = defaultdict(list)
    for twin in decided.twins:
        by_chunk[twin.number // STRIDE].append(twin)
    chunks = {chunk.number: chunk for chunk in workspace.chunks}
    wanted = {n for twin in decided.twins for n in (twin.number, *twin.shown)}
    rows = _row_numbers(workspace, wanted)
    for number, twins in sorted(by_chunk.items()):
        made = [twin for twin in twins if twin.number % STRIDE < chunks[number].made]
        again = [twin for twin in twins if twin.number % STRIDE >= chunks[number].made]
        told = _made(node, workspace, number, made) | _known(conn, node, again)
        yield [
            rejections.duplicate(node, *told[twin.number], _duplicate(twin, rows)) for twin in twins
        ]


def _duplicate(twin: Twin, rows: Mapping[int, int]) -> rejections.Duplicate:
    shown = [rows[number] for number in twin.shown]
    return rejections.Duplicate(twin.number, rows[twin.number], twin.key, twin.occurrences, shown)


def _made(
    node: DeltaNode, workspace: Workspace, chunk: int, twins: Sequence[Twin]
) -> dict[int, Told]:
    """Return records that were made of their rows, by number."""
    if not twins:
        return {}
    names = [rule.name for rule in node.fields]
    records = workspace.read_records(chunk, names)[[twin.number % STRIDE for twin in twins]]
    values = records.iter_rows(named=True)
    keys = readable_key(records.select(node.key))
    told = zip(twins, values, keys, strict=True)
    return {twin.number: (value, key) for twin, value, key in told}


def _known(
    conn: psycopg.Connection[DictRow], node: DeltaNode, twins: Sequence[Twin]
) -> dict[int, Told]:
    """Return records whose rows were seen before, as they were last written, by number."""
    if not twins:
        return {}
    names = [sql.Identifier("d", rule.name) for rule in node.fields]
    find = sql.SQL(load("delta_detect")["known_values"]).format(
        snapshot=snapshot_id(node), delta=delta_id(node), fields=sql.SQL(", ").join(names)
    )
    found = {}
    for row in conn.execute(find, {"keys": sorted({twin.key.hex() for twin in twins})}):
        key, business_key = row.pop("#bk").bytes, row.pop("#key")
        found[key] = (row, business_key)
    return {twin.number: found[twin.key] for twin in twins}


def _row_numbers(workspace: Workspace, numbers: Iterable[int]) -> dict[int, int]:
    by_chunk: dict[int, list[int]] = defaultdict(list)
    for number in sorted(numbers):
        by_chunk[number // STRIDE].append(number)
    found: dict[int, int] = {}
    for chunk, members in by_chunk.items():
        made = workspace.read_records(chunk, [ROW])[ROW].to_numpy()
        seen = np.fromfile(workspace.seen(chunk), dtype=SEEN)["row"]
        rows = np.concatenate([made, seen])
        found |= {number: int(rows[number % STRIDE]) for number in members}
    return found

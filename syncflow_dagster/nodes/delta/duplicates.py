"""What is told of records that were rejected for sharing their key with others of their batch."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import polars as pl

from syncflow_dagster.nodes.delta import rejections
from syncflow_dagster.nodes.delta.normalise import Normaliser, readable_key
from syncflow_dagster.nodes.delta.source import ROW
from syncflow_dagster.nodes.delta.workspace import STRIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from syncflow_dagster.nodes.delta.detection import Decided, Twin
    from syncflow_dagster.nodes.delta.rejections import Rejection
    from syncflow_dagster.nodes.delta.workspace import Manifest, Workspace
    from syncflow_dagster.workflows.models.delta import DeltaNode


def describe_twins(
    node: DeltaNode, parent: DeltaNode | None, workspace: Workspace, decided: Decided
) -> Iterator[list[Rejection]]:
    """Describe the records rejected for their key, chunk by chunk."""
    by_chunk: dict[int, list[Twin]] = defaultdict(list)
    for twin in decided.twins:
        by_chunk[twin.number // STRIDE].append(twin)
    rows = _row_numbers(workspace, {n for twin in decided.twins for n in twin.shown})
    normaliser = Normaliser(node, parent)
    chunks = {chunk.number: chunk for chunk in workspace.chunks}
    for number, twins in sorted(by_chunk.items()):
        places = [twin.number % STRIDE for twin in twins]
        records = _records(workspace, chunks[number], normaliser, places)
        keys = readable_key(records.select(node.key))
        fields = records.drop(ROW)
        yield [
            rejections.duplicate(node, fields, place, _as_row(twin, records, place, rows), key)
            for place, (twin, key) in enumerate(zip(twins, keys, strict=True))
        ]


def _as_row(
    twin: Twin, records: pl.DataFrame, place: int, rows: dict[int, int]
) -> rejections.Duplicate:
    return rejections.Duplicate(
        twin.number, records[ROW][place], twin.key, twin.occurrences, [rows[n] for n in twin.shown]
    )


def _records(
    workspace: Workspace, chunk: Manifest, normaliser: Normaliser, places: Sequence[int]
) -> pl.DataFrame:
    """Return records of a chunk; one whose row was seen before is made now."""
    late = sorted({place for place in places if place >= chunk.made})
    rows = pl.read_ipc(workspace.seen(chunk.number))[[place - chunk.made for place in late]]
    again = normaliser(rows)
    made_late = again.fields.with_columns(again.raw[ROW])
    made = workspace.read_records(chunk.number, made_late.columns)
    moved = {place: chunk.made + at for at, place in enumerate(late)}
    return pl.concat([made, made_late])[[moved.get(place, place) for place in places]]


def _row_numbers(workspace: Workspace, numbers: Iterable[int]) -> dict[int, int]:
    by_chunk: dict[int, list[int]] = defaultdict(list)
    for number in sorted(numbers):
        by_chunk[number // STRIDE].append(number)
    found: dict[int, int] = {}
    for chunk, members in by_chunk.items():
        seen = pl.read_ipc(workspace.seen(chunk), columns=[ROW])
        rows = pl.concat([workspace.read_records(chunk, [ROW]), seen])[ROW]
        found |= {number: rows[number % STRIDE] for number in members}
    return found

"""What is told of records that were rejected for sharing their key with others of their batch."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from syncflow_dagster.nodes.delta import rejections
from syncflow_dagster.nodes.delta.normalise import Normaliser, readable_key
from syncflow_dagster.nodes.delta.source import ROW
from syncflow_dagster.nodes.delta.work import SEEN
from syncflow_dagster.nodes.delta.workspace import STRIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

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
    chunks = {chunk.number: chunk for chunk in workspace.chunks}
    rows = _row_numbers(workspace, chunks, {n for twin in decided.twins for n in twin.shown})
    normaliser = Normaliser(node, parent)
    for number, twins in sorted(by_chunk.items()):
        places = [twin.number % STRIDE for twin in twins]
        records = _records(workspace, chunks[number], normaliser, places)
        told = zip(
            twins,
            records.select(rule.name for rule in node.fields).iter_rows(named=True),
            readable_key(records.select(node.key)),
            records[ROW],
            strict=True,
        )
        yield [
            rejections.duplicate(node, values, key, _duplicate(twin, row, rows))
            for twin, values, key, row in told
        ]


def _duplicate(twin: Twin, row: int, rows: Mapping[int, int]) -> rejections.Duplicate:
    shown = [rows[number] for number in twin.shown]
    return rejections.Duplicate(twin.number, row, twin.key, twin.occurrences, shown)


def _records(
    workspace: Workspace, chunk: Manifest, normaliser: Normaliser, places: Sequence[int]
) -> pl.DataFrame:
    """Return records of a chunk; those whose rows were seen before are made now."""
    made = workspace.read_records(chunk.number)
    late = sorted({place for place in places if place >= chunk.made})
    if late:
        at = _seen_at(workspace, chunk)[np.array(late) - chunk.made]
        again = normaliser(pl.read_ipc(workspace.rows(chunk.number))[at])
        records = again.fields.with_columns(again.raw[ROW])
        made = pl.concat([made.select(records.columns), records])
    moved = {place: chunk.made + at for at, place in enumerate(late)}
    return made[[moved.get(place, place) for place in places]]


def _row_numbers(
    workspace: Workspace, chunks: Mapping[int, Manifest], numbers: Iterable[int]
) -> dict[int, int]:
    by_chunk: dict[int, list[int]] = defaultdict(list)
    for number in sorted(numbers):
        by_chunk[number // STRIDE].append(number)
    found: dict[int, int] = {}
    for number, members in by_chunk.items():
        rows = workspace.read_records(number, [ROW])[ROW].to_numpy()
        if chunks[number].seen:
            all_rows = pl.read_ipc(workspace.rows(number), columns=[ROW])[ROW].to_numpy()
            rows = np.concatenate([rows, all_rows[_seen_at(workspace, chunks[number])]])
        found |= {member: int(rows[member % STRIDE]) for member in members}
    return found


def _seen_at(workspace: Workspace, chunk: Manifest) -> npt.NDArray[np.int64]:
    at: npt.NDArray[np.int64] = np.fromfile(workspace.seen(chunk.number), dtype=SEEN)["at"]
    return at

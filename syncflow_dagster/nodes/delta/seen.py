"""Rows of the source that known records were last written from, found again by their hashes.

Such a row need not be made a record again: its hashes are those that are known of it. Most rows of
most reads are of that kind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import TYPE_CHECKING

import numpy as np

from syncflow_dagster.core.identity.rows import ROW_BYTES, made_by_tag, row_hashes
from syncflow_dagster.nodes.delta.in_order import in_order
from syncflow_dagster.nodes.delta.mapping import Mapper
from syncflow_dagster.nodes.delta.runs import ranges

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    import polars as pl

    from syncflow_dagster.core.detect.entries import Places
    from syncflow_dagster.core.identity.hashing import Hashes
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Stands for the row hash of a record that has none.
NO_ROW = bytes(ROW_BYTES)
#: Hashes sorted at once: more fill the memory.
_SORTED_AT_ONCE = 250_000
#: What of a rule decides nothing about a row.
_BESIDE = {"description", "backfill", "personal"}
_ALL = (0, (1 << 64) - 1)


class RowHasher:
    """Hashes rows as a source gave them, with all that decides on what a node makes of one.

    Args:
        node: The node.
        parent: Node of the parents, if there is one.
    """

    def __init__(self, node: DeltaNode, parent: DeltaNode | None) -> None:
        self._map = Mapper(node)
        self._made_by = json.dumps(
            {
                "node": _deciding(node),
                "parent": None if parent is None else _deciding(parent),
                "marker": node.deletes.marker,
                # They decide on what becomes of a value, too.
                "by": {name: installed(name) for name in ("syncflow-dagster", "polars")},
            }
        )

    @property
    def tag(self) -> bytes:
        """The end of all hashes."""
        return made_by_tag(self._made_by)

    def columns(self, rows: pl.DataFrame) -> list[str] | None:
        """Return the columns that decide on rows; None where no row can be known again.

        Raises:
            MissingColumn: A source column of a field is not there.
        """
        columns = self._map.columns(rows)
        # polars may hash what lists and structures hold by codes that each process has of its own.
        if not columns or any(rows.schema[name].is_nested() for name in columns):
            return None
        return columns

    def __call__(self, rows: pl.DataFrame) -> Hashes:
        """Return the hash of each row of those columns, shape (rows, 16)."""
        return row_hashes(rows, self._made_by)


def _deciding(node: DeltaNode) -> list[object]:
    rules = [rule.model_dump(mode="json", exclude=_BESIDE) for rule in node.fields]
    return [rules, node.key, None if node.parent is None else node.parent.model_dump()]


@dataclass(frozen=True)
class SeenRows:
    """The rows that known records were written from.

    Attributes:
        firsts: First halves of their hashes, sorted.
        others: Of each of them the other half, and the place of its record among the known ones.
    """

    firsts: npt.NDArray[np.uint64]
    others: npt.NDArray[np.uint64]

    def find(self, hashes: Hashes) -> Places:
        """Return the place of each row's record among the known ones, -1 where it has none.

        Args:
            hashes: Of the rows, shape (rows, 16).
        """
        places = np.full(len(hashes), -1, dtype=np.intp)
        if not len(self.firsts):
            return places
        halves = hashes.view(np.uint64)
        # In order, neighbours are searched for in memory that was just used.
        order = np.argsort(halves[:, 0])
        first, other = halves[order, 0], halves[order, 1]
        at = np.minimum(np.searchsorted(self.firsts, first), len(self.firsts) - 1)
        hit = (self.firsts[at] == first) & (self.others[at, 0] == other)
        places[order[hit]] = self.others[at[hit], 1].astype(np.intp)
        return places


def nothing_seen() -> SeenRows:
    """Return the rows where none counts as known, whatever it holds."""
    return SeenRows(np.empty(0, np.uint64), np.empty((0, 2), np.uint64))


def sort_rows(hashes: Path, folder: Path, threads: int) -> SeenRows:
    """Sort the row hashes of known records, so that rows are found among them.

    Args:
        hashes: File of the hashes in the records' order, `NO_ROW` for those that have none.
        folder: Where the sorted files go.
        threads: How many work at once.
    """
    halves = _mapped(hashes).reshape(-1, 2)
    first = np.ascontiguousarray(halves[:, 0])

    def sort(limits: tuple[int, int]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        low, high = limits
        inside = (first >= np.uint64(max(low, 1))) & (first <= np.uint64(high))
        places = np.flatnonzero(inside)
        places = places[np.argsort(first[places])]
        return first[places], np.column_stack([halves[places, 1], places.astype(np.uint64)])

    firsts, others = folder / "known.firsts", folder / "known.others"
    with firsts.open("wb") as first_file, others.open("wb") as other_file:
        pieces = ranges(*_ALL, len(halves), _SORTED_AT_ONCE)
        for some_firsts, some_others in in_order(sort, pieces, threads):
            some_firsts.tofile(first_file)
            some_others.tofile(other_file)
    return SeenRows(_mapped(firsts), _mapped(others).reshape(-1, 2))


def _mapped(path: Path) -> npt.NDArray[np.uint64]:
    if not path.stat().st_size:
        return np.empty(0, dtype=np.uint64)
    return np.asarray(np.memmap(path, dtype=np.uint64, mode="r"))

"""Builds of two nodes of one declaration, of which one knows no row of its source again."""

from __future__ import annotations

from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from delta_cases import batch_of, build, delta_rows, order
from source_cases import MarkedRows, build_from

from syncflow_dagster.nodes.delta.errors import DeleteGuard
from syncflow_dagster.nodes.delta.seen import SeenRows

#: What differs between two nodes that hold the same.
_UNLIKE = {"delta_id", "batch_id", "superseded_by", "state_since", "created_at", "row_hash"}


@contextmanager
def nothing_known_again():
    """Let every row be made a record again."""
    nothing = lambda self, hashes: np.full(len(hashes), -1, dtype=np.intp)  # noqa: E731
    with patch.object(SeenRows, "find", nothing):
        yield


def off(node):
    """The node's double, which has tables of its own."""
    if node is None:
        return None
    changes = {"name": f"{node.name}_off", "table": f"{node.table}_off"}
    if node.parent is not None:
        above = {"node": f"{node.parent.node}_off"}
        changes["parent"] = node.parent.model_copy(update=above)
    return node.model_copy(update=changes)


def texts(rows):
    """Batches in which every column holds texts, whatever the rows leave out."""
    return batch_of(rows, pa.schema([(name, pa.string()) for name in rows[0]] if rows else []))


def orders(count=10, **changes):
    """Rows by number; those given in `changes` (`so_3={...}`) differ, None leaves one out."""
    rows = []
    for n in range(count):
        change = changes.get(f"so_{n}", {})
        if change is not None:
            rows.append({**order(f"SO-{n:02}", total=f"{n}.50"), **change})
    return rows


def made(result):
    """Count the records that were made of their rows."""
    (stage,) = (stage for stage in result.stages if stage.name == "normalise")
    return stage.rows


class Twice:
    """Builds a node and its double, and holds what becomes of them against each other."""

    def __init__(self, database):
        self.database = database

    def __call__(self, node, rows, *, parent=None, **options):
        """Return the result of the node that knows rows again; both of one refusal, None."""
        results, refused = [], []
        for one, above in ((node, parent), (off(node), off(parent))):
            try:
                if one is node:
                    results.append(self._build(one, rows, above, **options))
                else:
                    with nothing_known_again():
                        results.append(self._build(one, rows, above, **options))
            except DeleteGuard as error:
                refused.append(str(error).replace("_off", ""))
        self.same(node)
        if refused:
            assert not results
            assert refused[0] == refused[1]
            return None
        first, second = results
        assert first.counts == second.counts
        assert told(first) == told(second)
        assert made(second) >= made(first)
        return first

    def same(self, node):
        assert deltas(self.database, node) == deltas(self.database, off(node))
        assert snapshot(self.database, node) == snapshot(self.database, off(node))
        assert rejected(self.database, node) == rejected(self.database, off(node))

    def execute(self, node, statement):
        """Change both nodes' tables; {} stands for the name of the delta table."""
        for one in (node, off(node)):
            self.database.execute(statement.format(one.table))

    def _build(self, node, rows, parent, **options):
        if isinstance(rows, MarkedRows):
            return build_from(self.database, node, rows, parent=parent, **options)
        batches = texts(rows) if rows and isinstance(rows[0], dict) else rows
        return build(self.database, node, batches, parent=parent, **options)


def told(result):
    return sorted(result.rejected, key=lambda each: (each.row_number, str(each)))


def deltas(database, node):
    """Delta rows; changes in the order in which they were written, deletes in any."""
    rows = [_alike(row) for row in delta_rows(database, node)]
    changes = [row for row in rows if row["operation"] != "DELETE"]
    deletes = [row for row in rows if row["operation"] == "DELETE"]
    return changes, sorted(deletes, key=str)


def ordered(changes):
    """What `deltas` gives, where several builds together did the work of one."""
    rows = [row for some in changes for row in some]
    # It says which row took its place.
    return sorted(({**row, "reason": None} for row in rows), key=str)


def snapshot(database, node):
    rows = database.fetch_all(f"select * from {node.table}_snapshot order by bk_hash")
    return [_alike(row) for row in rows]


def state(database, node):
    """The snapshot with what shows whether anything of it was written."""
    of = f"{node.table}_snapshot"
    return database.fetch_all(f"select xmin::text, ctid::text, * from {of} order by bk_hash")


def row_hashes(database, node):
    rows = database.fetch_all(f"select business_key, row_hash from {node.table}_snapshot")
    return {row["business_key"]: row["row_hash"] for row in rows}


def rejected(database, node, *, only_open=False):
    """Rejected records; of rows that are alike to the letter, nobody tells one from the other."""
    batches = database.fetch_all(
        "select batch_id from batch where node = %s order by batch_id", [node.name]
    )
    places = {row["batch_id"]: place for place, row in enumerate(batches)}
    rows = database.fetch_all(
        "select * from rejected_record where node = %s and (resolved_at is null or not %s)",
        [node.name, only_open],
    )
    for row in rows:
        del row["rejection_id"], row["node"], row["fingerprint"]
        row |= {name: places[row[name]] for name in ("first_batch", "last_batch")}
    return sorted(rows, key=str)


def _alike(row):
    return {name: value for name, value in row.items() if name not in _UNLIKE}

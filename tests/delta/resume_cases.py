"""Rows of the tests that break builds off: known ones, and what became of them."""

from __future__ import annotations

from delta_cases import order
from source_cases import MarkedRows

#: Rows in a piece of the source, and in a chunk.
PIECE = 4


def numbered(rows):
    return [{"N": n, **row} for n, row in enumerate(rows)]


def known_rows():
    return numbered(order(f"SO-{n:02}") for n in range(20))


def changed_rows():
    """24 rows in six pieces: changed ones, broken ones, a key read twice in each half and once."""
    rows = [order(f"SO-{n:02}", total=str(n)) for n in range(24)]
    rows[3] = order("SO-03", due="31/02/2026")
    rows[17] = order("SO-17", total="x")
    rows[5] = order("SO-21", total="5")
    rows[18] = order("SO-11 ", total="18")
    return numbered(rows)


def marked(rows=None, **changes):
    return MarkedRows(changed_rows() if rows is None else rows, mark="N", piece=PIECE, **changes)

"""The CSV file of a bulk job: line n after the header is the n-th effect.

Source: developer.monday.com, page "importing items in bulk": UTF-8, commas, quotes as in RFC 4180;
the first column is `name`, the others carry the ids of the board's columns.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.monday.bulk.cells import csv_cell, kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syncflow_dagster.ledger.ports import Effect

#: Most rows of a file (developer.monday.com, "ingest items").
MOST_ROWS = 10_000
#: Most bytes of a file: 150 MB (same page); which kind of megabyte is not told, so the smaller.
MOST_BYTES = 150_000_000


def write(effects: Sequence[Effect], types: Mapping[str, str]) -> bytes:
    """Return the file that makes the items of these effects.

    Args:
        effects: Creates for which `misfit` finds nothing, all of one group; in the file's order.
        types: Type of each mapped column, by id; its order is that of the file's columns.

    Raises:
        NotInFile: a value cannot be said in a file.
        ValueError: the effects do not belong into one file, or are too many or too long for it.
    """
    _check_alike(effects)
    if len(effects) > MOST_ROWS:
        msg = f"{len(effects)} rows are too many for a file; it takes {MOST_ROWS}"
        raise ValueError(msg)
    content = b"".join(_lines(effects, types))
    if len(content) > MOST_BYTES:
        msg = f"a file of {len(content)} bytes is too long; monday takes {MOST_BYTES}"
        raise ValueError(msg)
    return content


def most_fitting(effects: Sequence[Effect], types: Mapping[str, str]) -> int:
    """Return how many effects, from the first on, one file takes.

    None, if not even the first fits.

    Args:
        effects: As for `write`.
        types: As for `write`.
    """
    candidates = effects[:MOST_ROWS]
    lines = _lines(candidates, types)
    # The header is at its longest here: fewer rows may need fewer columns.
    used = len(next(lines))
    for number, line in enumerate(lines):
        used += len(line)
        if used > MOST_BYTES:
            return number
    return len(candidates)


def _check_alike(effects: Sequence[Effect]) -> None:
    places = {
        (one.payload["board_id"], one.parent_id, one.payload["key_column"]) for one in effects
    }
    if len(places) != 1:
        msg = f"a file is for one board, group and key column, not for {sorted(map(str, places))}"
        raise ValueError(msg)
    if len({_key(one) for one in effects}) != len(effects):
        # Of rows with the same key, monday takes the last.
        raise ValueError("two effects of one file are for the same record")


def _key(effect: Effect) -> str:
    return str(effect.payload["columns"][effect.payload["key_column"]])


def _lines(effects: Sequence[Effect], types: Mapping[str, str]) -> Iterator[bytes]:
    columns = _columns(effects, types)
    yield _line(["name", *columns])
    for effect in effects:
        values = effect.payload["columns"]
        cells = (csv_cell(types[column], values.get(column)) for column in columns)
        yield _line([kept(effect.payload["name"]), *cells])


def _columns(effects: Sequence[Effect], types: Mapping[str, str]) -> list[str]:
    """Return the columns any of the effects fills, in the order of the mapping."""
    used = {column for effect in effects for column in effect.payload["columns"]}
    if unknown := used - types.keys():
        msg = f"the types of these columns are not known: {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    return [column for column in types if column in used]


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()

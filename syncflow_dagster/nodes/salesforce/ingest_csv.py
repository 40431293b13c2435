"""Files of bulk jobs that write: what goes up, and the result files that come back.

Bulk API 2.0 and Bulk API Developer Guide, pages "datafiles_csv_preparing" and
"datafiles_csv_valid_record_rows": an empty cell leaves a field as it is, `#N/A` empties it.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.salesforce.writing import json_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: What empties a field.
NULL = "#N/A"
#: Most bytes of a file: 150 MB once Salesforce has it in base64.
MOST_BYTES = 100_000_000


class NotSendable(ValueError):
    """A record cannot go in a file; the text says why.

    Attributes:
        line: Its place among the records, from 0.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def file_of(names: Sequence[str], records: Iterable[Sequence[Any]]) -> bytes:
    """Return the file of a job.

    Args:
        names: Fields, in the columns' order.
        records: Values of each record in the same order; None empties a field.

    Raises:
        NotSendable: A value has no cell, or the file is too large.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for line, values in enumerate(records):
        try:
            writer.writerow([cell(value) for value in values])
        except ValueError as error:
            raise NotSendable(line, str(error)) from None
    content = text.getvalue().encode("utf-8", "replace")
    if len(content) > MOST_BYTES:
        msg = f"a file of {len(content)} bytes; Salesforce takes {MOST_BYTES}"
        raise NotSendable(0, msg)
    return content


def cell(value: Any) -> str:
    """Return a value as a cell.

    Raises:
        ValueError: It has none.
    """
    if value is None or value == "":
        return NULL
    if value == NULL:
        msg = f"the text {NULL} would empty the field in a bulk job"
        raise ValueError(msg)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return format(Decimal(str(value)), "f")  # never 1e+20
    return str(json_value(value))


def rows_of(content: bytes, encoding: str) -> Iterator[dict[str, str]]:
    """Give the lines of a result file, by column.

    Args:
        content: CSV in UTF-8, whatever the answer's header says of it.
        encoding: How it is packed: `gzip`, or empty where it is not.

    Raises:
        ValueError: It is something else.
    """
    raw = io.BytesIO(content)
    try:
        with io.TextIOWrapper(
            gzip.GzipFile(fileobj=raw) if encoding == "gzip" else raw, "utf-8-sig", newline=""
        ) as text:
            yield from csv.DictReader(text, strict=True)
    except (OSError, EOFError, csv.Error) as error:
        raise ValueError("a result file is no CSV, or is cut off") from error


def key_of(values: Iterable[Any]) -> tuple[str, ...]:
    """Return what tells a record from the others of its file: the cells of its key columns."""
    return tuple(cell(value) for value in values)

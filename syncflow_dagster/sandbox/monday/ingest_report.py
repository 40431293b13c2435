"""The report of a finished job (its form as n8n recorded it)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.sandbox.monday.ingest_jobs import Row


def report_csv(rows: Sequence[Row]) -> str:
    """One line for each row of the upload; behind them a column for each one that failed."""
    failing = list(dict.fromkeys(header for row in rows for header in row.errors))
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["serialNo", "status", "itemId", "error", *failing])
    for row in rows:
        reasons = [row.errors.get(header, "") for header in failing]
        lines.writerow([row.number, row.status, row.item_id, row.error, *reasons])
    return text.getvalue()

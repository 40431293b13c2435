"""A run's summary as files: a page for people, JSON for tools."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.run_summary import COUNTS, RunSummary
from syncflow_dagster.store import summaries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_ATTENTION = (
    "Records that were refused in this run; and, whichever run they are of, those that need a "
    "person, and rows of the source that are still rejected."
)


def keep_files(folder: Path, summary: RunSummary) -> Path:
    """Write a summary as JSON and as Markdown; return the path of the Markdown.

    Args:
        folder: See :func:`syncflow_dagster.store.summaries.summaries_folder`.
        summary: The summary.

    Raises:
        OSError: The folder cannot be written to.
    """
    texts = {
        "json": json.dumps(summary.as_json(), ensure_ascii=False, indent=1) + "\n",
        "md": as_markdown(summary),
    }
    began_at = datetime.fromisoformat(summary.began_at)
    stem = summaries.keep(folder, began_at, f"{summary.node}_{summary.run_id[:8]}", texts)
    return stem.with_name(f"{stem.name}.md")


def as_markdown(summary: RunSummary) -> str:
    """Return a summary as a page for people."""
    lines = [
        f"# {summary.workflow}.{summary.node}, run {summary.run_id}",
        "",
        f"From {_moment(summary.began_at)} to {_moment(summary.ended_at)}.",
        f"{summary.read:,} rows read, {summary.unchanged:,} of them unchanged.",
        "",
        *_table(["customer", *COUNTS], _lines(summary)),
        "",
        "## What needs attention",
        "",
        _ATTENTION,
        "",
    ]
    reasons = [
        (one.customer, number, reason)
        for one in summary.customers
        for reason, number in one.reasons
    ]
    lines += _table(["customer", "records", "reason"], reasons) if reasons else ["Nothing does."]
    lines += ["", "## What it cost", ""]
    costs = ["pass", "requests", "lookups", "waited_s", "remaining", "stopped"]
    passes = ([name, *(cost[key] for key in costs[1:])] for name, cost in summary.passes.items())
    lines += _table(costs, passes)
    if summary.budgets:
        names = ["name", "spent", "allowed", "window_s"]
        rows = ([one[name] for name in names] for one in summary.budgets)
        lines += ["", "The account's budgets at the end, each in its window:", ""]
        lines += _table(names, rows)
    return "\n".join(lines) + "\n"


def _lines(summary: RunSummary) -> Iterator[list[object]]:
    if len(summary.customers) != 1:
        yield ["all", *summary.totals.values()]
    for one in summary.customers:
        yield [one.customer, *one.counts.values()]


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    return [
        "| " + " | ".join(name.replace("_", " ") for name in columns) + " |",
        "|" + " --- |" * len(columns),
        *("| " + " | ".join(map(_cell, row)) + " |" for row in rows),
    ]


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    text = " ".join(str("" if value is None else value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _moment(text: str) -> str:
    return text[:19].replace("T", " ")

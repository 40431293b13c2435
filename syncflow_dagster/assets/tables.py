"""Tables of a run's metadata; texts of records are cut short, and escaped for Markdown."""

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

#: Rows a table in the metadata has at most: the event log keeps every one of them.
MOST_ROWS = 50
_MOST_CHARACTERS = 400
_MOST_IN_PREVIEW = 60
#: What pandas shows for a value that is not there; importing it here would cost every start.
_MISSING = frozenset({"NAType", "NaTType"})
_MARKUP = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]()#+!|~<>"})

Cell = str | int | float | bool


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> dg.TableMetadataValue:
    """Return rows as Dagster's table, which escapes what it shows.

    Args:
        rows: Anything with these columns; other columns are left out.
        columns: In their order; `_` is shown as a blank.
    """
    records = [
        dg.TableRecord({_title(name): _cell(row[name]) for name in columns})
        for _, row in zip(range(MOST_ROWS), rows, strict=False)
    ]
    schema = dg.TableSchema([dg.TableColumn(_title(name), "string") for name in columns])
    return dg.MetadataValue.table(records=records, schema=schema)


def preview(rows: Iterable[Mapping[str, Any]], most: int = 20) -> dg.MarkdownMetadataValue:
    """Return rows as a Markdown table, with one column for each key of the first row."""
    shown = [row for _, row in zip(range(most), rows, strict=False)]
    if not shown:
        return dg.MetadataValue.md("No rows.")
    columns = list(shown[0])
    lines = [
        "| " + " | ".join(markdown(name) for name in columns) + " |",
        "|" + " --- |" * len(columns),
    ]
    lines += [
        "| " + " | ".join(markdown(row[name], _MOST_IN_PREVIEW) for name in columns) + " |"
        for row in shown
    ]
    return dg.MetadataValue.md("\n".join(lines))


def markdown(value: object, most: int = _MOST_CHARACTERS) -> str:
    """Return a value as text that Markdown shows as it is, in one line.

    Args:
        value: Anything.
        most: Characters at most.
    """
    return html.escape(_short(value, most).translate(_MARKUP), quote=False)


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> Cell:
    if isinstance(value, bool | int | float):
        return value
    return _short(value)


def _short(value: object, most: int = _MOST_CHARACTERS) -> str:
    if value is None or type(value).__name__ in _MISSING:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"

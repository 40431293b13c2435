"""Columns of a board as YAML to paste into a mapping, and a whole mapping proposed by titles."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.monday.columns import KINDS
from syncflow_dagster.workflows.rules.board_columns import FITTING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from syncflow_dagster.nodes.monday.contract import Board, BoardColumn
    from syncflow_dagster.workflows.models import ItemMapping

#: How alike a field and a title must be to be called close, from 0 to 1.
CLOSE = 0.75
#: Labels of a column that a comment lists.
_MOST_LABELS = 40
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
# YAML 1.1 takes these for something else than a text.
_NOT_TEXTS = frozenset({"y", "yes", "n", "no", "on", "off", "true", "false", "null", "none"})


@dataclass(frozen=True, slots=True)
class Match:
    """A field that seems to belong in a column.

    Attributes:
        how: `exact`, `same but for case and separators`, or `close`.
    """

    field: str
    column: str
    how: str


@dataclass(slots=True)
class Proposal:
    """A proposed mapping.

    Attributes:
        matches: Fields with their columns, in the board's order.
        fields: Fields no column was found for.
        columns: Writable columns no field was found for.
        unfit: Matches whose types do not go together, each with the field's type.
    """

    matches: list[Match] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    unfit: list[tuple[Match, str]] = field(default_factory=list)


def column_lines(board: Board, where: str) -> list[str]:
    """Return a board's columns as YAML: a field's name has to be put in the place of `FIELD`."""
    writable = [(name, one) for name, one in board.columns.items() if one.type in KINDS]
    others = [(name, one) for name, one in board.columns.items() if one.type not in KINDS]
    lines = [f"# {where} {board.board_id} {_comment(board.name)}", "columns:"]
    lines += [_entry("FIELD", name, one) for name, one in writable if one.type != "status"]
    lines.append("statuses:")
    lines += [_entry("FIELD", name, one) for name, one in writable if one.type == "status"]
    lines += [f"# not to be written: {name} ({_told(one)})" for name, one in others]
    return lines


def propose(mapping: ItemMapping, fields: Mapping[str, str], board: Board) -> Proposal:
    """Find the columns that fields belong in, by titles and ids.

    Args:
        mapping: The mapping as it is; its key column is left alone.
        fields: Type of each field of its records, by name.
        board: The board.
    """
    proposal = Proposal()
    left = dict(fields)
    free = {
        name: one
        for name, one in board.columns.items()
        if one.type in KINDS and name != mapping.key_column
    }
    found: dict[str, Match] = {}
    for how, finder in _WAYS:
        for name, column in free.items():
            if name not in found and (match := finder(name, column, list(left))) is not None:
                found[name] = Match(match, name, how)
                left.pop(match)
    for name, column in free.items():
        if name not in found:
            proposal.columns.append(name)
        elif fields[found[name].field] in FITTING.get(column.type, {fields[found[name].field]}):
            proposal.matches.append(found[name])
        else:
            proposal.unfit.append((found[name], fields[found[name].field]))
    proposal.fields = list(left)
    return proposal


def _exact(column_id: str, column: BoardColumn, fields: Sequence[str]) -> str | None:
    return next((one for one in fields if one in {column.title, column_id}), None)


def _folded(column_id: str, column: BoardColumn, fields: Sequence[str]) -> str | None:
    wanted = {_fold(column.title), _fold(column_id)}
    return next((one for one in fields if _fold(one) in wanted), None)


def _close(_: str, column: BoardColumn, fields: Sequence[str]) -> str | None:
    by_fold = {_fold(one): one for one in fields}
    found = difflib.get_close_matches(_fold(column.title), list(by_fold), 1, CLOSE)
    return by_fold[found[0]] if found else None


def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


_WAYS: tuple[tuple[str, Callable[[str, BoardColumn, Sequence[str]], str | None]], ...] = (
    ("exact", _exact),
    ("same but for case and separators", _folded),
    ("close", _close),
)


def proposal_lines(
    part: str, mapping: ItemMapping, proposal: Proposal, board: Board
) -> Iterator[str]:
    """Return a proposal as YAML that can stand in place of the mapping.

    Args:
        part: `items` or `subitems`.
        mapping: The mapping as it is; source, name and key column are kept.
        proposal: What was found.
        board: The board.
    """
    yield f"{part}:"
    yield f"  source: {mapping.source}"
    yield f"  name: {json.dumps(mapping.name, ensure_ascii=False)}"
    key = board.columns.get(mapping.key_column)
    told = "" if key is not None and key.type == "text" else "  # no text column of the board"
    yield f"  key_column: {_scalar(mapping.key_column)}{told}"
    for heading, is_status in (("columns", False), ("statuses", True)):
        chosen = [
            one
            for one in proposal.matches
            if (board.columns[one.column].type == "status") is is_status
        ]
        if chosen:
            yield f"  {heading}:"
        for one in chosen:
            text = _entry(one.field, one.column, board.columns[one.column])
            yield f"  {text}" + (f" - {one.how}: is it meant?" if one.how == "close" else "")
    for one, kind in proposal.unfit:
        column = board.columns[one.column]
        yield f"  # does not fit: field {one.field} ({kind}) and column {one.column} " + _told(
            column
        )
    for name in proposal.columns:
        yield f"  # no field for column {name} ({_told(board.columns[name])})"
    if proposal.fields:
        yield f"  # no column for {', '.join(proposal.fields)}"


def _entry(field_name: str, column_id: str, column: BoardColumn) -> str:
    kind = "" if column.type == "status" else f", type: {column.type}"
    entry = f"{{field: {_scalar(field_name)}, column: {_scalar(column_id)}{kind}}}"
    return f"  - {entry}  # {_told(column, with_type=False)}"


def _told(column: BoardColumn, *, with_type: bool = True) -> str:
    title = _comment(column.title)
    labels = [_comment(one) for one in (column.labels or ())[:_MOST_LABELS]]
    told = f"{title}, {column.type}" if with_type else title
    return f"{told}; labels: {', '.join(labels)}" if labels else told


def _comment(text: str) -> str:
    """Return a text as one line: a comment ends with its line."""
    return repr(" ".join(text.split()))


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text not in _NOT_TEXTS:
        return text
    return text if text == "FIELD" else json.dumps(text, ensure_ascii=False)

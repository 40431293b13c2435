"""A record's values for the columns of its item, and what happens to those that do not fit."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from syncflow_dagster.core import templates
from syncflow_dagster.nodes.monday.columns import (
    LONGEST_NAME,
    Cell,
    Options,
    ValueRefused,
    cell,
    display,
    length,
    quoted,
    shortened,
)
from syncflow_dagster.nodes.monday.keys import LONGEST_TITLE, whole_title

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from syncflow_dagster.nodes.monday.columns import Shown
    from syncflow_dagster.workflows.models import (
        ColumnMapping,
        ItemMapping,
        MondayConnection,
        StatusMapping,
    )

#: Of an effect's payload: columns that may be dropped, and what was not written as it is.
DROPPABLE, REMARK = "droppable", "remark"
_WEEKDAYS = {"monday": 0, "sunday": 6}
_DONE = {"drop": "dropped", "truncate": "truncated"}


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A value that is not written as it is, because its column's rule says so.

    Attributes:
        column: Id of the column on the board, or `name`.
        value: The value, cut short.
        rule: `truncate` or `drop`.
        reason: Why the column cannot take it.
    """

    column: str
    value: str
    rule: str
    reason: str

    def __str__(self) -> str:
        """Return it as one line of a delta row's reason."""
        return f"column {self.column} {_DONE[self.rule]}: {self.reason}"


@dataclass(slots=True)
class Written:
    """What is written to an item.

    Attributes:
        values: JSON by column id.
        shown: What monday shows of it afterwards, by column id.
        adjustments: Values that are not written as they are.
        droppable: Columns that may be left out if monday refuses their values.
        refused: Why values do not fit columns whose rule is to reject the record.
    """

    values: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    adjustments: list[Adjustment] = field(default_factory=list)
    droppable: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def put(self, column: str, made: Cell, rule: str = "reject") -> None:
        """Add a column's cell, which is written under its rule."""
        self.values[column], self.shown[column] = made.value, made.shown
        if rule == "drop":
            self.droppable.append(column)

    def payload(self) -> dict[str, Any]:
        """Return it as part of an effect's payload."""
        payload: dict[str, Any] = {"columns": self.values, "shown": self.shown}
        return payload | ({DROPPABLE: self.droppable} if self.droppable else {})


def refuse(parts: Iterable[Written]) -> None:
    """Refuse a record if any part of it does not fit.

    Raises:
        ValueRefused: one or several values do not fit; the text names each.
    """
    if refused := [text for part in parts for text in part.refused]:
        raise ValueRefused("; ".join(refused))


def remark(adjustments: Iterable[object]) -> str:
    """Return adjustments as one text."""
    return "; ".join(str(one) for one in adjustments)


def sent_value(payload: Mapping[str, Any], column: str) -> str:
    """Return what an effect writes to a column, as a reason names it."""
    return quoted(json.dumps(payload["columns"].get(column), ensure_ascii=False))


def dropped(payload: Mapping[str, Any], column: str, reason: str) -> Adjustment | None:
    """Return what becomes of a column whose value monday refuses; None: the record is rejected.

    Args:
        payload: What was sent.
        column: Id of the column.
        reason: What monday says against its value, the value included.
    """
    if column not in payload.get(DROPPABLE, ()):
        return None
    return Adjustment(column, sent_value(payload, column), "drop", reason)


def without(payload: Mapping[str, Any], left_out: Adjustment) -> dict[str, Any]:
    """Return an effect's payload without a column that is dropped, with a remark on it."""
    parts = {
        part: {name: one for name, one in payload[part].items() if name != left_out.column}
        for part in ("columns", "shown")
    }
    droppable = [name for name in payload[DROPPABLE] if name != left_out.column]
    remarks = remark(filter(None, [payload.get(REMARK), left_out]))
    return {**payload, **parts, DROPPABLE: droppable, REMARK: remarks}


def account_options(connection: MondayConnection) -> Options:
    """Return what of an account's settings decides how values are written."""
    weekday = _WEEKDAYS[connection.week_starts]
    return Options(zone=ZoneInfo(connection.timezone), first_weekday=weekday)


def fields_of(column: ColumnMapping) -> set[str]:
    """Return the fields a column's value is made of."""
    return {column.field} | ({column.until} if column.until else set())


def write_columns(
    columns: Iterable[ColumnMapping],
    values: Mapping[str, Any],
    changed: Collection[str],
    account: Options,
    *,
    filled_only: bool = False,
) -> Written:
    """Return what is written to those columns whose fields changed.

    Args:
        columns: The mapped columns.
        values: The record's fields.
        changed: Fields whose values are new to the board.
        account: What of the account's settings counts.
        filled_only: Leave out what would only be cleared.
    """
    written = Written()
    for column in columns:
        if fields_of(column).isdisjoint(changed):
            continue
        value = values.get(column.field)
        if column.until is not None:
            value = (value, values.get(column.until))
        try:
            made = cell(column.type, value, _options(column, account))
        except ValueRefused as error:
            _unfit(written, column, column.type, value, error)
            continue
        if filled_only and made.is_empty:
            continue
        written.put(column.column, made, column.on_invalid)
        if made.cut is not None:
            written.adjustments.append(_adjustment(column, value, made.cut))
    return written


def _unfit(
    written: Written,
    column: ColumnMapping | StatusMapping,
    column_type: str,
    value: object,
    error: ValueRefused,
) -> None:
    """Do with a value that does not fit what its column's rule says."""
    if column.on_invalid == "drop":
        written.adjustments.append(_adjustment(column, value, str(error)))
    else:
        written.refused.append(f"{column.field} → column {column.column} ({column_type}): {error}")


def _options(column: ColumnMapping, account: Options) -> Options:
    return Options(
        separator=column.separator,
        country=column.country or "",
        max_length=column.max_length,
        cut=column.on_invalid == "truncate",
        zone=account.zone,
        first_weekday=account.first_weekday,
    )


def _adjustment(column: ColumnMapping | StatusMapping, value: object, reason: str) -> Adjustment:
    shown = " to ".join(map(quoted, value)) if isinstance(value, tuple) else quoted(value)
    return Adjustment(column.column, shown, column.on_invalid, reason)


def write_statuses(
    statuses: Iterable[StatusMapping],
    values: Mapping[str, Any],
    changed: Collection[str],
    *,
    filled_only: bool = False,
) -> Written:
    """Return what is written to those status columns whose fields changed.

    Args:
        statuses: The mapped status columns.
        values: The record's fields.
        changed: Fields whose values are new to the board.
        filled_only: Leave out what would only be cleared.
    """
    written = Written()
    for status in statuses:
        if status.field not in changed:
            continue
        value = values.get(status.field)
        label = None if value is None else status.labels.get(display(value), display(value))
        try:
            made = cell("status", label)
        except ValueRefused as error:
            _unfit(written, status, "status", value, error)
            continue
        if not (filled_only and made.is_empty):
            written.put(status.column, made, status.on_invalid)
    return written


def cut_title(value: object) -> list[Adjustment]:
    """Return that the title of an item's group is cut, if it is."""
    title = whole_title("" if value is None else display(value))
    long = length(title, cut=True)
    if long <= LONGEST_TITLE:
        return []
    told = f"the group's title has {long} characters; monday takes {LONGEST_TITLE}"
    return [Adjustment("group", quoted(title), "truncate", told)]


def write_name(mapping: ItemMapping, values: Mapping[str, Any]) -> tuple[str, list[Adjustment]]:
    """Return an item's name, and that it was cut, if it was.

    Raises:
        ValueRefused: the name comes out empty, or too long where such names are refused.
    """
    texts = {name: None if one is None else display(one) for name, one in values.items()}
    name = templates.parse(mapping.name).render(texts)
    if not name:
        msg = f"the item's name ({mapping.name!r}) comes out empty"
        raise ValueRefused(msg)
    long = length(name, cut=mapping.long_name == "truncate")
    if long <= LONGEST_NAME:
        return name, []
    told = f"the item's name has {long} characters; monday takes {LONGEST_NAME}"
    if mapping.long_name == "reject":
        msg = f"{told}: {quoted(name)}"
        raise ValueRefused(msg)
    return shortened(name, LONGEST_NAME), [Adjustment("name", quoted(name), "truncate", told)]

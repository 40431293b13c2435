"""What a record says of its own times, and when it is due by that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from psycopg import sql

from syncflow_dagster.core.timing.interval import (
    CalendarRule,
    ElapsedRule,
    Every,
    IntervalError,
    parse_every,
)
from syncflow_dagster.core.timing.localtime import start_of
from syncflow_dagster.core.timing.phrases import parse_phrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.core.timing.rule import Rule
    from syncflow_dagster.workflows.models.delta import DeltaNode, Due

_DATE, _DATETIME = "YYYY-MM-DD", 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'
#: Texts whose meaning is remembered: few records have a rhythm of their very own.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class DueTime:
    """When a record is due.

    Attributes:
        due_at: The moment; None: never again, or nobody knows.
        problem: Why nobody knows.
    """

    due_at: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True)
class DueTimes:
    """The due times of one node's records.

    Attributes:
        node: The node.
        due: What it says of them.
    """

    node: DeltaNode
    due: Due

    @property
    def definition(self) -> str:
        """What decides about the times, beside the records."""
        names = (self.due.at, self.due.every, self.due.anchor)
        types = [self.node.field(name).type for name in names if name is not None]
        return f"{self.due.model_dump_json()} {' '.join(types)}"

    @property
    def columns(self) -> dict[str, sql.Composable]:
        """What record `d` says, for the queries: `said`, `anchor` and `due_at`."""
        nothing = sql.SQL("null::text"), sql.SQL("null::timestamptz")
        if self.due.at is None:
            assert self.due.every is not None
            said: sql.Composable = sql.Identifier("d", self.due.every)
            anchor = nothing[0] if self.due.anchor is None else self._as_text(self.due.anchor)
            return {"said": said, "anchor": anchor, "due_at": nothing[1]}
        is_moment = self.node.field(self.due.at).type == "datetime"
        due_at = sql.Identifier("d", self.due.at) if is_moment else nothing[1]
        return {"said": self._as_text(self.due.at), "anchor": nothing[0], "due_at": due_at}

    def after(self, now: datetime, said: str, anchor: str | None) -> DueTime:
        """Return when a record is due.

        Args:
            now: Times that are repeated are later than this.
            said: What it says, as `columns` has it.
            anchor: From when it counts, as `columns` has it.
        """
        if self.due.every is None:
            return DueTime(self._moment(said))
        try:
            return self._next(now, said, anchor)
        except (ValueError, OverflowError) as error:
            return DueTime(problem=str(error))

    def _next(self, now: datetime, said: str, anchor: str | None) -> DueTime:
        read = self._reader(said)
        if isinstance(read, Every):
            if anchor is None:
                return DueTime(problem=self._no_anchor(said))
            read = self._counted(read, self._moment(anchor))
        due_at = next(read.after(now), None)
        return DueTime(due_at, None if due_at is not None else f"{said!r} never comes again")

    def _counted(self, every: Every, anchor: datetime) -> Rule:
        if every.elapsed is not None:
            return ElapsedRule(anchor, every.elapsed, self._zone)
        # What goes by the calendar goes by minutes of the day.
        local = anchor.astimezone(self._zone).replace(second=0, microsecond=0, tzinfo=None)
        return CalendarRule(every, local, self._zone)

    @cached_property
    def _reader(self) -> Callable[[str], Every | Rule]:
        @lru_cache(_REMEMBERED)
        def read(said: str) -> Every | Rule:
            try:
                return parse_every(said.strip().lower().removeprefix("every "))
            except IntervalError:
                return parse_phrase(said, self.due.timezone)

        return read

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.due.timezone)

    def _no_anchor(self, said: str) -> str:
        if self.due.anchor is None:
            return f"{said!r} has nothing to be counted from: name a date field as 'anchor'"
        return f"{said!r} is counted from {self.due.anchor}, which is empty"

    def _moment(self, text: str) -> datetime:
        if "T" in text:
            return datetime.fromisoformat(text).astimezone(UTC)
        return start_of(date.fromisoformat(text), self._zone)

    def _as_text(self, name: str) -> sql.Composable:
        column: sql.Composable = sql.Identifier("d", name)
        if self.node.field(name).type == "date":
            return sql.SQL("to_char({}, {})").format(column, sql.Literal(_DATE))
        in_utc = sql.SQL("{} at time zone 'UTC'").format(column)
        return sql.SQL("to_char({}, {})").format(in_utc, sql.Literal(_DATETIME))

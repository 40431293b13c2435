"""Turns a checked filter into one function from record to bool, built once and asked per row.

NOT is carried down to the single comparisons first. A comparison with a field that is null then
has one answer to give: false where the comparison must hold, and where it must not hold, what the
mode `null_ne` says. Sources do not agree on that, so the sandbox knows both.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from syncflow_dagster.sandbox.salesforce.soql.patterns import matcher
from syncflow_dagster.sandbox.salesforce.soql.plan import (
    Combined,
    Equals,
    Includes,
    Like,
    Ordered,
    Span,
    Within,
)
from syncflow_dagster.sandbox.salesforce.soql.values import key_of, reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from syncflow_dagster.sandbox.salesforce.soql.plan import Checked, Filter, Path

    Record: TypeAlias = Mapping[str, Any]
    Predicate: TypeAlias = Callable[[Record], bool]
    Test: TypeAlias = Callable[[Any], bool]

#: What `!=`, NOT IN, EXCLUDES and NOT say of a field that is null.
NullMode: TypeAlias = Literal["include", "exclude"]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Setting:
    """What a query runs in.

    Attributes:
        get: Gives a record by object and Id, None when there is none to be seen.
        ids: Gives the values a semi-join's query finds.
        now: The moment of the query, aware.
        zone: The user's time zone, in which days begin.
        null_ne: Whether negated comparisons include rows whose field is null.
    """

    get: Callable[[str, str], Record | None]
    ids: Callable[[Checked], Iterable[Any]]
    now: datetime
    zone: tzinfo
    null_ne: NullMode


def predicate(wanted: Filter, setting: Setting, *, negated: bool = False) -> Predicate:
    """The function that tells whether a record passes a filter."""
    if isinstance(wanted, Combined):
        return _combined(wanted, setting, negated=negated)
    if isinstance(wanted, Equals | Includes | Within) and wanted.negated:
        return predicate(replace(wanted, negated=False), setting, negated=not negated)
    read = reader(wanted.path, setting.get)
    test, of_null = _test(wanted, setting)
    if wanted.path.field.type == "boolean":
        of_null = test(False)  # documented: on a checkbox, null is false
    by_mode = negated and setting.null_ne == "include"
    on_null = by_mode if of_null is None else of_null != negated

    def passes(record: Record) -> bool:
        value = read(record)
        return on_null if value is None else test(value) != negated

    return passes


def _combined(wanted: Combined, setting: Setting, *, negated: bool) -> Predicate:
    if wanted.word == "NOT":
        return predicate(wanted.parts[0], setting, negated=not negated)
    parts = [predicate(one, setting, negated=negated) for one in wanted.parts]
    # De Morgan: not all is one not.
    stops_at = (wanted.word == "OR") != negated

    def passes(record: Record) -> bool:
        for part in parts:
            if part(record) == stops_at:
                return stops_at
        return not stops_at

    return passes


def _test(wanted: Filter, setting: Setting) -> tuple[Test, bool | None]:
    """The test of a value that is not null, and whether null passes (None: by the mode)."""
    if isinstance(wanted, Equals):
        return _equals(wanted, setting), (True if None in wanted.values else None)
    if isinstance(wanted, Ordered):
        return _ordered(wanted, setting), None
    if isinstance(wanted, Like):
        return matcher(wanted.pattern), None
    if isinstance(wanted, Includes):
        return _includes(wanted.sets), None
    assert isinstance(wanted, Within)
    ids = frozenset(setting.ids(wanted.query))
    return ids.__contains__, None


def _equals(wanted: Equals, setting: Setting) -> Test:
    key = key_of(wanted.path.field)
    spans = [_days(one, wanted.path, setting) for one in wanted.values if isinstance(one, Span)]
    single = frozenset(
        key(one) for one in wanted.values if one is not None and not isinstance(one, Span)
    )
    if not spans:
        return lambda value: key(value) in single
    return lambda value: value in single or any(start <= value < end for start, end in spans)


def _ordered(wanted: Ordered, setting: Setting) -> Test:
    if wanted.value is None:
        return lambda _: False
    key, order = key_of(wanted.path.field), _ORDERS[wanted.operator]
    if isinstance(wanted.value, Span):
        # A formula is a range: below is before its first day, above is behind its last.
        start, end = _days(wanted.value, wanted.path, setting)
        bound: Any = start if wanted.operator in {"<", ">="} else end
        order = operator.lt if wanted.operator in {"<", "<="} else operator.ge
    else:
        bound = key(wanted.value)
    return lambda value: order(key(value), bound)


def _includes(sets: tuple[frozenset[str], ...]) -> Test:
    def includes(value: str) -> bool:
        has = set(value.lower().split(";"))
        return any(one <= has for one in sets)

    return includes


def _days(span: Span, path: Path, setting: Setting) -> tuple[Any, Any]:
    """A formula's range as the field's type: dates, or the moments at which the days begin."""
    days = span.formula.days(setting.now.astimezone(setting.zone).date(), span.number)
    if path.field.type == "date":
        return days
    return _begin(days[0], setting.zone), _begin(days[1], setting.zone)


def _begin(day: date, zone: tzinfo) -> datetime:
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time(), UTC)

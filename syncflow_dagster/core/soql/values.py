"""Values of conditions, brought to the types of their fields."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.soql import date_literals
from syncflow_dagster.core.soql.paths import near
from syncflow_dagster.core.soql.record_ids import BadIdError, long_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.core.soql.schema import FieldInfo
    from syncflow_dagster.core.soql.where import Operand

#: Longest text in a condition, in characters.
LONGEST_TEXT = 4_000
_TEXT = ("string", "textarea", "email", "phone", "url", "picklist", "combobox", "encryptedstring")
_WHOLE = ("int", "long")
_DECIMAL = ("double", "currency", "percent")
_INSTANT_HINT = "write it with its zone, for example 2026-01-31T00:00:00Z, or a literal: LAST_MONTH"
_DAY_HINT = "write year-month-day, for example 2026-01-31, or a literal such as LAST_MONTH"
_TIME = re.compile(r"(\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)Z?")


class UnfitValueError(ValueError):
    """A value its field cannot be compared with.

    Attributes:
        hint: What would be right.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def fitting(value: Any, field: FieldInfo) -> Operand:
    """Bring a value to its field's type.

    Texts that say a number, true or false, or a date are taken for it: a variable of the
    environment gives nothing but texts.

    Raises:
        UnfitValueError: It cannot be brought to it.
    """
    return _READERS[field.type](value, field)


def text_of(value: Any, field: FieldInfo) -> str:
    """Return a text that is not empty, short enough and can be sent.

    Raises:
        UnfitValueError: It is none, or holds half a character.
    """
    if not isinstance(value, str):
        message = f"{field.name} is a {field.type}, but YAML reads {value} as {_kind(value)}"
        raise UnfitValueError(message, f'put it in quotes: "{value}"')
    if not value:
        hint = "use operator: is_null, or is_not_null"
        raise UnfitValueError("an empty text is kept as no value at all", hint)
    if len(value) > LONGEST_TEXT:
        message = f"has {len(value):,} characters; a condition takes {LONGEST_TEXT:,}"
        raise UnfitValueError(message)
    if any("\ud800" <= one <= "\udfff" for one in value):
        raise UnfitValueError("holds half a character (a lone surrogate)")
    return value


def choices(value: Any, field: FieldInfo) -> tuple[str, ...]:
    """Return the values of a multi-select picklist that a text such as `A;B` names, in its order.

    Raises:
        UnfitValueError: It names none, or one a restricted picklist does not have.
    """
    parts = [part.strip() for part in text_of(value, field).split(";")]
    known = {one.lower(): at for at, one in enumerate(field.picklist)}
    if not all(parts):
        msg = f"{value!r} has an empty value"
        raise UnfitValueError(msg, "write them as A;B")
    named = {part.lower(): _listed(part, field) for part in parts}
    # The service keeps them in the picklist's order, and compares the whole text.
    return tuple(named[key] for key in sorted(named, key=lambda key: known.get(key, len(known))))


def is_unlisted(value: Operand, field: FieldInfo) -> bool:
    """Say whether a picklist that takes other values too does not list a value."""
    known = {one.lower() for one in field.picklist}
    texts = value if isinstance(value, tuple) else (value,)
    return bool(known) and any(isinstance(one, str) and one.lower() not in known for one in texts)


def _text(value: Any, field: FieldInfo) -> str:
    text = text_of(value, field)
    return _listed(text, field) if field.type == "picklist" else text


def _listed(text: str, field: FieldInfo) -> str:
    found = next((one for one in field.picklist if one.lower() == text.lower()), None)
    if found is None and field.restricted:
        message = f"{text!r} is no active value of the picklist {field.name}"
        listed = f"its values: {', '.join(field.picklist)}"
        raise UnfitValueError(message, " ".join(filter(None, (near(text, field.picklist), listed))))
    return found or text


def _whole(value: Any, field: FieldInfo) -> int:
    number = _decimal(value, field)
    if number != number.to_integral_value():
        msg = f"{field.name} holds whole numbers, but {value} is none"
        raise UnfitValueError(msg)
    return int(number)


def _decimal(value: Any, field: FieldInfo) -> Decimal:
    number = _number(value)
    if number is None:
        message = f"{field.name} is a {field.type}, but {value!s} is {_kind(value)}"
        raise UnfitValueError(message, "write a number, without quotes")
    if not number.is_finite():
        msg = f"{value} is no number that can be compared with"
        raise UnfitValueError(msg)
    return number


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _boolean(value: Any, field: FieldInfo) -> bool:
    given = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(given, bool):
        message = f"{field.name} is a checkbox, but {value} is {_kind(value)}"
        raise UnfitValueError(message, "write true or false")
    return given


def _day(value: Any, field: FieldInfo) -> Operand:
    if isinstance(value, datetime):
        message = f"{field.name} holds days, but {value} is a time of a day"
        raise UnfitValueError(message, _DAY_HINT)
    if isinstance(value, date):
        return value
    return _written(value, field, date.fromisoformat, _DAY_HINT)


def _instant(value: Any, field: FieldInfo) -> Operand:
    if isinstance(value, date) and not isinstance(value, datetime):
        message = f"{field.name} holds times, and when {value} begins hangs on the zone"
        raise UnfitValueError(message, f"write {value}T00:00:00Z, or a literal such as LAST_MONTH")
    if isinstance(value, datetime):
        return _zoned(value)
    found = _written(value, field, datetime.fromisoformat, _INSTANT_HINT)
    return _zoned(found) if isinstance(found, datetime) else found


def _zoned(value: datetime) -> datetime:
    if value.tzinfo is None:
        msg = f"{value.isoformat()} has no zone"
        raise UnfitValueError(msg, _INSTANT_HINT)
    if value.microsecond % 1000:
        message = f"{value.isoformat()} is finer than the milliseconds a condition takes"
        raise UnfitValueError(message)
    return value.astimezone(UTC)


def _written(
    value: Any, field: FieldInfo, read: Callable[[str], date], hint: str
) -> date | date_literals.DateLiteral:
    """Read a date or a literal that is written as a text."""
    if not isinstance(value, str):
        message = f"{field.name} is a {field.type}, but {value} is {_kind(value)}"
        raise UnfitValueError(message, hint)
    if date_literals.looks_like(value):
        try:
            return date_literals.parse(value)
        except ValueError as error:
            names = (*date_literals.PLAIN, *date_literals.COUNTED)
            better = near(value.partition(":")[0], names)
            raise UnfitValueError(str(error), better or hint) from error
    try:
        return read(value)
    except ValueError as error:
        message = f"{field.name} is a {field.type}, but {value!r} is none"
        raise UnfitValueError(message, hint) from error


def _time(value: Any, field: FieldInfo) -> time:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is not None:
            return time.fromisoformat(match[1])
    except ValueError:
        pass
    message = f"{field.name} is a time of a day, but {value} is none"
    raise UnfitValueError(message, 'write it in quotes: "17:30:00"')


def _record_id(value: Any, field: FieldInfo) -> str:
    text = text_of(value, field)
    try:
        return long_id(text)
    except BadIdError as error:
        raise UnfitValueError(str(error), "copy it from the record's address") from error


def _kind(value: Any) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "true or false"),
        (int, "a number"),
        (float, "a number"),
        (datetime, "a date-time"),
        (date, "a date"),
        (str, "a text"),
        (list, "a list"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "no value")


_READERS: Mapping[str, Callable[[Any, FieldInfo], Operand]] = {
    **dict.fromkeys(_TEXT, _text),
    **dict.fromkeys(_WHOLE, _whole),
    **dict.fromkeys(_DECIMAL, _decimal),
    **dict.fromkeys(("id", "reference"), _record_id),
    "multipicklist": choices,
    "boolean": _boolean,
    "date": _day,
    "datetime": _instant,
    "time": _time,
}

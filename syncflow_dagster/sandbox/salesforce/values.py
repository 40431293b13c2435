"""Values as clients send them, as the org keeps them, and as REST shows them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.errors import RowError
from syncflow_dagster.sandbox.salesforce.ids import normalise
from syncflow_dagster.sandbox.salesforce.schema import NUMBER_TYPES, PICK_TYPES, TEXT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.salesforce.schema import FieldDef

_EMAIL = re.compile(r"[^@\s,;<>()\[\]\"]+@[^@\s.,;<>()\[\]\"]+(\.[^@\s.,;<>()\[\]\"]+)+")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


def stored(field: FieldDef, value: object) -> Any:
    """The value as the org keeps it.

    Args:
        field: Where it is written to.
        value: As it was sent: of JSON, or text of CSV. Texts are trimmed and, when nothing is
            left, null, as the SOAP reference says of all string fields.

    Raises:
        RowError: The field cannot have this value.
    """
    if isinstance(value, str) and field.type != "base64":
        value = value.strip()
    if value is None or value == "":
        return field.default if field.type == "boolean" else None
    return _READERS[field.type](field, value)


def _bad(field: FieldDef, value: object) -> RowError:
    shown = value if isinstance(value, str) else repr(value)
    text = f"{field.label}: value not of required type: {shown}"
    return RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", text, (field.name,))


def _text(field: FieldDef, value: object) -> str:
    # Numbers and truth values are taken as the text that JSON has for them.
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        raise _bad(field, value)
    if len(value) > field.length:
        text = f"{field.label}: data value too large: {value} (max length={field.length})"
        raise RowError("STRING_TOO_LONG", text, (field.name,))
    return value


def _email(field: FieldDef, value: object) -> str:
    text = _text(field, value)
    if not _EMAIL.fullmatch(text):
        message = f"{field.label}: invalid email address: {text}"
        raise RowError("INVALID_EMAIL_ADDRESS", message, (field.name,))
    # The org lower-cases addresses when it saves them.
    return text.lower()


def _picked(field: FieldDef, value: object) -> str:
    return _choice(field, _text(field, value))


def _choice(field: FieldDef, text: str) -> str:
    known = {one.casefold(): one for one in field.picklist}
    if text.casefold() in known:
        return known[text.casefold()]
    if field.restricted:
        message = f"{field.label}: bad value for restricted picklist field: {text}"
        raise RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,))
    return text


def _several(field: FieldDef, value: object) -> str | None:
    given = [part.strip() for part in _text(field, value).split(";")]
    chosen = list(dict.fromkeys(_choice(field, part) for part in given if part))
    # Known values are shown in the order of the picklist, others behind them.
    order = {one: place for place, one in enumerate(field.picklist)}
    chosen.sort(key=lambda one: order.get(one, len(order)))
    return ";".join(chosen) or None


def _flag(field: FieldDef, value: object) -> bool:
    if isinstance(value, bool):
        return value
    # CSV has "true", "1", "false" and "0", in any case.
    text = str(value).lower() if isinstance(value, str | int) else ""
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise _bad(field, value)


def _number(field: FieldDef, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _bad(field, value)
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        raise _bad(field, value) from None
    if not exact.is_finite():
        raise _bad(field, value)
    if exact.adjusted() >= field.precision - field.scale:
        text = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise RowError("NUMBER_OUTSIDE_VALID_RANGE", text, (field.name,))
    rounded = exact.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    return int(rounded) if field.type == "int" else float(rounded)


def _day(field: FieldDef, value: object) -> date:
    text = value if isinstance(value, str) else ""
    try:
        # A moment is taken for its day.
        return date.fromisoformat(text[:10] if _MOMENT.fullmatch(text) else text)
    except ValueError:
        raise _bad(field, value) from None


def _moment(field: FieldDef, value: object) -> datetime:
    text = value if isinstance(value, str) else ""
    try:
        if _MOMENT.fullmatch(text):
            read = datetime.fromisoformat(text)
        else:
            read = datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        raise _bad(field, value) from None
    # Without a zone it is UTC; whole seconds are kept.
    read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    return read.replace(microsecond=0)


def _clock_time(field: FieldDef, value: object) -> time:
    try:
        return time.fromisoformat(str(value).removesuffix("Z"))
    except ValueError:
        raise _bad(field, value) from None


def _id(field: FieldDef, value: object) -> str:
    found = normalise(value)
    if found is None:
        raise RowError(
            "MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", (field.name,)
        )
    return found


_READERS: dict[str, Callable[[FieldDef, object], Any]] = {
    **dict.fromkeys(TEXT_TYPES | {"base64"}, _text),
    **dict.fromkeys(NUMBER_TYPES, _number),
    **dict.fromkeys(PICK_TYPES, _picked),
    "multipicklist": _several,
    "email": _email,
    "boolean": _flag,
    "date": _day,
    "datetime": _moment,
    "time": _clock_time,
    "id": _id,
    "reference": _id,
}


def rest_moment(value: datetime) -> str:
    """A moment as REST writes it: `2020-10-22T21:03:23.000+0000`."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}+0000"


def rest_value(value: Any) -> Any:
    """A kept value as REST's JSON shows it."""
    if isinstance(value, datetime):
        return rest_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("milliseconds") + "Z"
    if isinstance(value, Decimal):
        return float(value)
    return value

"""Values as SOQL has them.

Source: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql.date_literals import DateLiteral
from syncflow_dagster.core.soql.patterns import Pattern, Wild

if TYPE_CHECKING:
    from syncflow_dagster.core.soql.where import Operand

_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
}  # \\f is documented as well, but Salesforce's own parser refuses it
# Line ends of Unicode among them: a query is one line wherever it is logged.
_SPECIAL = re.compile(r"[\\'\"\x00-\x1f\x7f-\x9f\u2028\u2029]")


#: A text in quotes, and a list of several.
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
_TEXTS = re.compile(r"\('…'(?:, ?'…')+\)")


def without_texts(query: str) -> str:
    """Return a query that says how it asks, but none of the texts it asks for."""
    hidden = _TEXT.sub("'…'", query)
    return _TEXTS.sub(lambda found: f"({found[0].count('…')} texts)", hidden)


def write(value: Operand) -> str:
    """Return a value as SOQL has it.

    Raises:
        ValueError: A date-time without a zone, or a number that is none.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return text(value)
        case Pattern():
            return like(value)
        case DateLiteral():
            return value.text
        case datetime():
            return instant(value)
        case date():
            return value.isoformat()
        case time():
            return f"{value.isoformat(timespec='milliseconds')}Z"
        case tuple():
            return text(";".join(value))
    return number(value)


def text(value: str) -> str:
    """Return a text in quotes."""
    return f"'{_escaped(value)}'"


def like(pattern: Pattern) -> str:
    """Return a pattern in quotes; `%` and `_` in its texts are escaped."""
    parts = (
        part.value
        if isinstance(part, Wild)
        else _escaped(part).replace("%", "\\%").replace("_", "\\_")
        for part in pattern.parts
    )
    return f"'{''.join(parts)}'"


def number(value: Decimal | int) -> str:
    """Return a number in plain digits, as SOQL knows no exponents."""
    if isinstance(value, Decimal) and not value.is_finite():
        msg = f"{value} is no number"
        raise ValueError(msg)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def instant(value: datetime) -> str:
    """Return a date-time in UTC: in whole seconds, or with milliseconds where it has them."""
    if value.tzinfo is None:
        msg = f"{value} has no zone"
        raise ValueError(msg)
    there = value.astimezone(UTC).replace(tzinfo=None)
    return f"{there.isoformat(timespec='milliseconds' if there.microsecond else 'seconds')}Z"


def _escaped(value: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", value)

"""Gives the values of a query their field's type, or says with Salesforce's words why not."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.ids import normalise
from syncflow_dagster.sandbox.salesforce.schema import PICK_TYPES, TEXT_TYPES
from syncflow_dagster.sandbox.salesforce.soql.dates import FORMULAS
from syncflow_dagster.sandbox.salesforce.soql.plan import Span

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.schema import FieldDef
    from syncflow_dagster.sandbox.salesforce.soql.plan import Operand
    from syncflow_dagster.sandbox.salesforce.soql.scope import Scope
    from syncflow_dagster.sandbox.salesforce.soql.tree import Call, Name, Value

# Documented in the limits for SOQL; the words of this refusal are not.
MOST_CHARACTERS = 4_000
ID_TYPES = frozenset({"id", "reference"})
_QUOTED = TEXT_TYPES | PICK_TYPES | ID_TYPES
# The names of types in messages are those of the SOAP API.
_SOAP_NAMES = {"datetime": "dateTime", "currency": "double", "percent": "double"}
_ZONE = re.compile(r"(?:\.(\d{1,6})\d*)?(?:Z|([+-]\d\d):?(\d\d))$")


def operand(scope: Scope, named: Name | Call, field: FieldDef, value: Value) -> Operand:
    """The value as the field's type.

    Args:
        scope: For the place in messages.
        named: The field as the query names it.
        field: The field.
        value: The value as the query writes it.

    Raises:
        SoqlError: The value does not fit the field.
    """
    if value.kind == "null":
        # Documented: on a checkbox, null is false.
        return False if field.type == "boolean" else None
    if field.type in _QUOTED:
        return _text(scope, named, field, value)
    if value.kind == "formula" and field.type in {"date", "datetime"}:
        return _span(scope, value)
    if field.type in {"date", "datetime", "time"} and value.kind == field.type:
        return _moment(scope, value)
    if field.type == "boolean" and value.kind == "boolean":
        return value.text == "TRUE"
    whole = field.type != "int" or "." not in value.text
    if field.type in {"int", "double", "currency", "percent"} and value.kind == "number" and whole:
        return float(value.text)
    name = _SOAP_NAMES.get(field.type, field.type)
    raise scope.error(named.at, _mismatch(field, f"{name} and should not be enclosed in quotes"))


def text(scope: Scope, named: Name | Call, field: FieldDef, value: Value) -> str:
    """The text of a value that has to be a string.

    Raises:
        SoqlError: It is none, or is too long.
    """
    if value.kind != "string":
        name = "ID" if field.type in ID_TYPES else "string"
        raise scope.error(named.at, _mismatch(field, f"{name} and should be enclosed in quotes"))
    if len(value.text) > MOST_CHARACTERS:
        detail = f"A string in WHERE has at most {MOST_CHARACTERS} characters"
        raise scope.error(value.at, detail, "MALFORMED_QUERY")
    return value.text


def _mismatch(field: FieldDef, expected: str) -> str:
    return f"value of filter criterion for field '{field.name}' must be of type {expected}"


def _text(scope: Scope, named: Name | Call, field: FieldDef, value: Value) -> str | None:
    found = text(scope, named, field, value)
    if not found:
        return None  # an empty text is stored as null
    if field.type not in ID_TYPES:
        return found
    record_id = normalise(found)
    if record_id is None:
        code = "INVALID_QUERY_FILTER_OPERATOR"
        raise scope.error(named.at, f"invalid ID field: {found}", code)
    return record_id


def _span(scope: Scope, value: Value) -> Span:
    formula = FORMULAS[value.text]
    if formula.needs_number == (value.number is None):
        wanted = f"{value.text}:n" if formula.needs_number else value.text
        # The grammar takes both spellings; what the service answers is not known.
        detail = f"Invalid date formula: {value.text} is written {wanted}"
        raise scope.error(value.at, detail, "MALFORMED_QUERY")
    return Span(formula, value.number)


def _moment(scope: Scope, value: Value) -> date | datetime | time:
    try:
        if value.kind == "date":
            return date.fromisoformat(value.text)
        if value.kind == "datetime":
            return datetime.fromisoformat(_iso(value.text)).astimezone(UTC)
        moment = datetime.combine(date(2000, 1, 1), time.fromisoformat(_iso(value.text)))
        return moment.astimezone(UTC).time()
    except (ValueError, OverflowError):
        detail = f"Invalid {_SOAP_NAMES.get(value.kind, value.kind)}: {value.text}"
        raise scope.error(value.at, detail, "MALFORMED_QUERY") from None


def _iso(moment: str) -> str:
    """The moment as Python reads it: six digits of a second, a colon in the offset."""

    def tail(match: re.Match[str]) -> str:
        fraction, hours, minutes = match.groups()
        digits = "" if fraction is None else f".{fraction:0<6}"
        return digits + ("+00:00" if hours is None else f"{hours}:{minutes}")

    return _ZONE.sub(tail, moment)

"""Values as a field of Salesforce keeps them: what fits, and the one form they are compared in.

A record that shows a value already is not written, however the two spell it: `1` and `1.0`, a
date-time with fractions of a second, an e-mail address in capitals, an id of 15 characters.

Facts: SOAP API Developer Guide, page "field_types" (values of picklists are matched without regard
to case); Salesforce Help 000387302 (by the API, a number keeps digits that its field does not
have, and loses them when somebody saves the record in the browser: so such a one is refused).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.soql.record_ids import BadIdError, long_id
from syncflow_dagster.nodes.salesforce.fields import is_text
from syncflow_dagster.nodes.salesforce.ingest_csv import cell
from syncflow_dagster.nodes.tag.cells import normal

if TYPE_CHECKING:
    from syncflow_dagster.core.soql.schema import FieldInfo
    from syncflow_dagster.nodes.tag.cells import Value

_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_WHOLE = frozenset({"int", "long"})
_IDS = frozenset({"id", "reference"})
#: Whole numbers of Salesforce's type int (Object Reference, page "field_types").
_INT = 2**31


class UnfitValue(ValueError):
    """A value that a field does not take; the text names the field and never the value."""


def kept(info: FieldInfo, value: Any) -> Value:
    """Return a value in the one form in which a field's values are kept, compared and sent.

    Args:
        info: The field.
        value: What a row, a rule or Salesforce has for it.
    """
    if value is None:
        return None
    if info.type == "multipicklist" and isinstance(value, str):
        parts = [one.strip() for one in value.split(";")]
        return normal([_listed(info, one) for one in parts if one])
    if info.type in _NUMBERS:
        return _number(Decimal(str(value)))
    if info.type == "datetime":
        # Salesforce keeps whole seconds.
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        seconds = moment.astimezone(UTC).isoformat(timespec="seconds")
        return seconds.replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if is_text(info) and not isinstance(value, str | list):
        value = cell(value)
    if info.type == "email":
        # Salesforce lower-cases addresses when it saves them.
        value = value.lower()
    if info.type == "picklist":
        value = _listed(info, value.strip())
    if info.type in _IDS and _is_id(value):
        value = long_id(value.strip())
    return normal(value)


def fitted(info: FieldInfo, value: Any) -> Value:
    """Return a value as `kept` does, where the field takes it.

    Raises:
        UnfitValue: It does not.
    """
    found = kept(info, value)
    if found is None and not info.nillable and info.type != "boolean":
        msg = f"{info.name} may not be empty"
        raise UnfitValue(msg)
    if found is None:
        return None
    if info.type in _NUMBERS:
        _check_number(info, Decimal(str(value)))
    elif isinstance(found, str):
        _check_text(info, found)
    if info.restricted and info.picklist:
        chosen = found if isinstance(found, list) else [found]
        if not set(chosen) <= set(info.picklist):
            msg = f"{info.name} takes values of its picklist alone, and the value is none of them"
            raise UnfitValue(msg)
    return found


def _number(exact: Decimal) -> int | float:
    whole = exact == exact.to_integral_value()
    return int(exact) if whole else float(exact)


def _listed(info: FieldInfo, text: str) -> str:
    """Return a picklist's own spelling of a value: two of its values never differ by case alone."""
    return next((one for one in info.picklist if one.casefold() == text.casefold()), text)


def _is_id(text: str) -> bool:
    try:
        long_id(text.strip())
    except BadIdError:
        return False
    return True


def _check_text(info: FieldInfo, text: str) -> None:
    if info.length and len(text) > info.length:
        msg = f"{info.name} takes {info.length} characters, the value has {len(text)}"
        raise UnfitValue(msg)
    if info.type in _IDS and not _is_id(text):
        msg = f"{info.name} takes ids of records, and the value is a text of {len(text)} characters"
        raise UnfitValue(msg)


def _check_number(info: FieldInfo, exact: Decimal) -> None:
    """Refuse a number that would be rounded, or is too large."""
    digits = _digits_after_point(exact)
    scale = 0 if info.type in _WHOLE else info.scale
    if digits > scale:
        msg = f"{info.name} keeps {scale} digits after the point, the value has {digits}"
        raise UnfitValue(msg)
    most = info.digits if info.type in _WHOLE else max(0, info.precision - info.scale)
    before = max(0, exact.adjusted() + 1) if exact else 0
    if (most and before > most) or (info.type == "int" and not -_INT <= exact < _INT):
        msg = f"{info.name} takes {most or 10} digits before the point, the value is larger"
        raise UnfitValue(msg)
    if Decimal(str(_number(exact))) != exact:
        msg = f"{info.name} is a number of double precision, the value has more digits"
        raise UnfitValue(msg)


def _digits_after_point(exact: Decimal) -> int:
    exponent = exact.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0

"""The canonical serialisation of a row, in plain Python: test oracle and fallback.

It writes the bytes of ``polars_hash.hash_rows`` version 1
(https://ion-elgreco.github.io/polars-hash/latest/api-reference/rows/), for the types a field can
have. Every value carries its type and its length, so two different rows never give the same
bytes: ("ab", "c") and ("a", "bc") differ, and so do NULL and "", 1 and "1".
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Value: TypeAlias = bool | int | str | bytes | Decimal | date | datetime | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def encode_row(values: Sequence[Value]) -> bytes:
    """Serialise one row.

    Args:
        values: In the order of the fields. A naive date-time is read as UTC.

    Raises:
        TypeError: A value's type is not one a field can have (a float among them: the number
            layer makes decimals of floats).
    """
    return b"\x0d" + varint(len(values)) + b"".join(map(_encode, values))


def varint(number: int) -> bytes:
    """Return a non-negative number as unsigned LEB128, lowest seven bits first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _encode(value: object) -> bytes:
    # bool before int and datetime before date: each is a subclass of the other.
    match value:
        case None:
            return b"\x00"
        case bool():
            return b"\x02" if value else b"\x01"
        case int():
            return b"\x03" + _signed(value)
        case str():
            text = value.encode("utf-8")
            return b"\x05" + varint(len(text)) + text
        case bytes():
            return b"\x06" + varint(len(value)) + value
        case Decimal():
            return _decimal(value)
        case datetime():
            return b"\x09" + _signed(_nanoseconds(value))
        case date():
            return b"\x07" + _signed(value.toordinal() - _EPOCH_DAY)
        case _:
            msg = f"a value of type {type(value).__name__} has no serialisation"
            raise TypeError(msg)


def _signed(number: int) -> bytes:
    return (b"\x01" if number >= 0 else b"\x00") + varint(abs(number))


def _decimal(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        msg = f"{value} has no serialisation"
        raise TypeError(msg)
    unscaled = int("".join(map(str, digits)))
    scale = -exponent
    if scale < 0:
        unscaled, scale = unscaled * 10**-scale, 0
    while scale > 0 and unscaled % 10 == 0:
        unscaled, scale = unscaled // 10, scale - 1
    return b"\x0b" + _signed(-unscaled if sign else unscaled) + varint(scale)


def _nanoseconds(value: datetime) -> int:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    since = aware - _EPOCH
    # Integers throughout: a float holds no date-time of today to the microsecond.
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000

"""How one column type reads and writes its values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.sandbox.monday.model import CellValue, Column, Label

# What `parse` returns when the service accepts a value and does nothing with it.
UNCHANGED: Any = object()


class BadValueError(Exception):
    """A value that the column does not take.

    Attributes:
        code: The service's `column_validation_error_code`; `invalidValue` where the service's
            own word is not known.
    """

    def __init__(self, message: str, code: str = "invalidValue") -> None:
        super().__init__(message)
        self.code = code


class Writing(Protocol):
    """What a codec may ask about the account while it parses a value."""

    column: Column

    def add_label(self, text: str) -> Label:
        """Add a label to the column for this write, if the write may do so."""

    def may_add_labels(self) -> bool:
        """Whether missing labels are to be created."""

    def item_is_active(self, item_id: str) -> bool:
        """Whether an item exists and is active."""

    def tag_exists(self, tag_id: int) -> bool:
        """Whether a tag exists."""

    def first_weekday(self) -> int:
        """The account's first day of the week: 0 is Monday, 6 is Sunday."""


def plain_text(value: CellValue, _column: Column) -> str | None:
    """The value itself."""
    return str(value)


def no_fields(_value: CellValue | None, _column: Column) -> dict[str, Any]:
    """No typed fields beyond `text` and `value`."""
    return {}


def same(value: CellValue) -> Any:
    """The stored value is what the service shows as JSON."""
    return value


@dataclass(frozen=True)
class Codec:
    """A column type.

    Attributes:
        graphql_type: The type of its values in the schema.
        parse: From decoded JSON (an object, or text for types that take bare text) to the
            stored value. None stored means: clear.
        simple: From the text of `change_simple_column_value` to what `parse` takes.
        text: The stored value as display text.
        empty_text: `text` of an empty cell.
        shown: The stored value as the JSON that `value` carries; None for null.
        fields: The typed fields, for an empty cell (None) too.
        terms: What `any_of` compares with.
        order: What `greater_than` and its kin compare; None when the type has no order.
        legacy_type: The name that errors give as `column_type`.
    """

    graphql_type: str
    parse: Callable[[Any, Writing], CellValue | None]
    simple: Callable[[str], Any] = same
    text: Callable[[CellValue, Column], str | None] = plain_text
    empty_text: str | None = ""
    shown: Callable[[CellValue], Any] = same
    fields: Callable[[CellValue | None, Column], dict[str, Any]] = no_fields
    terms: Callable[[CellValue, Column], frozenset[Any]] = field(
        default=lambda value, _column: frozenset({str(value)})
    )
    order: Callable[[CellValue], Any] | None = None
    legacy_type: str | None = None


def members(raw: Any, allowed: Mapping[str, type | tuple[type, ...]], what: str) -> dict[str, Any]:
    """The members of a JSON object, each of the right kind; others are refused.

    Raises:
        BadValueError: `raw` is no such object.
    """
    if not isinstance(raw, dict):
        msg = f"invalid value - {what}. Please check our API documentation"
        raise BadValueError(msg)
    for name, value in raw.items():
        if name not in allowed:
            msg = f"invalid value - {what}: unknown member {name!r}"
            raise BadValueError(msg)
        if value is not None and not isinstance(value, allowed[name]):
            msg = f"invalid value - {what}: wrong kind of {name!r}"
            raise BadValueError(msg)
    return raw


def whole_number(raw: Any, what: str) -> int:
    """An integer given as a number or as text.

    Raises:
        BadValueError: It is not one.
    """
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        msg = f"invalid value - {what} must be a whole number"
        raise BadValueError(msg)
    try:
        return int(raw)
    except ValueError:
        msg = f"invalid value - {what} must be a whole number"
        raise BadValueError(msg) from None

"""Fields of records as Arrow columns: the same from JSON of REST and from CSV of Bulk API 2.0.

| field type | in JSON | in CSV | Arrow |
|---|---|---|---|
| boolean | `true` | `true` | bool |
| int, long | `5`, `5.0` | `5`, `5.0` | int64 |
| double, currency, percent | `39000`, `39000.0` | `39000`, `39000.0` | float64 |
| date | `"2020-10-22"` | `2020-10-22` | date32 |
| datetime | `"2020-10-22T21:03:23.000+0000"` | `2020-10-22T21:03:23.000Z` | timestamp[us, UTC] |
| time | `"17:23:09.000Z"` | `17:23:09.000Z` | string, as it comes |
| multipicklist | `"A;B"` | `A;B` | string, as it comes |
| all other types | a text | a text | string |

- Salesforce's own numbers with a fraction are doubles, whatever digits a field shows (SOAP API
  Developer Guide, page "Primitive Data Types").
- A column is named as its field, over relationships too: `Account.Name`. Without a parent, all of
  the parent's fields are null.
- Salesforce knows no empty text: an empty cell, `""` and `null` are null. `NA`, `null` and `NaN` in
  a cell are texts.
- Texts stay what they are: line ends, U+2028, NUL (which the delta node refuses, by record), emoji.
  Half an emoji, which a field too short for it leaves behind, is `?`.
- Compound fields (`address`, `location`) come as objects by REST and not at all by Bulk: name their
  parts. Fields of `base64` are not in CSV at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from syncflow_dagster.nodes.pull.columns import (
    BOOLEAN,
    DATE,
    FLOAT,
    INSTANT,
    INTEGER,
    TEXT,
    as_text,
)
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.pull.regroup import regrouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_TYPES: Mapping[str, pa.DataType] = {
    "boolean": BOOLEAN,
    "int": INTEGER,
    "long": INTEGER,
    "double": FLOAT,
    "currency": FLOAT,
    "percent": FLOAT,
    "date": DATE,
    "datetime": INSTANT,
}
_BINARY = "base64"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of what is read.

    Attributes:
        name: The field's dotted name, in its own case.
        type: Salesforce's word for its type.
    """

    name: str
    type: str

    @property
    def arrow(self) -> pa.DataType:
        """Its type."""
        return _TYPES.get(self.type, TEXT)


def check_bulk(columns: Sequence[Column]) -> None:
    """Refuse what Bulk API 2.0 cannot read.

    Raises:
        QueryFailedError: A field holds a file.
    """
    files = [column.name for column in columns if column.type == _BINARY]
    if files:
        msg = f"Bulk API 2.0 cannot read {', '.join(files)}: a file; use api: rest, or leave it out"
        raise QueryFailedError(msg)


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of what is read."""
    return pa.schema([(column.name, column.arrow) for column in columns])


def in_batches(
    batches: Iterable[pa.RecordBatch], size: int, columns: Sequence[Column]
) -> Iterator[pa.RecordBatch]:
    """Give batches of `size` rows, the last one of what is left; an empty one if that is all."""
    empty = True
    for batch in regrouped(batches, size):
        empty = False
        yield batch
    if empty:
        yield pa.RecordBatch.from_pylist([], schema_of(columns))


def from_records(records: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> pa.RecordBatch:
    """Return records of a query's answer as one batch.

    Raises:
        QueryFailedError: A field is missing, or a value does not fit its type.
    """
    arrays = [_array(_values(records, column.name), column) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema_of(columns))


def from_texts(texts: pa.Array, column: Column) -> pa.Array:
    """Return a column whose values came as texts, null where there is none.

    Raises:
        QueryFailedError: A value does not fit its type.
    """
    try:
        return texts.cast(column.arrow)
    except pa.ArrowInvalid:
        if column.arrow != INTEGER:
            raise misfit(column) from None
    try:
        # '5.0'; a float on the way would change what is beyond 2**53.
        return pc.replace_substring_regex(texts, r"\.0+$", "").cast(INTEGER)
    except pa.ArrowInvalid:
        raise misfit(column) from None


def misfit(column: Column) -> QueryFailedError:
    """Return the error of a value that does not fit its type; it does not show the value."""
    return QueryFailedError(
        f"field {column.name} is a {column.type}, and Salesforce sent something else for it"
    )


def _values(records: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    *steps, last = name.split(".")
    above: Sequence[Any] = records
    for step in steps:
        above = _members(above, step, name)
    return _members(above, last, name)


def _members(records: Sequence[Any], key: str, name: str) -> list[Any]:
    try:
        return [None if one is None else one[key] for one in records]
    except (KeyError, TypeError):
        msg = f"Salesforce answers without the field {name}"
        raise QueryFailedError(msg) from None


def _array(values: list[Any], column: Column) -> pa.Array:
    kind = column.arrow
    try:
        if kind == TEXT:
            return _texts(values)
        if kind == INTEGER:
            return pa.array(values).cast(INTEGER)  # 5.0 is 5, and 5.5 is an error
        if kind == FLOAT:
            return pa.array([None if one is None else float(one) for one in values], FLOAT)
        if kind == BOOLEAN:
            return pa.array(values, BOOLEAN)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        raise misfit(column) from None
    return from_texts(_texts(values), column)


def _texts(values: list[Any]) -> pa.Array:
    try:
        texts = pa.array(values, TEXT)
    except (pa.ArrowTypeError, UnicodeEncodeError):
        texts = pa.array([None if one is None else _text(one) for one in values], TEXT)
    empty = pc.equal(texts, "")
    return pc.if_else(empty, None, texts) if pc.any(empty).as_py() else texts


def _text(value: Any) -> str:
    return as_text(value).encode("utf-8", "replace").decode()

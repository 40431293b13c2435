"""Rows of an answer as REST's JSON: parents are objects within their children."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.values import rest_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.salesforce.soql import Checked, Column, ResultRow

_PLAIN = (str, bool, int, float, type(None))
# Many rows have the same stamps.
_KEPT_MOMENTS = 10_000


class RowShape:
    """Shows the rows of one query; worked out once, because a page has thousands.

    Args:
        root: What record addresses begin with, such as `/services/data/v60.0`.
        checked: The query.
    """

    def __init__(self, root: str, checked: Checked) -> None:
        self._aggregated = checked.aggregated
        self._moments: dict[datetime, str] = {}
        self._top = _Level(f"{root}/sobjects/", "", checked.object.name)
        for column in checked.columns:
            self._top.add(column, 0)

    def show(self, row: ResultRow) -> dict[str, Any]:
        """One row."""
        if self._aggregated:
            values = {label: rest_value(value) for label, value in row.items()}
            return {"attributes": {"type": "AggregateResult"}, **values}
        return self._top.show(row, row.record, self._value)

    def _value(self, value: Any) -> Any:
        if isinstance(value, _PLAIN):
            return value
        if not isinstance(value, datetime):
            return rest_value(value)
        found = self._moments.get(value)
        if found is None:
            if len(self._moments) >= _KEPT_MOMENTS:
                self._moments.clear()
            found = self._moments[value] = rest_value(value)
        return found


class _Level:
    """One object of a row: its fields, and its parents as further objects."""

    def __init__(self, root: str, path: str, object_name: str) -> None:
        self._root = root
        self._path = path
        self._type = object_name
        self._url = f"{root}{object_name}/"
        # In the query's order: a field with its label, or the parent that is first named here.
        self._items: list[tuple[str, str, _Level | None, bool]] = []
        self._parents: dict[str, _Level] = {}

    def add(self, column: Column, depth: int) -> None:
        """Give a column its place here or in a parent."""
        steps = column.path.parents
        if depth == len(steps):
            field = column.path.field
            self._items.append((field.name, column.label, None, field.type == "base64"))
            return
        reference, parent = steps[depth]
        name = str(reference.relationship_name)
        if name not in self._parents:
            path = f"{self._path}.{name}" if self._path else name
            self._parents[name] = _Level(self._root, path, parent.name)
            self._items.append((name, path, self._parents[name], False))
        self._parents[name].add(column, depth + 1)

    def show(self, row: ResultRow, record: Any, value: Callable[[Any], Any]) -> dict[str, Any]:
        """This object of a row."""
        url = self._url + record["Id"]
        shown: dict[str, Any] = {"attributes": {"type": self._type, "url": url}}
        for name, label, parent, is_blob in self._items:
            if parent is not None:
                above = row.parents[label]
                shown[name] = None if above is None else parent.show(row, above, value)
            elif is_blob:
                # The content has an address of its own.
                shown[name] = None if row[label] is None else f"{url}/{name}"
            else:
                shown[name] = value(row[label])
        return shown

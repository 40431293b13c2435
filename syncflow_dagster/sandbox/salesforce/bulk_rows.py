"""Rows of an uploaded file become writes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.bulk_csv import CLEAR, Table
from syncflow_dagster.sandbox.salesforce.collections import Done, upsert
from syncflow_dagster.sandbox.salesforce.errors import RowError
from syncflow_dagster.sandbox.salesforce.ids import normalise
from syncflow_dagster.sandbox.salesforce.store import index_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.sandbox.salesforce.org import Org
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef
    from syncflow_dagster.sandbox.salesforce.users import Viewer

# Rows that the service writes at once; the same key twice among them is refused.
_TOGETHER = 200


class InvalidBatchError(Exception):
    """The columns of a file do not fit the job; the text is a part of its `errorMessage`."""


class RowWriter:
    """Writes rows of one file.

    Args:
        org: Where to.
        object_name: The job's object.
        operation: `insert`, `update`, `upsert` or `delete`.
        viewer: Whose job it is.
        table: The file.
        external_id: The field that rows are upserted by.

    Raises:
        InvalidBatchError: A column is not one the user may know, or one is missing.
    """

    def __init__(
        self,
        org: Org,
        object_name: str,
        operation: str,
        viewer: Viewer,
        table: Table,
        external_id: str | None,
    ) -> None:
        self._org = org
        self._operation = operation
        self._viewer = viewer
        self._table = table
        self._definition = org.tables[object_name].definition
        self._external_id = external_id
        # How often each key stands in the chunk that was counted last.
        self._counted: tuple[int, Counter[object]] = -1, Counter()
        _check_header(org, self._definition, operation, table.header, viewer, external_id)

    def write(self, start: int, until: int, failing: Mapping[int, RowError]) -> dict[int, Done]:
        """Write the rows from one place up to another; what became of each.

        Args:
            start: The first row.
            until: The row behind the last one.
            failing: Errors by place of rows that fail whatever they say.
        """
        done: dict[int, Done] = {}
        for place in range(start, until):
            row = self._values(self._table.rows[place])
            refused = failing.get(place) or self._twice(row, place // _TOGETHER)
            done[place] = self._attempt(row, refused)
        return done

    def _twice(self, row: Mapping[str, Any], chunk: int) -> RowError | None:
        """The refusal of a row to upsert whose key another row of its chunk has too."""
        key = self._key(row)
        if self._operation != "upsert" or key is None or self._keys(chunk)[key] == 1:
            return None
        text = f"Duplicate external id specified: {row[str(self._external_id)]}"
        return RowError("DUPLICATE_VALUE", text, (str(self._external_id),))

    def _keys(self, chunk: int) -> Counter[object]:
        if self._counted[0] != chunk:
            rows = self._table.rows[chunk * _TOGETHER : (chunk + 1) * _TOGETHER]
            self._counted = chunk, Counter(self._key(self._values(row)) for row in rows)
        return self._counted[1]

    def _attempt(self, row: Mapping[str, Any], refused: RowError | None) -> Done:
        record_id = normalise(row.get("Id"))
        if refused is not None:
            return Done(record_id, error=refused)
        try:
            return self._one(row)
        except RowError as error:
            return Done(record_id, error=error)

    def _key(self, row: Mapping[str, Any]) -> object:
        field = self._definition.fields.get(self._external_id or "Id")
        value = row.get(self._external_id or "Id")
        return None if field is None or value is None else index_key(field, value)

    def _values(self, row: Sequence[str]) -> dict[str, Any]:
        """A row's values by field: empty cells are left out, `#N/A` is null."""
        values: dict[str, Any] = {}
        for name, cell in zip(self._table.header, row, strict=True):
            if cell == "":
                continue
            value = None if cell == CLEAR else cell
            relation, _, below = name.rpartition(".")
            found = None if relation else self._definition.field(name)
            if relation:
                values[relation] = {below: value}
            else:
                values[name if found is None else found.name] = value
        return values

    def _one(self, row: Mapping[str, Any]) -> Done:
        name = self._definition.name
        if self._operation == "insert":
            return Done(self._org.create(name, row, viewer=self._viewer)["Id"], created=True)
        if self._operation == "upsert":
            field_name = str(self._external_id)
            if row.get(field_name) is None and field_name != "Id":
                text = f"{field_name} not specified in an upsert call"
                raise RowError("MISSING_ARGUMENT", text, (field_name,))
            value = row.get(field_name)
            return upsert(self._org, self._definition, field_name, value, row, self._viewer)
        given = row.get("Id")
        if not given:
            article = "an" if self._operation == "update" else "a"
            text = f"Id not specified in {article} {self._operation} call"
            raise RowError("MISSING_ARGUMENT", text)
        if self._operation == "delete":
            return Done(self._org.delete(name, given, viewer=self._viewer)["Id"], created=False)
        changed = self._org.update(name, given, row, viewer=self._viewer)
        return Done(changed["Id"], created=False)


def _check_header(
    org: Org,
    definition: ObjectDef,
    operation: str,
    header: Sequence[str],
    viewer: Viewer,
    external_id: str | None,
) -> None:
    for name in header:
        relation, _, below = name.rpartition(".")
        owner, field_name = definition, name
        if relation:
            step = org.schema.parent(definition, relation)
            if step is None or viewer.hides(definition.name, step[0].name):
                msg = f"Field name not found : {name}"
                raise InvalidBatchError(msg)
            owner, field_name = step[1], below
        if owner.field(field_name) is None or viewer.hides(owner.name, field_name):
            msg = f"Field name not found : {name}"
            raise InvalidBatchError(msg)
    lower = [name.lower() for name in header]
    if operation == "delete" and lower != ["id"]:
        msg = f"The 'delete' batch must contain only 'Id', {list(header)}"
        raise InvalidBatchError(msg)
    needed = {"update": "Id", "upsert": external_id}.get(operation)
    if needed is not None and needed.lower() not in lower:
        msg = f"Field name not found : {needed}"
        raise InvalidBatchError(msg)
    if len(set(lower)) < len(lower):
        msg = f"Duplicate column in {list(header)}"
        raise InvalidBatchError(msg)

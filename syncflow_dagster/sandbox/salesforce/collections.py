"""sObject collections: up to 200 records in one request, each with a result of its own.

"sObject Collections" in the REST API guide. Results stand in the order of the request; an item's
error has `statusCode` where that of a whole request has `errorCode`. Each item is committed by
itself, unless `allOrNone` takes all of them back.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.errors import ApiError, RowError, SeveralMatchesError
from syncflow_dagster.sandbox.salesforce.ids import normalise
from syncflow_dagster.sandbox.salesforce.store import index_key
from syncflow_dagster.sandbox.salesforce.values import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncflow_dagster.sandbox.salesforce.org import Org
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef
    from syncflow_dagster.sandbox.salesforce.users import Viewer

MOST = 200
_ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header",
)
_NO_ID = "Id not specified in an update call"


@dataclass(frozen=True)
class Done:
    """What became of one record.

    Attributes:
        record_id: Its Id where it is known.
        created: Whether it is new; None where the call does not tell.
        error: Why it was refused.
    """

    record_id: str | None = None
    created: bool | None = None
    error: RowError | None = None

    def shown(self) -> dict[str, Any]:
        """As one item of the answer."""
        found = {} if self.record_id is None else {"id": self.record_id}
        if self.error is not None:
            return {**found, "success": False, "errors": [self.error.item()]}
        told = {} if self.created is None else {"created": self.created}
        return {**found, "success": True, "errors": [], **told}


class _NotAllError(Exception):
    """An item failed, so that nothing of the request may stay."""


class Collection:
    """The writes of one request.

    Args:
        org: Where they go.
        viewer: Whose they are.
        failing: Errors by place of items that fail whatever they say (faults).
    """

    def __init__(self, org: Org, viewer: Viewer, failing: Mapping[int, RowError]) -> None:
        self._org = org
        self._viewer = viewer
        self._failing = failing

    def create(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Answer POST.

        Raises:
            ApiError: The request as a whole is refused.
        """
        records = _records(body)

        def write(place: int) -> Done:
            record = records[place]
            made = self._org.create(_type(record), record, viewer=self._viewer)
            return Done(made["Id"])

        return self._run(len(records), write, body)

    def update(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Answer PATCH: by Id, which never creates anything.

        Raises:
            ApiError: The request as a whole is refused.
        """
        records = _records(body)
        ids = [_member(record, "id") for record in records]
        times = Counter(normalise(one) for one in ids)

        def write(place: int) -> Done:
            record, given = records[place], ids[place]
            if not given:
                raise RowError("MISSING_ARGUMENT", _NO_ID)
            if times[normalise(given)] > 1 and normalise(given) is not None:
                raise RowError("DUPLICATE_VALUE", f"duplicate id specified: {given}")
            changed = self._org.update(_type(record), given, record, viewer=self._viewer)
            return Done(changed["Id"])

        return self._run(len(records), write, body, ids)

    def upsert(
        self, definition: ObjectDef, field_name: str, body: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Answer PATCH of an object by one of its external ids.

        Raises:
            ApiError: The request as a whole is refused.
        """
        records = _records(body)
        field = definition.field(field_name)
        if field is None or not (field.external_id or field.name == "Id"):
            text = f"Provided external ID field does not exist or is not accessible: {field_name}"
            raise ApiError(404, "NOT_FOUND", text)
        values = [_member(record, field.name) for record in records]
        same = [None if one is None else index_key(field, str(one)) for one in values]
        times = Counter(same)

        def write(place: int) -> Done:
            record, value = records[place], values[place]
            if stored(field, value) is None and field.name != "Id":
                text = f"{field.name} not specified in an upsert call"
                raise RowError("MISSING_ARGUMENT", text, (field.name,))
            if value is not None and times[same[place]] > 1:
                text = f"Duplicate external id specified: {value}"
                raise RowError("DUPLICATE_VALUE", text, (field.name,))
            if _type(record).lower() != definition.name.lower():
                text = f"Only records of {definition.name} can be upserted here"
                raise RowError("INVALID_TYPE", text)
            return upsert(self._org, definition, field.name, value, record, self._viewer)

        return self._run(len(records), write, body)

    def delete(self, ids: Sequence[str], *, all_or_none: bool) -> list[dict[str, Any]]:
        """Answer DELETE.

        Raises:
            ApiError: The request as a whole is refused.
        """
        check_count(len(ids))

        def write(place: int) -> Done:
            record_id = normalise(ids[place])
            definition = None if record_id is None else self._org.schema.of_id(record_id)
            if record_id is None or definition is None:
                raise RowError("MALFORMED_ID", f"malformed id {ids[place]}")
            self._org.delete(definition.name, record_id, viewer=self._viewer)
            return Done(record_id)

        return self._run(len(ids), write, {"allOrNone": all_or_none}, ids)

    def _run(
        self,
        count: int,
        write: Callable[[int], Done],
        body: Mapping[str, Any],
        ids: Sequence[Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Write one item after the other; with `allOrNone`, all or none of them."""

        def attempt(place: int) -> Done:
            known = None if ids is None else normalise(ids[place])
            try:
                if place in self._failing:
                    raise self._failing[place]
                return write(place)
            except RowError as error:
                return Done(known, error=error)

        if not body.get("allOrNone"):
            return [attempt(place).shown() for place in range(count)]
        done: list[Done] = []
        with suppress(_NotAllError), self._org.all_or_none():
            done = [attempt(place) for place in range(count)]
            if any(one.error is not None for one in done):
                raise _NotAllError
        if any(one.error is not None for one in done):
            done = [one if one.error is not None else Done(error=_ROLLED_BACK) for one in done]
        return [one.shown() for one in done]


def upsert(
    org: Org,
    definition: ObjectDef,
    field_name: str,
    value: object,
    record: Mapping[str, Any],
    viewer: Viewer,
) -> Done:
    """Upsert one of several records.

    Raises:
        RowError: It is refused, or the external id belongs to several records.
    """
    try:
        made, created = org.upsert(definition.name, field_name, value, record, viewer=viewer)
    except SeveralMatchesError as error:
        found = ", ".join(error.ids)
        text = f"{field_name}: more than one record found for external id field: [{found}]"
        raise RowError("DUPLICATE_EXTERNAL_ID", text, (field_name,)) from error
    return Done(made["Id"], created)


def _records(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        text = "The records of a collection must be a list of objects"
        raise ApiError(400, "JSON_PARSER_ERROR", text)
    check_count(len(records))
    return records


def check_count(number: int, most: int = MOST) -> None:
    """See that a request has neither too many records nor none.

    Raises:
        ApiError: It has.
    """
    if number > most:
        text = f"record limit reached. cannot submit more than {most} records into this call"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", text)
    if not number:
        raise ApiError(400, "MISSING_ARGUMENT", "No records were given")


def _type(record: Mapping[str, Any]) -> str:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str) or not name:
        raise RowError("INVALID_TYPE", "Record type missing: attributes.type is required")
    return name


def _member(record: Mapping[str, Any], name: str) -> Any:
    """A record's value by a field name in any case."""
    return next((value for key, value in record.items() if key.lower() == name.lower()), None)

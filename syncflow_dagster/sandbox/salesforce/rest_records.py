"""One record at a time: `/sobjects/X`, `/sobjects/X/{id}`, `/sobjects/X/{field}/{value}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce import checks
from syncflow_dagster.sandbox.salesforce.errors import (
    NOT_THERE,
    ApiError,
    RowError,
    SeveralMatchesError,
    not_found,
)
from syncflow_dagster.sandbox.salesforce.ids import normalise
from syncflow_dagster.sandbox.salesforce.routes import ApiRoute
from syncflow_dagster.sandbox.salesforce.values import rest_value, stored

if TYPE_CHECKING:
    from starlette.responses import Response

    from syncflow_dagster.sandbox.salesforce.call import Call
    from syncflow_dagster.sandbox.salesforce.org import Record
    from syncflow_dagster.sandbox.salesforce.schema import ObjectDef

# From this version on an upsert that updates says so; before, it answered 204.
_UPSERT_SPEAKS = 46.0


def _create(call: Call) -> Response:
    definition = call.object()
    _spared(call)
    made = call.org.create(definition.name, call.json_object(), viewer=call.viewer)
    call.headers["Location"] = call.url(definition.name, made["Id"])
    return call.answer({"id": made["Id"], "success": True, "errors": []}, 201)


def _read(call: Call) -> Response:
    definition = call.object()
    record_id = normalise(call.path["id"])
    if record_id is None:
        text = f"Provided external ID field does not exist or is not accessible: {call.path['id']}"
        raise not_found(text)
    return _shown(call, definition, record_id)


def _read_by(call: Call) -> Response:
    definition = call.object()
    ids = _found(call, definition)
    if len(ids) > 1:
        return _several(call, definition.name, ids)
    return _shown(call, definition, ids[0])


def _shown(call: Call, definition: ObjectDef, record_id: str) -> Response:
    record = call.org.get(definition.name, record_id, deleted=True, viewer=call.viewer)
    if record is None:
        raise not_found()
    if record.get("IsDeleted"):
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
    shown: dict[str, Any] = {
        "attributes": {"type": definition.name, "url": call.url(definition.name, record["Id"])}
    }
    for name in _wanted(call, definition):
        shown[name] = rest_value(record.get(name))
    return call.answer(shown)


def _wanted(call: Call, definition: ObjectDef) -> list[str]:
    """The fields that `fields` asks for, or all that the caller may see."""
    asked = call.query.get("fields")
    if asked is None:
        return [one for one in definition.fields if not call.viewer.hides(definition.name, one)]
    wanted = []
    for name in filter(None, asked.split(",")):
        field = definition.field(name)
        if field is None or call.viewer.hides(definition.name, field.name):
            text = f"No such column '{name}' on sobject of type {definition.name}"
            raise ApiError(400, "INVALID_FIELD", text)
        wanted.append(field.name)
    return wanted


def _update(call: Call) -> Response:
    definition = call.object()
    _spared(call)
    values = call.json_object()
    if any(name.lower() == "id" for name in values):
        text = "The Id field should not be specified in the sobject data."
        raise ApiError(400, "INVALID_FIELD", text, {"fields": ["Id"]})
    try:
        call.org.update(definition.name, call.path["id"], values, viewer=call.viewer)
    except RowError as error:
        raise _of_path(error) from None
    return call.nothing()


def _delete(call: Call) -> Response:
    definition = call.object()
    _spared(call)
    try:
        call.org.delete(definition.name, call.path["id"], viewer=call.viewer)
    except RowError as error:
        raise _of_path(error) from None
    return call.nothing()


def _delete_by(call: Call) -> Response:
    definition = call.object()
    ids = _found(call, definition)
    if len(ids) > 1:
        return _several(call, definition.name, ids)
    _spared(call)
    call.org.delete(definition.name, ids[0], viewer=call.viewer)
    return call.nothing()


def _upsert(call: Call) -> Response:
    definition = call.object()
    _spared(call)
    field, value = call.path["field"], call.path["value"]
    values = call.json_object()
    if any(name.lower() == field.lower() for name in values):
        text = f"The {field} field should not be specified in the sobject data."
        raise ApiError(400, "INVALID_FIELD", text, {"fields": [field]})
    only = call.query.get("updateOnly", "").lower() == "true"
    try:
        record, created = call.org.upsert(
            definition.name, field, value, values, viewer=call.viewer, update_only=only
        )
    except SeveralMatchesError as error:
        return _several(call, error.object_name, error.ids)
    except RowError as error:
        raise _of_path(error) from None
    if not created and float(call.version) < _UPSERT_SPEAKS:
        return call.nothing()
    told = {"id": record["Id"], "success": True, "errors": [], "created": created}
    return call.answer(told, 201 if created else 200)


def _found(call: Call, definition: ObjectDef) -> tuple[str, ...]:
    """The records of an external id.

    Raises:
        ApiError: There is none.
    """
    field = checks.external_id(definition, call.path["field"], call.viewer)
    value = stored(field, call.path["value"])
    if field.name == "Id":
        return (str(value),)
    ids = call.org.matches(field, definition.name, value)
    if not ids:
        raise not_found()
    return ids


def _several(call: Call, object_name: str, ids: tuple[str, ...]) -> Response:
    return call.answer([call.url(object_name, one) for one in ids], 300)


def _spared(call: Call) -> None:
    """Fail as a `partial` fault wants the only record to.

    Raises:
        RowError: One does.
    """
    for error in call.drawn.failing(1).values():
        raise error


def _of_path(error: RowError) -> ApiError:
    """A record that the path names and that is not there is a 404 of its own words."""
    if error.status_code in ("INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID") and (
        error.status == 404 or error.fields == ("Id",)
    ):
        return not_found(NOT_THERE)
    return error.top()


def _blob(call: Call) -> Response:
    """The content of a base64 field; other fields have no address."""
    definition = call.object()
    field = definition.field(call.path["field"])
    hidden = field is None or call.viewer.hides(definition.name, field.name)
    record: Record | None = call.org.get(definition.name, call.path["id"], viewer=call.viewer)
    if field is None or hidden or field.type != "base64" or record is None:
        raise not_found()
    return call.answer(record.get(field.name))


def _by_two(call: Call) -> Response:
    """`/X/{field}/{value}`, or `/X/{id}/{field}` for the content of a base64 field."""
    first, second = call.path["field"], call.path["value"]
    if normalise(first) is not None and call.object().field(first) is None:
        call.path = {"object": call.path["object"], "id": first, "field": second}
        return _blob(call)
    return _read_by(call)


_ONE, _BY = "/sobjects/{object}/{id}", "/sobjects/{object}/{field}/{value}"
ROUTES = [
    ApiRoute("POST", "/sobjects/{object}", "sobject", _create, writes=True),
    ApiRoute("GET", _ONE, "sobject", _read),
    ApiRoute("PATCH", _ONE, "sobject", _update, writes=True),
    ApiRoute("DELETE", _ONE, "sobject", _delete, writes=True),
    ApiRoute("GET", _BY, "sobject", _by_two),
    ApiRoute("PATCH", _BY, "sobject", _upsert, writes=True),
    ApiRoute("DELETE", _BY, "sobject", _delete_by, writes=True),
]

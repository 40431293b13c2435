"""The paths of sObject collections and of the Consent API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.collections import Collection, check_count
from syncflow_dagster.sandbox.salesforce.consent import consent
from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.gateway import raw_path
from syncflow_dagster.sandbox.salesforce.routes import ApiRoute
from syncflow_dagster.sandbox.salesforce.values import rest_value

if TYPE_CHECKING:
    from starlette.responses import Response

    from syncflow_dagster.sandbox.salesforce.call import Call


def _collection(call: Call, count: int) -> Collection:
    return Collection(call.org, call.viewer, call.drawn.failing(count))


def _records(call: Call) -> tuple[dict[str, Any], Collection]:
    body = call.json_object()
    records = body.get("records")
    return body, _collection(call, len(records) if isinstance(records, list) else 0)


def _create(call: Call) -> Response:
    body, collection = _records(call)
    return call.answer(collection.create(body))


def _update(call: Call) -> Response:
    body, collection = _records(call)
    return call.answer(collection.update(body))


def _upsert(call: Call) -> Response:
    body, collection = _records(call)
    return call.answer(collection.upsert(call.object(), call.path["field"], body))


def _delete(call: Call) -> Response:
    ids = [one for one in call.query.get("ids", "").split(",") if one]
    all_or_none = call.query.get("allOrNone", "false").lower() == "true"
    return call.answer(_collection(call, len(ids)).delete(ids, all_or_none=all_or_none))


def _retrieve(call: Call) -> Response:
    """Records by Id in the order of the request; null for one that is not there."""
    definition = call.object()
    if call.request.method == "POST":
        body = call.json_object()
        ids, names = body.get("ids"), body.get("fields")
    else:
        ids, names = (call.query.get(one, "").split(",") for one in ("ids", "fields"))
    if not isinstance(ids, list) or not isinstance(names, list) or not all(names):
        raise ApiError(400, "MISSING_ARGUMENT", "Both ids and fields must be specified")
    check_count(len(ids), most=2_000)
    fields = []
    for name in names:
        field = definition.field(str(name))
        if field is None or call.viewer.hides(definition.name, field.name):
            text = f"No such column '{name}' on sobject of type {definition.name}"
            raise ApiError(400, "INVALID_FIELD", text)
        fields.append(field.name)
    shown: list[dict[str, Any] | None] = []
    for one in ids:
        record = call.org.get(definition.name, str(one), viewer=call.viewer)
        if record is None:
            shown.append(None)
            continue
        url = call.url(definition.name, record["Id"])
        values = {name: rest_value(record.get(name)) for name in fields}
        shown.append({"attributes": {"type": definition.name, "url": url}, **values})
    return call.answer(shown)


def _one_action(call: Call) -> Response:
    return _consent(call, call.path["action"])


def _several_actions(call: Call) -> Response:
    return _consent(call, call.query.get("actions"))


def _consent(call: Call, actions: str | None) -> Response:
    query: bytes = call.request.scope.get("query_string", b"")
    length = len(raw_path(call.request)) + 1 + len(query)
    return call.answer(consent(call.org, call.viewer, actions, call.query, length))


_ALL, _ONE = "/composite/sobjects", "/composite/sobjects/{object}"
ROUTES = [
    ApiRoute("POST", _ALL, "collections", _create, writes=True),
    ApiRoute("PATCH", _ALL, "collections", _update, writes=True),
    ApiRoute("DELETE", _ALL, "collections", _delete, writes=True),
    ApiRoute("GET", _ONE, "collections", _retrieve),
    ApiRoute("POST", _ONE, "collections", _retrieve),
    ApiRoute("PATCH", f"{_ONE}/{{field}}", "collections", _upsert, writes=True),
    ApiRoute("GET", "/consent/action/{action}", "consent", _one_action),
    ApiRoute("GET", "/consent/multiaction", "consent", _several_actions),
]

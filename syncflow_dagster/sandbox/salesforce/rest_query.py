"""`/query`, `/queryAll`, their further pages, and `?explain`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from syncflow_dagster.sandbox.salesforce import soql
from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.routes import ApiRoute
from syncflow_dagster.sandbox.salesforce.values import rest_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from syncflow_dagster.sandbox.salesforce.call import Call
    from syncflow_dagster.sandbox.salesforce.org import Record

_PAGE = range(200, 2_001)


def _query(call: Call) -> Response:
    return _answered(call, deleted=False)


def _query_all(call: Call) -> Response:
    return _answered(call, deleted=True)


def _answered(call: Call, *, deleted: bool) -> Response:
    if "explain" in call.query:
        return call.answer(_plan(call, call.query["explain"]))
    checked = check(call, call.query.get("q", ""))
    seen = seen_by(call, deleted=deleted)
    if checked.counts:
        number = soql.count(checked, **seen)
        return call.answer({"totalSize": number, "done": True, "records": []})
    rows = list(soql.run(checked, **seen))
    return _first_page(call, rows, checked)


def check(call: Call, text: str) -> soql.Checked:
    """A query's text against what the caller may see.

    Raises:
        ApiError: It is not valid.
    """
    if not text:
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    try:
        return soql.check(soql.parse(text), call.org.schema_for(call.viewer), call.viewer.hides)
    except soql.SoqlError as error:
        raise ApiError(400, error.error_code, error.message) from None


def seen_by(call: Call, *, deleted: bool) -> dict[str, Any]:
    """The arguments of `soql.run` and `soql.count` that say what the caller sees now."""
    org, viewer = call.org, call.viewer

    def rows_of(object_name: str) -> Iterator[Record]:
        return org.visible(object_name, deleted=deleted, viewer=viewer)

    def get(object_name: str, record_id: str) -> Record | None:
        # Parents in the recycle bin are still shown beside their children.
        return org.get(object_name, record_id, deleted=True, viewer=viewer)

    return {
        "rows_of": rows_of,
        "get": get,
        "now": org.world.clock.wall(),
        "null_ne": org.settings.null_ne,
        "zone": ZoneInfo(org.settings.timezone),
    }


def _first_page(call: Call, rows: list[soql.ResultRow], checked: soql.Checked) -> Response:
    size = _page_size(call)
    content: dict[str, Any] = {"totalSize": len(rows), "done": len(rows) <= size}
    if len(rows) > size:
        cursor = call.runtime.locators.open(call.viewer.id, rows, size, checked)
        content["nextRecordsUrl"] = _next_url(call, cursor.id, size)
    content["records"] = [_shown(call, row, checked) for row in rows[:size]]
    return call.answer(content)


def _more(call: Call) -> Response:
    locator = call.path["locator"]
    cursor, start = call.runtime.locators.find(locator, call.viewer.id)
    end = start + cursor.size
    total = len(cursor.rows)
    content: dict[str, Any] = {"totalSize": total, "done": end >= total}
    if end < total:
        content["nextRecordsUrl"] = _next_url(call, cursor.id, end)
    content["records"] = [_shown(call, row, cursor.shape) for row in cursor.rows[start:end]]
    return call.answer(content)


def _next_url(call: Call, cursor_id: str, place: int) -> str:
    # Of queryAll too, further pages are below /query/.
    return f"{call.root}/query/{cursor_id}-{place}"


def _page_size(call: Call) -> int:
    wanted = re.search(
        r"batchSize\s*=\s*(\d+)",
        call.request.headers.get("sforce-query-options", ""),
        re.IGNORECASE,
    )
    most = call.org.settings.page_size
    if wanted is None:
        return most
    return min(most, max(_PAGE[0], min(int(wanted[1]), _PAGE[-1])))


def _shown(call: Call, row: soql.ResultRow, checked: soql.Checked) -> dict[str, Any]:
    """A row as JSON: parents are objects within it, or null."""
    if checked.aggregated:
        values = {label: rest_value(value) for label, value in row.items()}
        return {"attributes": {"type": "AggregateResult"}, **values}
    shown = {"attributes": _attributes(call, checked.object.name, row.record["Id"])}
    for column in checked.columns:
        here: dict[str, Any] | None = shown
        path = ""
        for reference, parent in column.path.parents:
            name = str(reference.relationship_name)
            path = f"{path}.{name}" if path else name
            here = _within(call, here, name, parent.name, row.parents.get(path))
            if here is None:
                break
        if here is not None:
            field = column.path.field
            value = row[column.label]
            if field.type == "base64" and value is not None:
                here[field.name] = f"{here['attributes']['url']}/{field.name}"
            else:
                here[field.name] = rest_value(value)
    return shown


def _within(
    call: Call, here: dict[str, Any] | None, name: str, object_name: str, parent: Any
) -> dict[str, Any] | None:
    assert here is not None
    if parent is None:
        here[name] = None
    elif name not in here:
        here[name] = {"attributes": _attributes(call, object_name, parent["Id"])}
    found: dict[str, Any] | None = here[name]
    return found


def _attributes(call: Call, object_name: str, record_id: str) -> dict[str, Any]:
    return {"type": object_name, "url": call.url(object_name, record_id)}


def _plan(call: Call, text: str) -> dict[str, Any]:
    checked = check(call, text)
    rows = sum(1 for _ in call.org.visible(checked.object.name, viewer=call.viewer))
    plan = {
        "cardinality": rows,
        "fields": [],
        "leadingOperationType": "TableScan",
        "notes": [],
        "relativeCost": 1.0,
        "sobjectCardinality": rows,
        "sobjectType": checked.object.name,
    }
    return {"plans": [plan], "sourceQuery": text}


ROUTES = [
    ApiRoute("GET", "/query", "query", _query),
    ApiRoute("GET", "/queryAll", "query", _query_all),
    ApiRoute("GET", "/query/{locator}", "query_more", _more),
    ApiRoute("GET", "/queryAll/{locator}", "query_more", _more),
]

"""`/query`, `/queryAll`, their further pages, and `?explain`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from syncflow_dagster.sandbox.salesforce import soql
from syncflow_dagster.sandbox.salesforce.block_query import block_count, block_rows
from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.rest_rows import RowShape
from syncflow_dagster.sandbox.salesforce.routes import ApiRoute
from syncflow_dagster.sandbox.salesforce.soql.plan import Combined, Equals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.responses import Response

    from syncflow_dagster.sandbox.salesforce.call import Call
    from syncflow_dagster.sandbox.salesforce.org import Org, Record
    from syncflow_dagster.sandbox.salesforce.users import Viewer

_PAGE = range(200, 2_001)
_FEW_ASSIGNMENTS = 1_100


def _query(call: Call) -> Response:
    return _answered(call, deleted=False)


def _query_all(call: Call) -> Response:
    return _answered(call, deleted=True)


def _answered(call: Call, *, deleted: bool) -> Response:
    if "explain" in call.query:
        return call.answer(_plan(call, call.query["explain"]))
    checked = check(call.org, call.viewer, call.query.get("q", ""))
    seen = seen_by(call.org, call.viewer, deleted=deleted)
    if checked.counts:
        computed = block_count(call.org, checked)
        number = soql.count(checked, **seen) if computed is None else computed
        return call.answer({"totalSize": number, "done": True, "records": []})
    rows = block_rows(call.org, checked) or list(soql.run(checked, **seen))
    return _first_page(call, rows, checked)


def check(org: Org, viewer: Viewer, text: str) -> soql.Checked:
    """A query's text against what its asker may see.

    Raises:
        ApiError: It is not valid.
    """
    if not text:
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    try:
        checked = soql.check(soql.parse(text), org.schema_for(viewer), viewer.hides)
    except soql.SoqlError as error:
        raise ApiError(400, error.error_code, error.message) from None
    _few_assignments(checked, viewer)
    return checked


def _few_assignments(checked: soql.Checked, viewer: Viewer) -> None:
    """Refuse a query of all topic assignments by who may not see all data.

    The Object Reference asks for `LIMIT` of 1,100 or fewer, or `=` on Id or EntityId; it does not
    tell the words of the refusal.
    """
    if viewer.views_all or checked.object.name != "TopicAssignment":
        return
    if checked.limit is not None and checked.limit <= _FEW_ASSIGNMENTS:
        return
    top = checked.where
    parts = top.parts if isinstance(top, Combined) and top.word == "AND" else (top,)
    if any(isinstance(part, Equals) and _is_one_id(part) for part in parts):
        return
    text = (
        "Implementation restriction: TopicAssignment requires a filter by a single Id or EntityId, "
        f"or a LIMIT of at most {_FEW_ASSIGNMENTS}"
    )
    raise ApiError(400, "MALFORMED_QUERY", text)


def _is_one_id(part: Equals) -> bool:
    own = not part.path.parents and part.path.field.name in ("Id", "EntityId")
    return own and not part.negated and len(part.values) == 1


def seen_by(org: Org, viewer: Viewer, *, deleted: bool) -> dict[str, Any]:
    """The arguments of `soql.run` and `soql.count` that say what somebody sees now."""

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


def _first_page(call: Call, rows: Sequence[soql.ResultRow], checked: soql.Checked) -> Response:
    asked = call.request.headers.get("sforce-query-options", "")
    size = page_size(asked, call.org.settings.page_size)
    shape = RowShape(call.root, checked)
    content: dict[str, Any] = {"totalSize": len(rows), "done": len(rows) <= size}
    if len(rows) > size:
        cursor = call.runtime.locators.open(call.viewer.id, rows, size, shape)
        content["nextRecordsUrl"] = _next_url(call, cursor.id, size)
    content["records"] = [shape.show(row) for row in rows[:size]]
    return call.answer(content)


def _more(call: Call) -> Response:
    locator = call.path["locator"]
    cursor, start = call.runtime.locators.find(locator, call.viewer.id)
    end = start + cursor.size
    total = len(cursor.rows)
    content: dict[str, Any] = {"totalSize": total, "done": end >= total}
    if end < total:
        content["nextRecordsUrl"] = _next_url(call, cursor.id, end)
    content["records"] = [cursor.shape.show(row) for row in cursor.rows[start:end]]
    return call.answer(content)


def _next_url(call: Call, cursor_id: str, place: int) -> str:
    # Of queryAll too, further pages are below /query/.
    return f"{call.root}/query/{cursor_id}-{place}"


def page_size(header: str, most: int) -> int:
    """Rows of a page: as `Sforce-Query-Options` asks within 200 and 2,000, and `most` at most."""
    wanted = re.search(r"batchSize\s*=\s*(\d+)", header, re.IGNORECASE)
    if wanted is None:
        return most
    return min(most, max(_PAGE[0], min(int(wanted[1]), _PAGE[-1])))


def _plan(call: Call, text: str) -> dict[str, Any]:
    checked = check(call.org, call.viewer, text)
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

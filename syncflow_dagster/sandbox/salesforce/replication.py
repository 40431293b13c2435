"""`/sobjects/X/updated` and `/sobjects/X/deleted`: which records changed between two moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.routes import ApiRoute
from syncflow_dagster.sandbox.salesforce.store import BIN_DAYS
from syncflow_dagster.sandbox.salesforce.values import rest_moment

if TYPE_CHECKING:
    from starlette.responses import Response

    from syncflow_dagster.sandbox.salesforce.call import Call

_UPDATED_DAYS = timedelta(days=30)
_MOST_IDS = 600_000


def _updated(call: Call) -> Response:
    definition = call.object()
    start, end = _window(call, _UPDATED_DAYS)
    ids = [
        one["Id"]
        for one in call.org.visible(definition.name, viewer=call.viewer)
        if start <= one["SystemModstamp"] < end
    ]
    _few_enough(len(ids))
    covered = _covered(call, definition.name, end)
    return call.answer({"ids": ids, "latestDateCovered": rest_moment(covered)})


def _deleted(call: Call) -> Response:
    definition = call.object()
    start, end = _window(call, BIN_DAYS)
    gone = [
        {"deletedDate": rest_moment(one["SystemModstamp"]), "id": one["Id"]}
        for one in call.org.visible(definition.name, deleted=True, viewer=call.viewer)
        if one.get("IsDeleted") and start <= one["SystemModstamp"] < end
    ]
    _few_enough(len(gone))
    return call.answer(
        {
            "deletedRecords": gone,
            "earliestDateAvailable": rest_moment(call.org.now() - BIN_DAYS),
            "latestDateCovered": rest_moment(_covered(call, definition.name, end)),
        }
    )


def _covered(call: Call, object_name: str, end: datetime) -> datetime:
    """Up to here nothing older can still appear: writes that wait for their commit are not past."""
    now = call.org.world.clock.real()
    waiting = call.org.tables[object_name].waiting(now)
    return min([end, call.org.now(), *waiting])


def _window(call: Call, most: timedelta) -> tuple[datetime, datetime]:
    start, end = (_moment(call.query.get(name), name) for name in ("start", "end"))
    if start < (call.org.now() - most).replace(second=0):
        text = f"startDate cannot be more than {most.days} days ago"
        raise ApiError(400, "INVALID_REPLICATION_DATE", text)
    if end <= start:
        text = "endDate cannot be less than startDate"
        raise ApiError(400, "INVALID_REPLICATION_DATE", text)
    return start, end


def _moment(text: str | None, name: str) -> datetime:
    try:
        # A plus sign that was not escaped has become a space on its way.
        read = datetime.fromisoformat((text or "").replace(" ", "+"))
    except ValueError:
        detail = f"{name}: '{text}' is not a valid value for the type xsd:dateTime"
        raise ApiError(400, "INVALID_FIELD", detail) from None
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    # The seconds are ignored, as the SOAP reference says of getUpdated() and getDeleted().
    return read.astimezone(UTC).replace(second=0, microsecond=0)


def _few_enough(ids: int) -> None:
    if ids > _MOST_IDS:
        text = f"Limit of {_MOST_IDS} ids exceeded"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", text)


ROUTES = [
    ApiRoute("GET", "/sobjects/{object}/updated", "updated", _updated),
    ApiRoute("GET", "/sobjects/{object}/deleted", "updated", _deleted),
]

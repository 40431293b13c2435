"""`/limits`, `/limits/recordCount`, and the list of what a version offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.routes import ApiRoute

if TYPE_CHECKING:
    from starlette.responses import Response

    from syncflow_dagster.sandbox.salesforce.call import Call

_RESOURCES = ("query", "queryAll", "sobjects", "limits", "composite", "consent", "jobs")


def _limits(call: Call) -> Response:
    runtime = call.runtime
    daily = runtime.settings.daily_requests
    jobs = runtime.settings.bulk_query_jobs
    jobs_used = runtime.more_stats["bulk"]()["query"]["today"]
    shown = {
        "DailyApiRequests": _left(daily, runtime.used),
        "DailyBulkV2QueryJobs": _left(jobs, jobs_used),
        "DailyBulkV2QueryFileStorageMB": _left(976_562, 0),
        "DailyBulkApiBatches": _left(15_000, 0),
        "ConcurrentAsyncGetReportInstances": _left(200, 0),
        "DataStorageMB": _left(1_073, 0),
    }
    return call.answer(shown)


def _left(most: int, used: int) -> dict[str, int]:
    return {"Max": most, "Remaining": max(0, most - used)}


def _record_count(call: Call) -> Response:
    asked = call.query.get("sObjects")
    schema = call.org.schema_for(call.viewer)
    names = asked.split(",") if asked else [one.name for one in schema]
    found = filter(None, (schema.object(name.strip()) for name in names))
    shown = [
        {"count": sum(1 for _ in call.org.visible(one.name)), "name": one.name} for one in found
    ]
    return call.answer({"sObjects": shown})


def _resources(call: Call) -> Response:
    shown: dict[str, Any] = {name: f"{call.root}/{name}" for name in _RESOURCES}
    return call.answer(shown)


ROUTES = [
    ApiRoute("GET", "/", "limits", _resources),
    ApiRoute("GET", "/limits", "limits", _limits),
    ApiRoute("GET", "/limits/recordCount", "limits", _record_count),
]

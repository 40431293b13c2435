"""The paths of the Bulk API 2.0: `/jobs/query` and `/jobs/ingest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from syncflow_dagster.sandbox.salesforce.bulk_ingest import IngestJobs
from syncflow_dagster.sandbox.salesforce.bulk_jobs import Job, JobBook, bad_state, same_version
from syncflow_dagster.sandbox.salesforce.bulk_query import QueryJobs
from syncflow_dagster.sandbox.salesforce.bulk_results import LocatorError, locator, place
from syncflow_dagster.sandbox.salesforce.errors import ApiError, not_found
from syncflow_dagster.sandbox.salesforce.routes import ApiRoute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.sandbox.salesforce.bulk_ingest import IngestJob
    from syncflow_dagster.sandbox.salesforce.bulk_query import QueryJob
    from syncflow_dagster.sandbox.salesforce.call import Call
    from syncflow_dagster.sandbox.salesforce.runtime import Runtime

# How many addresses a page of `resultPages` has.
_PAGES = 5
_QUERY, _INGEST = "/jobs/query", "/jobs/ingest"
# Path parts are found whatever their case is, as jsforce asks for `unprocessedrecords`.
_OUTCOMES = {
    name.lower(): name for name in ("successfulResults", "failedResults", "unprocessedRecords")
}


class Bulk:
    """The Bulk API 2.0 of one org.

    Args:
        runtime: The org; jobs are forgotten when it is reset.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._query = QueryJobs(runtime)
        self._ingest = IngestJobs(runtime)
        runtime.on_reset += [self._query.reset, self._ingest.reset]
        runtime.more_stats["bulk"] = self._stats

    @property
    def routes(self) -> Sequence[ApiRoute]:
        """Every operation."""
        query, ingest = f"{_QUERY}/{{id}}", f"{_INGEST}/{{id}}"
        return [
            ApiRoute("POST", _QUERY, "bulk_query", self._create_query),
            ApiRoute("GET", _QUERY, "bulk_query", self._list_queries),
            ApiRoute("GET", query, "bulk_query", self._show_query),
            ApiRoute("PATCH", query, "bulk_query", self._patch_query),
            ApiRoute("DELETE", query, "bulk_query", self._delete_query),
            ApiRoute("GET", f"{query}/results", "bulk_results", self._results),
            ApiRoute("GET", f"{query}/resultPages", "bulk_results", self._result_pages),
            ApiRoute("POST", _INGEST, "bulk_ingest", self._create_ingest, writes=True),
            ApiRoute("GET", _INGEST, "bulk_ingest", self._list_ingests),
            ApiRoute("GET", ingest, "bulk_ingest", self._show_ingest),
            ApiRoute("PATCH", ingest, "bulk_ingest", self._patch_ingest, writes=True),
            ApiRoute("DELETE", ingest, "bulk_ingest", self._delete_ingest, writes=True),
            ApiRoute("PUT", f"{ingest}/batches", "bulk_ingest", self._upload, writes=True),
            ApiRoute("GET", f"{ingest}/{{outcome}}", "bulk_results", self._outcome),
        ]

    def _stats(self) -> dict[str, Any]:
        return {"query": _counts(self._query.book), "ingest": _counts(self._ingest.book)}

    # -- queries ---------------------------------------------------------------------------

    def _create_query(self, call: Call) -> Response:
        return call.answer(self._query.create(call).told())

    def _list_queries(self, call: Call) -> Response:
        return _listed(call, self._query.book)

    def _show_query(self, call: Call) -> Response:
        return call.answer(self._query.book.find(call.path["id"]).described())

    def _patch_query(self, call: Call) -> Response:
        job = self._query.book.find(call.path["id"])
        _check_state(call, "Aborted")
        self._query.abort(job)
        return call.answer(job.told())

    def _delete_query(self, call: Call) -> Response:
        self._query.book.remove(self._query.book.find(call.path["id"]))
        return call.nothing()

    def _results(self, call: Call) -> Response:
        job = self._query.book.find(call.path["id"])
        same_version(job, call)
        sheet = job.results()
        start, told = _place(call, job)
        usual = told or call.org.settings.bulk_page_rows
        page = sheet.page(start, _number(call, "maxRecords", usual))
        more = page.until < sheet.rows
        call.headers["Sforce-NumberOfRecords"] = str(page.rows)
        # The end is the word, not a missing header: a client that waits for it would never stop.
        call.headers["Sforce-Locator"] = locator(job.id, page.until) if more else "null"
        if "gzip" in call.request.headers.get("accept-encoding", ""):
            call.headers["Content-Encoding"] = "gzip"
            return _csv(call, page.packed)
        return _csv(call, page.plain)

    def _result_pages(self, call: Call) -> Response:
        job = self._query.book.find(call.path["id"])
        same_version(job, call)
        size, rows = call.org.settings.bulk_page_rows, job.results().rows
        starts = range(_place(call, job)[0], max(rows, 1), size)
        base = f"{call.root}{_QUERY}/{job.id}"
        pages = [
            {"resultUrl": f"{base}/results?locator={locator(job.id, one, size)}"}
            for one in starts[:_PAGES]
        ]
        content: dict[str, Any] = {"resultPages": pages, "done": len(starts) <= _PAGES}
        if len(starts) > _PAGES:
            following = locator(job.id, starts[_PAGES], size)
            content["nextRecordUrl"] = f"{base}/resultPages?locator={following}"
        return call.answer(content)

    # -- ingest ----------------------------------------------------------------------------

    def _create_ingest(self, call: Call) -> Response:
        return call.answer(self._ingest.create(call).told())

    def _list_ingests(self, call: Call) -> Response:
        return _listed(call, self._ingest.book)

    def _show_ingest(self, call: Call) -> Response:
        return call.answer(self._ingest.book.find(call.path["id"]).described())

    def _patch_ingest(self, call: Call) -> Response:
        job = self._ingest.book.find(call.path["id"])
        if _check_state(call, "UploadComplete", "Aborted") == "Aborted":
            self._ingest.abort(job)
        else:
            self._ingest.close(job, call)
        return call.answer(job.told())

    def _delete_ingest(self, call: Call) -> Response:
        self._ingest.book.remove(self._ingest.book.find(call.path["id"]))
        return call.nothing()

    def _upload(self, call: Call) -> Response:
        self._ingest.upload(self._ingest.book.find(call.path["id"]), call)
        return Response(status_code=201, headers=call.headers)

    def _outcome(self, call: Call) -> Response:
        which = _OUTCOMES.get(call.path["outcome"].lower())
        if which is None:
            raise not_found()
        job: IngestJob = self._ingest.book.find(call.path["id"])
        if not job.ended:
            text = f"Job {job.id} has no results: it is in state {job.state}"
            raise bad_state(text)
        return _csv(call, "".join(job.outcome(which)).encode())


def _counts(book: JobBook[Any]) -> dict[str, Any]:
    """Jobs of the last 24 hours, and those there are by state."""
    states: dict[str, int] = {}
    for job in book.jobs.values():
        states[job.state] = states.get(job.state, 0) + 1
    return {"today": book.today, "jobs": states}


def _listed(call: Call, book: JobBook[Any]) -> Response:
    jobs: list[Job] = list(book.jobs.values())
    records = [job.told() | {"jobType": job.kind} for job in jobs]
    return call.answer({"done": True, "records": records, "nextRecordsUrl": None})


def _check_state(call: Call, *states: str) -> str:
    """The state that a PATCH asks for.

    Raises:
        ApiError: A client cannot set it.
    """
    state = call.json_object().get("state")
    if state not in states:
        text = f"The state {state} cannot be set; known: {', '.join(states)}"
        raise bad_state(text)
    return str(state)


def _place(call: Call, job: QueryJob) -> tuple[int, int | None]:
    given = call.query.get("locator")
    if given in (None, "", "null"):
        return 0, None
    try:
        return place(job.id, job.results().rows, str(given))
    except LocatorError as error:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator") from error


def _number(call: Call, name: str, usual: int) -> int:
    text = call.query.get(name)
    if text is None:
        return usual
    if not text.isdecimal() or not int(text):
        message = f"{name}: {text} is not a number of records"
        raise ApiError(400, "INVALID_ARGUMENT", message)
    return int(text)


def _csv(call: Call, content: bytes) -> Response:
    # Bare, as the service sends it: a client that trusts the header's charset reads it wrongly.
    return Response(content, headers={**call.headers, "Content-Type": "text/csv"})

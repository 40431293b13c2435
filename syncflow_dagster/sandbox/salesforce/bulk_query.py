"""Query jobs of the Bulk API 2.0, from their creation to the pages of their results.

"Query" in the Bulk API 2.0 guide. A job runs half-way to its end: its rows are those that were
visible then, whatever changes while they are downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce import rest_query, soql
from syncflow_dagster.sandbox.salesforce.block_query import block_sheet
from syncflow_dagster.sandbox.salesforce.bulk_csv import DELIMITERS, LINE_ENDINGS, lines
from syncflow_dagster.sandbox.salesforce.bulk_jobs import Job, JobBook, bad_state, chosen
from syncflow_dagster.sandbox.salesforce.bulk_results import Sheet
from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.records import SERVICE
from syncflow_dagster.sandbox.salesforce.schema import COMPOUND_TYPES
from syncflow_dagster.sandbox.salesforce.soql.tree import ChildQuery

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.call import Call
    from syncflow_dagster.sandbox.salesforce.org import Org
    from syncflow_dagster.sandbox.salesforce.runtime import Runtime
    from syncflow_dagster.sandbox.salesforce.users import Viewer

_JOBS_REFUSAL = "Max bulk v2 query jobs ({}) per 24 hrs has been reached"
_FAILED = "InternalServerError : Retried more than fifteen times"
_OPERATIONS = dict.fromkeys(("query", "queryAll"))


@dataclass(kw_only=True)
class QueryJob(Job):
    """A query job.

    Attributes:
        checked: Its query.
        sheet: Its rows, once it has run.
    """

    checked: soql.Checked
    sheet: Sheet | None = None

    @property
    def deleted(self) -> bool:
        """Whether rows in the recycle bin are wanted too."""
        return self.operation == "queryAll"

    def results(self) -> Sheet:
        """The rows of a job that is complete.

        Raises:
            ApiError: It is not.
        """
        if self.state != "JobComplete" or self.sheet is None:
            text = f"Job {self.id} has no results: it is in state {self.state}"
            raise bad_state(text)
        return self.sheet


class QueryJobs:
    """All query jobs of the org."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.book: JobBook[QueryJob] = self._new_book()

    def _new_book(self) -> JobBook[QueryJob]:
        return JobBook(
            self._runtime.world.clock,
            lambda: self._runtime.settings.bulk_query_jobs,
            _JOBS_REFUSAL,
            lambda: self._runtime.settings.bulk_ttl_s,
            first=1_000,
        )

    def reset(self) -> None:
        """Forget all jobs."""
        self.book = self._new_book()

    def create(self, call: Call) -> QueryJob:
        """Begin a job.

        Raises:
            ApiError: The job or its query is refused.
        """
        body = call.json_object()
        operation = chosen(body, "operation", _OPERATIONS, "")
        chosen(body, "contentType", {"CSV": None}, "CSV")
        query = body.get("query")
        if not isinstance(query, str) or not query.strip():
            raise ApiError(400, "INVALIDJOB", "The query of the job is missing")
        checked = bulk_checked(call.org, call.viewer, query)
        now = call.org.now()
        job = QueryJob(
            id=self.book.admit(),
            kind="V2Query",
            operation=operation,
            object=checked.object.name,
            viewer=call.viewer,
            version=call.version,
            delimiter=chosen(body, "columnDelimiter", DELIMITERS, "COMMA"),
            line_ending=chosen(body, "lineEnding", LINE_ENDINGS, "LF"),
            created=now,
            state="UploadComplete",
            changed=now,
            checked=checked,
        )
        self.book.jobs[job.id] = job
        self._schedule(job)
        return job

    def _schedule(self, job: QueryJob) -> None:
        world = self._runtime.world
        faults = world.faults.draw_beside(SERVICE, "query_job")
        wait = (faults["slow"].delay_s or 0.0) if "slow" in faults else 0.0
        takes = self._runtime.settings.bulk_poll_s
        fails = "error_before" in faults
        world.later.after(wait + takes / 2, lambda: self._run(job))
        world.later.after(wait + takes, lambda: self._end(job, fails=fails))

    def _run(self, job: QueryJob) -> None:
        if job.ended:
            return
        org = self._runtime.org
        job.enter("InProgress", org.now())
        job.sheet = block_sheet(org, job.checked, job.form) or _evaluated(org, job)

    def _end(self, job: QueryJob, *, fails: bool) -> None:
        if job.ended:
            return
        now = self._runtime.org.now()
        if fails or job.sheet is None:
            job.enter("Failed", now, _FAILED)
        else:
            job.processed = job.sheet.rows
            job.enter("JobComplete", now)

    def abort(self, job: QueryJob) -> None:
        """Stop a job.

        Raises:
            ApiError: It has ended already.
        """
        if job.ended:
            text = f"Job {job.id} is in state {job.state} and cannot be aborted"
            raise bad_state(text)
        job.enter("Aborted", self._runtime.org.now())


def bulk_checked(org: Org, viewer: Viewer, query: str) -> soql.Checked:
    """A query that the Bulk API takes.

    Raises:
        ApiError: It is no valid query, or one that only REST answers.
    """
    _refuse_children(query)
    checked = rest_query.check(org, viewer, query)
    _refuse_rest_only(checked)
    return checked


def _refuse_children(query: str) -> None:
    try:
        selected = soql.parse(query).select
    except soql.SoqlError as error:
        raise ApiError(400, error.error_code, error.message) from error
    if any(isinstance(one.what, ChildQuery) for one in selected):
        text = "Aggregate Relationships not supported in Bulk V2 Query with CSV content type."
        raise ApiError(400, "API_ERROR", text)


def _refuse_rest_only(checked: soql.Checked) -> None:
    name = checked.object.name
    if not checked.object.queryable:
        text = f"entity type {name} does not support query"
        raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", text)
    if not checked.object.bulk:
        raise ApiError(400, "INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")
    types = {one.path.field.type for one in checked.columns}
    for found, text in (
        (types & COMPOUND_TYPES, "Selecting compound data not supported in Bulk Query"),
        ("base64" in types, "Binary fields not supported in Bulk V2 Query"),
        (
            checked.aggregated or checked.counts,
            "Aggregate functions and GROUP BY not supported in Bulk V2 Query",
        ),
        (checked.offset is not None, "OFFSET not supported in Bulk V2 Query"),
    ):
        if found:
            raise ApiError(400, "API_ERROR", text)


def _evaluated(org: Org, job: QueryJob) -> Sheet:
    """The rows of now, written at once."""
    seen = rest_query.seen_by(org, job.viewer, deleted=job.deleted)
    names = [one.label for one in job.checked.columns]
    sheet = Sheet(next(lines([names], job.form)))
    rows = soql.run(job.checked, **seen)
    sheet.add(lines((row.values() for row in rows), job.form))
    return sheet

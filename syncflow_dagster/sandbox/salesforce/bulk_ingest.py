"""Ingest jobs of the Bulk API 2.0: one file of rows, written while the job is in progress.

"Bulk API 2.0 Ingest" in the guide. A job begins half-way to its end with the first half of its rows
and ends with the others, so that one that is aborted or breaks leaves rows unprocessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.bulk_csv import (
    DELIMITERS,
    LINE_ENDINGS,
    ClientInputError,
    Table,
    lines,
    read_table,
)
from syncflow_dagster.sandbox.salesforce.bulk_jobs import Job, JobBook, bad_state, chosen
from syncflow_dagster.sandbox.salesforce.bulk_rows import InvalidBatchError, RowWriter
from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.records import SERVICE, WriteOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncflow_dagster.sandbox.salesforce.call import Call
    from syncflow_dagster.sandbox.salesforce.drawn import DrawnFaults
    from syncflow_dagster.sandbox.salesforce.errors import RowError
    from syncflow_dagster.sandbox.salesforce.runtime import Runtime

OPERATIONS = dict.fromkeys(("insert", "update", "upsert", "delete"))
_JOBS_REFUSAL = "Max bulk v2 ingest jobs ({}) per 24 hrs has been reached"
_FAILED = "InternalServerError : Retried more than ten times"
_TWICE = (
    "Found multiple contents for job: <{}>, please 'Close' / 'Abort' / 'Delete' the current Job "
    "then create a new Job and make sure you only do 'PUT' once on a given Job."
)
# From this version on a refused row tells the Id it was sent with.
_TELLS_ID = 53.0


@dataclass(kw_only=True)
class IngestJob(Job):
    """An ingest job.

    Attributes:
        external_id: The field that rows are upserted by.
        content: The uploaded file.
        table: The same, taken apart.
        written: By row: its Id, and whether it is new.
        refused: By row: why.
        drawn: The faults that hit the job's requests; those of rows come true when it runs.
    """

    external_id: str | None
    content: bytes | None = None
    table: Table = field(default_factory=lambda: Table((), ()))
    written: dict[int, tuple[str, bool]] = field(default_factory=dict)
    refused: dict[int, tuple[str, RowError]] = field(default_factory=dict)
    drawn: list[DrawnFaults] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """What the answer to its creation tells."""
        more: dict[str, Any] = {
            "contentUrl": f"services/data/v{self.version}/jobs/ingest/{self.id}/batches"
        }
        if self.external_id is not None:
            more["externalIdFieldName"] = self.external_id
        return super().told() | more

    def described(self) -> dict[str, Any]:
        """What `GET` of the job tells."""
        return super().described() | {
            "numberRecordsFailed": self.failed,
            "apiActiveProcessingTime": 0,
            "apexProcessingTime": 0,
        }

    def outcome(self, which: str) -> Iterator[str]:
        """The lines of one of the three result files.

        Rows do not stand in the order of the upload: the part that was processed last comes first.
        """
        header, rows = list(self.table.header), self.table.rows
        if which == "successfulResults":
            yield from self._file(["sf__Id", "sf__Created", *header], self._written())
        elif which == "failedResults":
            yield from self._file(["sf__Id", "sf__Error", *header], self._refused())
        else:
            gone = self.written.keys() | self.refused.keys()
            left = (row for place, row in enumerate(rows) if place not in gone)
            yield from self._file(header, left)

    def _file(self, header: list[str], rows: Any) -> Iterator[str]:
        yield from lines([header], self.form)
        yield from lines(rows, self.form)

    def _written(self) -> Iterator[Sequence[Any]]:
        for place, (record_id, created) in reversed(self.written.items()):
            yield record_id, created, *self.table.rows[place]

    def _refused(self) -> Iterator[Sequence[Any]]:
        tells = float(self.version) >= _TELLS_ID
        for place, (record_id, error) in reversed(self.refused.items()):
            names = " ".join([*error.fields, "--"])
            text = f"{error.status_code}:{error.message}:{names}"
            yield record_id if tells else "", text, *self.table.rows[place]


class IngestJobs:
    """All ingest jobs of the org."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.book: JobBook[IngestJob] = self._new_book()

    def _new_book(self) -> JobBook[IngestJob]:
        return JobBook(
            self._runtime.world.clock,
            lambda: self._runtime.settings.bulk_ingest_jobs,
            _JOBS_REFUSAL,
            lambda: self._runtime.settings.bulk_ttl_s,
            first=1_001,
        )

    def reset(self) -> None:
        """Forget all jobs."""
        self.book = self._new_book()

    def create(self, call: Call) -> IngestJob:
        """Begin a job; it waits for its file.

        Raises:
            ApiError: It is refused.
        """
        body = call.json_object()
        operation = chosen(body, "operation", OPERATIONS, "")
        chosen(body, "contentType", {"CSV": None}, "CSV")
        definition = call.org.definition(str(body.get("object") or ""), call.viewer)
        if definition is None:
            raise ApiError(400, "INVALIDJOB", f"Unable to find object: {body.get('object')}")
        if not definition.bulk:
            text = f"Entity '{definition.name}' is not supported by the Bulk API."
            raise ApiError(400, "INVALIDENTITY", text)
        external_id = _external_id(call, definition.name, operation, body)
        now = call.org.now()
        job = IngestJob(
            id=self.book.admit(),
            kind="V2Ingest",
            operation=operation,
            object=definition.name,
            viewer=call.viewer,
            version=call.version,
            delimiter=chosen(body, "columnDelimiter", DELIMITERS, "COMMA"),
            line_ending=chosen(body, "lineEnding", LINE_ENDINGS, "LF"),
            created=now,
            state="Open",
            changed=now,
            external_id=external_id,
            drawn=[call.drawn],
        )
        self.book.jobs[job.id] = job
        return job

    def upload(self, job: IngestJob, call: Call) -> None:
        """Take a job's file.

        Raises:
            ApiError: It is too large or no CSV, or the job does not wait for it.
        """
        if job.state != "Open":
            text = f"Job {job.id} is in state {job.state} and takes no content"
            raise bad_state(text)
        if job.content is not None:
            raise bad_state(_TWICE.format(job.id))
        kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "text/csv":
            text = f"Content type {kind or 'missing'} is not supported: the job takes text/csv"
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", text)
        limit = self._runtime.settings.bulk_upload_bytes
        if len(call.body) > limit:
            text = f"The uploaded data is {len(call.body)} bytes large, the maximum is {limit}"
            raise ApiError(413, "EXCEEDED_MAX_SIZE_REQUEST", text)
        job.content = call.body
        job.drawn.append(call.drawn)

    def close(self, job: IngestJob, call: Call) -> None:
        """Let a job run.

        Raises:
            ApiError: It is not open.
        """
        if job.state != "Open":
            text = f"Job {job.id} is in state {job.state} and cannot be closed"
            raise bad_state(text)
        job.drawn.append(call.drawn)
        job.enter("UploadComplete", call.org.now())
        world, takes = self._runtime.world, self._runtime.settings.bulk_poll_s
        faults = world.faults.draw_beside(SERVICE, "ingest_job")
        wait = (faults["slow"].delay_s or 0.0) if "slow" in faults else 0.0
        run = _Run(self._runtime, job, frozenset(faults))
        world.later.after(wait + takes / 2, run.begin)
        world.later.after(wait + takes, run.finish)

    def abort(self, job: IngestJob) -> None:
        """Stop a job; what is written stays written.

        Raises:
            ApiError: It has ended already.
        """
        if job.ended:
            raise bad_state("Aborting already Completed Job not allowed")
        job.enter("Aborted", self._runtime.org.now())


class _Run:
    """A job's two steps."""

    def __init__(self, runtime: Runtime, job: IngestJob, faults: frozenset[str]) -> None:
        self._runtime = runtime
        self._job = job
        self._faults = faults
        self._writer: RowWriter | None = None
        # The rows of one job do not wait for each other's locks.
        self._options = WriteOptions()
        self._failing: dict[int, RowError] = {}

    def begin(self) -> None:
        """Take the file apart and write the first half of it."""
        job, org = self._job, self._runtime.org
        if job.ended:
            return
        job.enter("InProgress", org.now())
        try:
            job.table = read_table(job.content or b"", job.form)
            viewer = org.viewer(job.viewer)
            self._writer = RowWriter(
                org, job.object, job.operation, viewer, job.table, job.external_id
            )
        except ClientInputError as error:
            job.enter("Failed", org.now(), f"ClientInputError : {error}")
        except InvalidBatchError as error:
            job.enter("Failed", org.now(), f"InvalidBatch : {error}")
        else:
            for drawn in job.drawn:
                self._failing |= drawn.failing(len(job.table.rows))
            if "error_before" not in self._faults:
                self._write(0, len(job.table.rows) // 2)

    def finish(self) -> None:
        """Write the other half, unless the job breaks."""
        job, org = self._job, self._runtime.org
        if job.ended:
            return
        if self._faults.isdisjoint({"error_before", "partial"}):
            self._write(len(job.table.rows) // 2, len(job.table.rows))
        if self._faults.isdisjoint({"error_before", "partial", "error_after"}):
            job.enter("JobComplete", org.now())
        else:
            job.enter("Failed", org.now(), _FAILED)

    def _write(self, start: int, until: int) -> None:
        assert self._writer is not None
        job, org = self._job, self._runtime.org
        org.options = self._options
        try:
            done = self._writer.write(start, until, self._failing)
        finally:
            org.options = WriteOptions()
        for place, one in done.items():
            if one.error is None:
                job.written[place] = one.record_id or "", bool(one.created)
            else:
                job.refused[place] = one.record_id or "", one.error
        job.processed = len(job.written) + len(job.refused)
        job.failed = len(job.refused)


def _external_id(
    call: Call, object_name: str, operation: str, body: Mapping[str, Any]
) -> str | None:
    if operation != "upsert":
        return None
    name = str(body.get("externalIdFieldName") or "")
    definition = call.object(object_name)
    found = definition.field(name)
    usable = found is not None and (found.external_id or found.name == "Id")
    if found is None or not usable or call.viewer.hides(definition.name, found.name):
        text = f"Field name provided does not match an External ID for {definition.name}: {name}"
        raise ApiError(400, "INVALIDJOB", text)
    return found.name

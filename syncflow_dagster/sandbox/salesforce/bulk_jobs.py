"""Jobs of the Bulk API 2.0: what both kinds have in common, and where they are kept."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from syncflow_dagster.sandbox.salesforce.bulk_csv import DELIMITERS, LINE_ENDINGS, Form
from syncflow_dagster.sandbox.salesforce.errors import ApiError, not_found
from syncflow_dagster.sandbox.salesforce.ids import make_id, normalise
from syncflow_dagster.sandbox.salesforce.values import rest_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.salesforce.call import Call
    from syncflow_dagster.sandbox.salesforce.users import Viewer

ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
DAY_S = 86_400
_PREFIX = "750"


@dataclass
class Job:
    """One job from its creation on.

    Attributes:
        id: Its Id.
        kind: `V2Query` or `V2Ingest`.
        operation: `query`, `queryAll`, `insert`, `update`, `upsert` or `delete`.
        object: The object's exact API name.
        viewer: Whose job it is.
        version: The API version it was created with, such as `60.0`.
        delimiter: Name of the delimiter, such as `COMMA`.
        line_ending: `LF` or `CRLF`.
        created: When, in UTC.
        state: Salesforce's word.
        changed: When the state changed last.
        message: Why it failed.
        processed: Rows gone through.
        failed: Those of them that were refused.
    """

    id: str
    kind: str
    operation: str
    object: str
    viewer: Viewer
    version: str
    delimiter: str
    line_ending: str
    created: datetime
    state: str
    changed: datetime
    message: str | None = None
    processed: int = 0
    failed: int = 0

    @property
    def form(self) -> Form:
        """How the job's files are written."""
        return Form(DELIMITERS[self.delimiter], LINE_ENDINGS[self.line_ending])

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ENDED

    def enter(self, state: str, now: datetime, message: str | None = None) -> None:
        """Change the state."""
        self.state, self.changed = state, now
        self.message = message or self.message

    def told(self) -> dict[str, Any]:
        """What the answer to its creation tells."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.viewer.id,
            "createdDate": rest_moment(self.created),
            "systemModstamp": rest_moment(self.changed),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "lineEnding": self.line_ending,
            "columnDelimiter": self.delimiter,
        }

    def described(self) -> dict[str, Any]:
        """What `GET` of the job tells."""
        passed = (self.changed - self.created).total_seconds()
        told = self.told() | {
            "jobType": self.kind,
            "numberRecordsProcessed": self.processed,
            "retries": 0,
            "totalProcessingTime": math.ceil(passed * 1000),
        }
        return told | ({} if self.message is None else {"errorMessage": self.message})


J = TypeVar("J", bound=Job)


@dataclass
class JobBook(Generic[J]):
    """All jobs of one kind.

    Attributes:
        clock: The sandbox's.
        per_day: How many may be created in 24 hours of limit time.
        refusal: What is said to more of them; holds the number.
        ttl_s: Real seconds after which an ended job is forgotten, with its results.
        first: Number of the first job's Id; kinds must not share numbers.
    """

    clock: Clock
    per_day: Callable[[], int]
    refusal: str
    ttl_s: Callable[[], float]
    first: int
    jobs: dict[str, J] = field(default_factory=dict)
    _created: deque[float] = field(default_factory=deque)
    _count: int = 0

    @property
    def today(self) -> int:
        """Jobs created in the last 24 hours."""
        while self._created and self._created[0] <= self.clock.limit_time() - DAY_S:
            self._created.popleft()
        return len(self._created)

    def admit(self) -> str:
        """Count one more job; its Id.

        Raises:
            ApiError: The day's number is used up.
        """
        limit = self.per_day()
        if self.today >= limit:
            raise ApiError(400, "LIMIT_EXCEEDED", self.refusal.format(limit))
        self._created.append(self.clock.limit_time())
        self._count += 1
        return make_id(_PREFIX, self.first + 2 * self._count)

    def find(self, job_id: str) -> J:
        """A job by its Id.

        Raises:
            ApiError: There is none, or no more.
        """
        job = self.jobs.get(normalise(job_id) or "")
        if job is None:
            raise not_found()
        age = (self.clock.wall() - job.changed).total_seconds()
        if job.ended and age >= self.ttl_s():
            del self.jobs[job.id]
            raise not_found()
        return job

    def remove(self, job: J) -> None:
        """Forget a job that has ended.

        Raises:
            ApiError: It has not.
        """
        if not job.ended:
            text = f"Job {job.id} is in state {job.state} and cannot be deleted"
            raise bad_state(text)
        del self.jobs[job.id]


def bad_state(text: str) -> ApiError:
    """What is asked for does not fit the job's state."""
    return ApiError(400, "INVALIDJOBSTATE", text)


def same_version(job: Job, call: Call) -> None:
    """See that results are asked for with the API version the job was made with.

    Raises:
        ApiError: 409 with another one.
    """
    if job.version != call.version:
        text = f"The API version is different from the job's: {job.version}"
        raise ApiError(409, "API_VERSION_MISMATCH", text)


def chosen(body: Mapping[str, Any], name: str, known: Mapping[str, Any], usual: str) -> str:
    """One of several words of a job's description.

    Raises:
        ApiError: It is none of them.
    """
    value = body.get(name) or usual
    if value not in known:
        text = f"{name}: {value} is not one of {', '.join(known)}"
        raise ApiError(400, "INVALIDJOB", text)
    return str(value)

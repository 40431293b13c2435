"""One read of a Salesforce pull node's records, by REST or by Bulk API 2.0, from any place on.

REST reads in the order of Ids, which never change: a record that is changed meanwhile is neither
missed nor read twice, whatever its stamp, and a read goes on behind the last Id with a new query.
Bulk API 2.0 has no order, but its jobs' pages stay the same for seven days: a read goes on behind
the last page.

A query in parts is read part after part, and a record that changes meanwhile from a later one to an
earlier one is in neither when it is read. A read of all records asks all parts once more, for what
has changed since it began.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from syncflow_dagster.core.soql.literals import text
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.pull.salesforce_marks import Place
from syncflow_dagster.nodes.rows import Piece, PositionLost
from syncflow_dagster.nodes.salesforce.bulk_reading import (
    await_query,
    drop_query,
    read_pages,
    start_query,
)
from syncflow_dagster.nodes.salesforce.columns import schema_of
from syncflow_dagster.nodes.salesforce.errors import CursorExpired, JobGone
from syncflow_dagster.nodes.salesforce.reading import read_rest_pages
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from syncflow_dagster.core.soql.split import Parts
    from syncflow_dagster.core.soql.write import Query
    from syncflow_dagster.nodes.pull.salesforce_window import Window
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.nodes.salesforce.columns import Column

ID = "Id"
#: What a query by REST ends with.
ORDER = "ORDER BY Id"
#: Seconds a job may take. One that is not done by then waits behind others of the org, or hangs,
#: and the node's next runs wait for this one.
_LONGEST_JOB_S = 2 * 3600


@dataclass
class Read:
    """One read.

    Attributes:
        client: The org.
        columns: What the queries select; `Id` is among it.
        names: Columns that are given.
        window: The time of which changes are read.
        also: It, as conditions.
        deleted: Whether records in the recycle bin are read too.
        late: A condition, what has changed since the read began; None where the object cannot tell.
        has_to_be_whole: Whether a record that is not given counts as deleted.
        tell: Told now and then what the read waits for.
        given: Rows given so far.
        restarted: Queries made anew because their cursor was gone.
    """

    client: SalesforceClient
    columns: Sequence[Column]
    names: Sequence[str]
    window: Window
    also: tuple[str, ...]
    deleted: bool
    late: str | None = None
    has_to_be_whole: bool = False
    tell: Callable[[str], None] = lambda _text: None
    given: int = 0
    restarted: int = 0
    _seen: set[str] | None = field(default=None, repr=False)
    _marked: bool = field(default=True, repr=False)
    _held: tuple[str, ...] = field(default=(), repr=False)
    _complete: set[str] = field(default_factory=set, repr=False)

    def rest(self, parts: Parts, place: Place | None = None) -> Iterator[Piece]:
        """Read by REST.

        Raises:
            PositionLost: It cannot be read on from the place.
            SourceUnavailableError: The org does not answer, or a ceiling is reached.
            QueryFailedError: The org refuses, or answers something else.
        """
        begin = place or Place(fingerprint(parts), "rest", self.window)
        for number, (query, also) in enumerate(self._begin(begin, parts)):
            if number >= begin.part:
                here = begin if number == begin.part else replace(begin, part=number, last_id="")
                yield from self._rest_part(query, also, here)
        yield from self._nothing()

    def bulk(self, parts: Parts, place: Place | None = None) -> Iterator[Piece]:
        """Read by Bulk API 2.0; jobs are deleted once no read can go on with them.

        Raises:
            PositionLost: It cannot be read on from the place.
            JobGone: A job is gone, or somebody ended it.
            BulkUnsupported: The queries cannot be read so; nothing was read then.
            SourceUnavailableError: The org does not answer, or a ceiling is reached.
            QueryFailedError: The org refuses, or answers something else.
        """
        here = place or Place(fingerprint(parts), "bulk", self.window)
        jobs, self._held = list(here.jobs), here.jobs
        try:
            for number, (query, also) in enumerate(self._begin(here, parts)):
                if number < here.part:
                    continue
                if number > here.part or not jobs:
                    here = replace(here, part=number, page="", rows=0)
                    soql = query.text(*also)
                    jobs.append(start_query(self.client, soql, deleted=self.deleted))
                    crash_point("pull.job_made")
                yield from self._bulk_part(replace(here, jobs=tuple(jobs)))
            yield from self._nothing()
            self._held = ()
        except (JobGone, PositionLost) as error:
            self._held = ()
            if place is None:
                raise
            raise PositionLost(str(error)) from None
        finally:
            # Of a read that breaks off those stay that a place names: the next one goes on there.
            for job in jobs:
                if job not in self._held:
                    drop_query(self.client, job, complete=job in self._complete)

    def _rest_part(self, query: Query, also: Sequence[str], here: Place) -> Iterator[Piece]:
        while True:
            behind = (f"Id > {text(here.last_id)}",) if here.last_id else ()
            soql = query.text(*also, *behind, tail=ORDER)
            pages = read_rest_pages(self.client, soql, self.columns, deleted=self.deleted)
            try:
                for batch in pages:
                    if batch.num_rows:
                        here = replace(here, last_id=batch.column(ID)[-1].as_py())
                        yield self._piece(batch, here)
                    crash_point("pull.page_read")
            except CursorExpired:
                # A query's first page comes without a cursor, so each new query reads further.
                self.restarted += 1
            else:
                return

    def _bulk_part(self, here: Place) -> Iterator[Piece]:
        job = here.jobs[-1]
        expected = await_query(self.client, job, most_s=_LONGEST_JOB_S, tell=self.tell)
        self._complete.add(job)
        behind = _Behind(here.page)
        for page in read_pages(self.client, job, self.columns, done=behind):
            here = replace(here, page=page.path, rows=here.rows + page.rows.num_rows)
            batches = page.rows.to_batches()
            for left, batch in zip(reversed(range(len(batches))), batches, strict=True):
                yield self._piece(batch, None if left else here)
            crash_point("pull.page_read")
        if not behind.reached:
            msg = f"the bulk job {job} has no page {here.page}"
            raise JobGone(msg)
        if expected is not None and here.rows != expected:
            found = f"{expected} records, and its pages {here.rows}"
            msg = f"the bulk job {job} has {found}; a new job has to be made"
            raise JobGone(msg)

    def _piece(self, batch: pa.RecordBatch, here: Place | None) -> Piece:
        """Return rows, without those that other queries have given."""
        if not self._marked:
            batch = self._unseen(batch)
        self.given += batch.num_rows
        resume = here.to_text() if here and self._marked else None
        if here is not None and resume is not None:
            self._held = here.jobs
        return Piece(batch.select(self.names), resume, self.window.covered)

    def _unseen(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Leave out records that another query gave; of such queries no place can be kept."""
        self._seen = set() if self._seen is None else self._seen
        ids = batch.column(ID).to_pylist()
        fresh = pa.array([one not in self._seen for one in ids], pa.bool_())
        self._seen.update(ids)
        return batch if pc.all(fresh, min_count=0).as_py() else batch.filter(fresh)

    def _nothing(self) -> Iterator[Piece]:
        """Give the columns, where no page has."""
        if not self.given:
            empty = pa.RecordBatch.from_pylist([], schema_of(self.columns))
            yield Piece(empty.select(self.names), covered=self.window.covered)

    def _begin(self, place: Place, parts: Parts) -> list[tuple[Query, tuple[str, ...]]]:
        """Return the queries in their order, each with its further conditions."""
        begun = bool(place.last_id or place.jobs or place.part)
        is_whole = self.window.since is None and len(parts.queries) > 1 and not parts.is_fixed
        self._marked = parts.is_disjoint and not is_whole
        if place.queries != fingerprint(parts) or place.part >= max(len(parts.queries), 1):
            raise PositionLost("the place in the read belongs to other queries")
        if begun and not self._marked:
            raise PositionLost("a read in parts that records change between goes on nowhere")
        asked = [(one, self.also) for one in parts.queries]
        if is_whole and self.late is not None:
            return asked + [(one, (*self.also, self.late)) for one in parts.queries]
        if is_whole and self.has_to_be_whole:
            msg = (
                f"the query takes {len(parts.queries)} parts, and {parts.queries[0].owner} has no "
                "SystemModstamp to tell which records change from one to another meanwhile; they "
                "would count as deleted: shorten the lists, or set deletes: {detect: false}"
            )
            raise QueryFailedError(msg)
        return asked


@dataclass
class _Behind:
    """Tells which pages of a job were read: those up to one, none without it."""

    page: str
    reached: bool = field(init=False)

    def __post_init__(self) -> None:
        self.reached = not self.page

    def __call__(self, path: str) -> bool:
        if self.reached:
            return False
        self.reached = path == self.page
        return True


def fingerprint(parts: Parts) -> str:
    """Return a hash of queries."""
    texts = "\n".join(one.text() for one in parts.queries)
    return hashlib.sha256(texts.encode()).hexdigest()[:16]

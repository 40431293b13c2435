"""Rows of a query by Bulk API 2.0: a job, and its pages of CSV fetched side by side.

Bulk API 2.0 and Bulk API Developer Guide, pages "queries" and "query_get_parallel_job_results".
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce.ahead import ahead
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.client import resource
from syncflow_dagster.nodes.salesforce.columns import check_bulk, in_batches
from syncflow_dagster.nodes.salesforce.csv_pages import read_page
from syncflow_dagster.nodes.salesforce.errors import CursorExpired, JobGone, NotThere, job_error
from syncflow_dagster.nodes.salesforce.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from syncflow_dagster.nodes.salesforce.answers import Answer
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.nodes.salesforce.columns import Column

#: Pages fetched at a time: as many addresses as the org gives in one answer.
PARALLEL = 5
#: Pages parsed at a time: each keeps a core busy, while those that are fetched keep none.
_PARSING = 4
#: Fetched pages, still packed, that may wait to be parsed: fetching goes on meanwhile.
_PACKED = 2
#: First API version that gives the addresses of several pages at once.
_WITH_RESULT_PAGES = 58.0
_PAGE_ROWS = 50_000
_FIRST_POLL_S = 0.5
_MOST_POLL_S = 10.0
#: How often it is told that a job is still at work.
_TELL_EVERY_S = 60.0
_COMPLETE, _FAILED, _ABORTED = "JobComplete", "Failed", "Aborted"
_NO_LOCATOR = "null"
#: Of a page that was cut off or is something else.
_MORE_FETCHES = 2
_A_PAGE = "a page of bulk results"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a job's results.

    Attributes:
        path: Where it was read; the pages of one job and their paths stay the same for seven days.
        rows: Its rows.
    """

    path: str
    rows: pa.Table


def read_bulk(
    client: SalesforceClient,
    soql: str,
    columns: Sequence[Column],
    *,
    deleted: bool = False,
    batch_rows: int = 50_000,
) -> Iterator[pa.RecordBatch]:
    """Read the rows of a query, in no order.

    Makes a job, waits for it, reads its pages, five side by side, and deletes it.

    Args:
        client: Where to ask.
        soql: The query, without `ORDER BY` and `LIMIT`, which make it slow.
        columns: What it selects.
        deleted: Whether records in the recycle bin are read too.
        batch_rows: Rows of a batch, at least 1.

    Yields:
        Batches of `schema_of(columns)`; at least one, empty where there are no rows.

    Raises:
        JobGone: The job or its results are gone, or somebody ended it.
        BulkUnsupported: Bulk API 2.0 cannot run the query.
        SourceUnavailableError: The org does not answer, or a ceiling is reached (`QuotaReached`).
        QueryFailedError: The org refuses the query, or answers something else.
    """
    check_bulk(columns)
    job = start_query(client, soql, deleted=deleted)
    complete = False
    try:
        expected = await_query(client, job)
        complete = True
        pages = read_pages(client, job, columns)
        yield from in_batches(_counted(pages, expected), batch_rows, columns)
    finally:
        drop_query(client, job, complete=complete)


def _counted(pages: Iterator[Page], expected: int | None) -> Iterator[pa.RecordBatch]:
    """Give the pages' rows, and hold them to their number."""
    rows = 0
    for page in pages:
        rows += page.rows.num_rows
        yield from page.rows.to_batches()
    if expected is not None and rows != expected:
        msg = f"the bulk job has {expected} records, and its pages {rows}; a new job has to be made"
        raise JobGone(msg)


def start_query(client: SalesforceClient, soql: str, *, deleted: bool = False) -> str:
    """Make a query job and return its id.

    Where no answer came, another job is made: an extra one reads and changes nothing.

    Raises:
        SourceUnavailableError: The org does not answer, or a ceiling is reached.
        QueryFailedError: The org refuses the query.
    """
    body = {
        "operation": "queryAll" if deleted else "query",
        "query": soql,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    answer = ask(client, "jobs/query", "the bulk query", method="POST", body=body)
    return str(_member(answer, "id"))


def await_query(
    client: SalesforceClient,
    job: str,
    *,
    most_s: float = 24 * 3600,
    tell: Callable[[str], None] = lambda _text: None,
) -> int | None:
    """Wait until a job is complete; return the number of its records, if the org tells it.

    Args:
        client: Where to ask.
        job: The job's id.
        most_s: Seconds waited in all.
        tell: Told once a minute how far the job is.

    Raises:
        JobGone: It is gone, or somebody ended it.
        BulkUnsupported: Bulk API 2.0 cannot run the query.
        SourceUnavailableError: The org does not answer, or the job takes longer.
        QueryFailedError: The job failed.
    """
    waited, pause, told_at = 0.0, _FIRST_POLL_S, 0.0
    while True:
        state = _look(client, job)
        if state["state"] == _COMPLETE:
            told = state.get("numberRecordsProcessed")
            return None if told is None else int(told)
        if state["state"] == _FAILED:
            raise job_error(str(state.get("errorMessage") or ""), "the bulk query")
        if state["state"] == _ABORTED:
            msg = f"somebody ended the bulk job {job}; a new one has to be made"
            raise JobGone(msg)
        if waited >= most_s:
            msg = f"the bulk job {job} is still {state['state']} after {waited:.0f} s"
            raise SourceUnavailableError(msg)
        if waited - told_at >= _TELL_EVERY_S:
            told_at = waited
            rows = int(state.get("numberRecordsProcessed") or 0)
            tell(f"bulk job {job} is {state['state']} after {waited:.0f} s, with {rows:,} records")
        client.wait(pause)
        waited += pause
        pause = min(2 * pause, _MOST_POLL_S)


def read_pages(
    client: SalesforceClient,
    job: str,
    columns: Sequence[Column],
    *,
    done: Callable[[str], bool] = lambda _path: False,
    parallel: int = PARALLEL,
) -> Iterator[Page]:
    """Read the pages of a complete job, in their order, some side by side.

    Few pages are held beside the one given, whatever the job's size: `parallel` and two packed
    ones, and four parsed ones.

    Args:
        client: Where to ask.
        job: The job's id.
        columns: What its query selects.
        done: Whether a page, by its path, is needed no more.
        parallel: Pages fetched at a time, at least 1.

    Raises:
        JobGone: The job or its results are gone.
        SourceUnavailableError: The org does not answer, or a ceiling is reached.
        QueryFailedError: The org refuses, or answers something else.
    """
    if float(client.connection.api_version) < _WITH_RESULT_PAGES:
        yield from _one_by_one(client, job, columns, done)
        return
    stop = Stop()
    paths = (path for path in _paths(client, job, stop) if not done(path))
    fetch = partial(_fetch, client, stop=stop)
    parse = partial(_read, client, columns, stop=stop)
    with closing(ahead(fetch, paths, parallel, parallel + _PACKED)) as fetched:
        parsed = ahead(lambda one: parse(one)[0], fetched, _PARSING, _PARSING)
        with closing(parsed) as pages, stop.at_end():
            # `yield from` would close the pages before all else, and wait for those under way.
            for page in pages:  # noqa: UP028
                yield page


def drop_query(client: SalesforceClient, job: str, *, complete: bool) -> None:
    """Delete a job and its results, after ending it if it still runs; the org may refuse."""
    path = resource("jobs", "query", job)
    if not complete:
        client.patch(path, {"state": _ABORTED})
    client.delete(path)


def _look(client: SalesforceClient, job: str) -> dict[str, Any]:
    try:
        answer = ask(client, resource("jobs", "query", job), f"the state of bulk job {job}")
    except (NotThere, CursorExpired) as error:
        raise JobGone(str(error)) from None
    _member(answer, "state")
    body: dict[str, Any] = answer.body
    return body


def _paths(client: SalesforceClient, job: str, stop: Stop) -> Iterator[str]:
    """Give the paths of a job's pages; they come five at a time."""
    path: str | None = resource("jobs", "query", job, "resultPages")
    asked: set[str] = set()
    while path:
        asked.add(path)
        answer = _list(client, path, stop)
        # The documentation's table and other lists of the same API spell it differently.
        path = answer.body.get("nextRecordsUrl") or answer.body.get("nextRecordUrl")
        if path in asked:
            msg = f"the result pages of bulk job {job}: Salesforce names the same list again"
            raise QueryFailedError(msg)
        for one in _member(answer, "resultPages"):
            yield str(one["resultUrl"])


def _list(client: SalesforceClient, path: str, stop: Stop) -> Answer:
    try:
        answer = ask(client, path, "the list of a bulk job's pages", stop=stop)
    except (NotThere, CursorExpired) as error:
        raise JobGone(str(error)) from None
    _member(answer, "resultPages")
    return answer


def _one_by_one(
    client: SalesforceClient, job: str, columns: Sequence[Column], done: Callable[[str], bool]
) -> Iterator[Page]:
    """Read pages each of which names the next."""
    start = resource("jobs", "query", job, "results")
    query = {"maxRecords": str(_PAGE_ROWS)}
    asked: set[str] = set()
    while True:
        path = f"{start}?{urlencode(query)}"
        page, locator = _read(client, columns, _fetch(client, path))
        if not done(path):
            yield page
        if not locator:
            return
        if locator in asked:
            msg = f"the results of bulk job {job}: Salesforce names the same page again"
            raise QueryFailedError(msg)
        asked.add(locator)
        query["locator"] = locator


def _fetch(client: SalesforceClient, path: str, stop: Stop | None = None) -> tuple[str, Answer]:
    """Fetch one page as it comes; return its path, too."""
    try:
        return path, ask(client, path, _A_PAGE, headers={"Accept": "text/csv"}, stop=stop)
    except (NotThere, CursorExpired) as error:
        raise JobGone(str(error)) from None


def _read(
    client: SalesforceClient,
    columns: Sequence[Column],
    fetched: tuple[str, Answer],
    stop: Stop | None = None,
) -> tuple[Page, str]:
    """Parse one page, and fetch it again where that fails; see `_parsed`.

    A job's pages never change: what is wrong with one has happened on its way, or stays.
    """
    for _ in range(_MORE_FETCHES):
        try:
            return _parsed(fetched, columns)
        except (SourceUnavailableError, QueryFailedError):
            fetched = _fetch(client, fetched[0], stop)
    return _parsed(fetched, columns)


def _parsed(fetched: tuple[str, Answer], columns: Sequence[Column]) -> tuple[Page, str]:
    """Parse one page; the other value is the next one's locator, or empty."""
    path, answer = fetched
    if answer.content is None:
        msg = f"{_A_PAGE}: Salesforce answers with something that is no CSV"
        raise QueryFailedError(msg)
    rows = read_page(answer.content, answer.headers.get("Content-Encoding", ""), columns)
    told = answer.headers.get("Sforce-NumberOfRecords", "")
    if told.isdecimal() and int(told) != rows.num_rows:
        msg = f"{_A_PAGE} has {rows.num_rows} records instead of {told}: it was cut off"
        raise SourceUnavailableError(msg)
    locator = answer.headers.get("Sforce-Locator", _NO_LOCATOR)
    return Page(path, rows), "" if locator == _NO_LOCATOR else locator


def _member(answer: Answer, name: str) -> Any:
    found = answer.body.get(name) if isinstance(answer.body, dict) else None
    if found is None:
        msg = f"Salesforce answers about a bulk job without {name!r}"
        raise QueryFailedError(msg)
    return found

"""Rows of a query by REST: pages of 2,000, the next one on its way while one is read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.columns import from_records, in_batches
from syncflow_dagster.nodes.salesforce.errors import CursorExpired
from syncflow_dagster.nodes.salesforce.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from syncflow_dagster.nodes.salesforce.answers import Answer
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.nodes.salesforce.columns import Column

#: Most rows of a page; the org may send fewer (REST API Developer Guide,
#: page "headers_queryoptions").
PAGE_ROWS = 2000


def count(client: SalesforceClient, soql: str, *, deleted: bool = False) -> int:
    """Return how many records a `SELECT COUNT()` counts.

    Raises:
        SourceUnavailableError: The org does not answer.
        QueryFailedError: It refuses the query.
    """
    body = _page(_first(client, soql, deleted=deleted))
    return int(body["totalSize"])


def read_rest(
    client: SalesforceClient,
    soql: str,
    columns: Sequence[Column],
    *,
    deleted: bool = False,
    batch_rows: int = 50_000,
) -> Iterator[pa.RecordBatch]:
    """Read the rows of a query, in its order.

    Args:
        client: Where to ask.
        soql: The query.
        columns: What it selects.
        deleted: Whether records in the recycle bin are read too.
        batch_rows: Rows of a batch, at least 1.

    Yields:
        Batches of `schema_of(columns)`; at least one, empty where there are no rows.

    Raises:
        CursorExpired: The org has dropped the cursor between two pages; rows given so far stand,
            the others need a new query.
        SourceUnavailableError: The org does not answer, or a ceiling is reached (`QuotaReached`).
        QueryFailedError: The org refuses the query, or answers something else.
    """
    pages = read_rest_pages(client, soql, columns, deleted=deleted)
    yield from in_batches(pages, batch_rows, columns)


def read_rest_pages(
    client: SalesforceClient, soql: str, columns: Sequence[Column], *, deleted: bool = False
) -> Iterator[pa.RecordBatch]:
    """Read the rows of a query in batches as they come, one for each page; see `read_rest`."""
    what = "the next page of the query"
    rows = 0
    # Who takes no more rows does not wait for the page on its way.
    with ThreadPoolExecutor(1, "salesforce-page") as ahead, Stop().at_end() as stop:
        body = _page(_started(client, soql, deleted=deleted))
        asked: set[str | None] = set()
        while True:
            path = body.get("nextRecordsUrl")
            if path in asked:
                msg = f"Salesforce names the same next page again after {rows} rows of a query"
                raise QueryFailedError(msg)
            asked.add(path)
            coming = ahead.submit(ask, client, path, what, stop=stop) if path else None
            rows += len(body["records"])
            yield from_records(body["records"], columns)
            if coming is None:
                break
            # The page that was read is not held any longer than needed.
            del body
            try:
                body = _page(coming.result())
            except CursorExpired as error:
                raise error if rows else _at_once(error) from None
    _check_end(body, rows)


def _first(client: SalesforceClient, soql: str, *, deleted: bool) -> Answer:
    path = "queryAll" if deleted else "query"
    headers = {"Sforce-Query-Options": f"batchSize={PAGE_ROWS}"}
    return ask(client, path, "the query", params={"q": soql}, headers=headers)


def _started(client: SalesforceClient, soql: str, *, deleted: bool) -> Answer:
    try:
        return _first(client, soql, deleted=deleted)
    except CursorExpired as error:
        raise _at_once(error) from None


def _at_once(error: CursorExpired) -> SourceUnavailableError:
    """Return what it is where a new query would give no row either, and the next one neither."""
    return SourceUnavailableError(f"{error}, before it gave any row")


def _page(answer: Answer) -> dict[str, Any]:
    body = answer.body
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise QueryFailedError("Salesforce answers a query without 'records'")
    return body


def _check_end(body: dict[str, Any], rows: int) -> None:
    """Refuse an end that comes too early: rows would be missing without a word."""
    if not body.get("done"):
        msg = (
            f"Salesforce ends a query after {rows} rows, says it is not done, and not how to go on"
        )
        raise QueryFailedError(msg)

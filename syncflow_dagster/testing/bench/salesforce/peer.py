"""The way others take: simple-salesforce as its documentation shows it."""

from __future__ import annotations

import csv
import io
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from syncflow_dagster.testing.bench.salesforce.org import OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.testing.bench.salesforce.org import Org


def bulk2(org: Org, soql: str) -> dict[str, Any]:
    """Read pages of text by its Bulk 2.0 client, one after the other.

    It waits five seconds before it first looks at a job, unless told otherwise, as here.
    """
    # Cells of these rows have no line ends, so lines are rows, but for the header.
    return _timed(text.count("\n") - 1 for text in _texts(org, soql))


def bulk2_records(org: Org, soql: str) -> dict[str, Any]:
    """Do the same, and take each page apart into dictionaries of texts."""
    pages = (csv.DictReader(io.StringIO(text)) for text in _texts(org, soql))
    return _timed(sum(1 for _ in page) for page in pages)


def query_all(org: Org, soql: str) -> dict[str, Any]:
    """Read records by REST."""
    client = _client(org)
    return _timed(len(client.query_all(one)["records"]) for one in [soql])


def _texts(org: Org, soql: str) -> Iterator[str]:
    yield from getattr(_client(org).bulk2, OBJECT).query(soql, wait=0)


def _timed(counts: Iterator[int]) -> dict[str, Any]:
    started = time.perf_counter()
    rows = sum(counts)
    return {"seconds": time.perf_counter() - started, "rows": rows}


def _client(org: Org) -> Salesforce:
    session = requests.Session()
    # It knows no other scheme, and the sandbox none but http.
    session.mount("https://", _Plain())
    return Salesforce(
        instance_url=org.url,
        session_id=org.token,
        session=session,
        version=org.connection.api_version,
    )


class _Plain(HTTPAdapter):
    """Sends by plain HTTP what was meant for HTTPS."""

    def send(self, request: requests.PreparedRequest, *args: Any, **settings: Any) -> Any:
        request.url = urlunsplit(urlsplit(str(request.url))._replace(scheme="http"))
        return super().send(request, *args, **settings)

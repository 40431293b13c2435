"""The floor: the same requests by as many connections, and their bodies thrown away.

What a read by Bulk API 2.0 cannot do without: a job, a look at its state, the lists of its pages,
the pages, an end of the job. Pages are taken off the wire as they come, packed, in pieces.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3

from syncflow_dagster.nodes.salesforce.bulk_reading import PARALLEL

if TYPE_CHECKING:
    from syncflow_dagster.testing.bench.salesforce.org import Org

_PIECE = 1 << 16
_POLL_S = 0.5


class _Raw:
    """Requests with nothing around them."""

    def __init__(self, org: Org) -> None:
        address = urlsplit(org.url)
        self._pool = urllib3.HTTPConnectionPool(
            str(address.hostname), address.port, maxsize=PARALLEL + 1
        )
        self._headers = {"Authorization": f"Bearer {org.token}", "Accept-Encoding": "gzip"}
        self.jobs = f"/services/data/v{org.connection.api_version}/jobs/query"

    def json(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._pool.request(
            method,
            path,
            body=None if body is None else json.dumps(body),
            headers=self._headers | {"Content-Type": "application/json"},
        )
        if answer.status >= 300:
            msg = f"{method} {path}: {answer.status} {answer.data[:200]!r}"
            raise RuntimeError(msg)
        return json.loads(answer.data or b"null")

    def download(self, path: str) -> tuple[int, int]:
        """Throw a page away; return its rows and the bytes of its body."""
        answer = self._pool.request("GET", path, headers=self._headers, preload_content=False)
        size = 0
        for piece in answer.stream(_PIECE, decode_content=False):
            size += len(piece)
        answer.release_conn()
        return int(answer.headers["Sforce-NumberOfRecords"]), size


def floor(org: Org, soql: str) -> dict[str, Any]:
    """Download the pages of a query.

    Returns:
        `seconds` of all, `pages_s` of the lists and pages alone, `rows`, and their `bytes`.
    """
    raw = _Raw(org)
    started = time.perf_counter()
    job = f"{raw.jobs}/{raw.json('POST', raw.jobs, {'operation': 'query', 'query': soql})['id']}"
    while raw.json("GET", job)["state"] != "JobComplete":
        time.sleep(_POLL_S)
    complete = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as threads:
        coming = []
        path: str | None = f"{job}/resultPages"
        while path:
            listed = raw.json("GET", path)
            coming += [
                threads.submit(raw.download, one["resultUrl"]) for one in listed["resultPages"]
            ]
            path = listed.get("nextRecordUrl")
        pages = [one.result() for one in coming]
    downloaded = time.perf_counter()
    raw.json("DELETE", job)
    return {
        "seconds": time.perf_counter() - started,
        "pages_s": downloaded - complete,
        "rows": sum(rows for rows, _ in pages),
        "bytes": sum(size for _, size in pages),
    }

"""Calls of the fake Salesforce's Bulk API, collections and Consent API."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests


class Calls:
    """Requests with another client's `send`."""

    def __init__(self, salesforce: Any) -> None:
        self.send = salesforce.send

    def json(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """The decoded answer, which has this status."""
        answer = self.send(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def code(self, method: str, path: str, status: int = 400, **more: Any) -> str:
        """The error's code of a request that is refused."""
        code: str = self.json(method, path, status, **more)[0]["errorCode"]
        return code

    def create(self, *records: dict[str, Any], kind: str = "Contact") -> list[str]:
        """Ids of new records."""
        body = {"records": [{"attributes": {"type": kind}, **one} for one in records]}
        made = self.json("POST", "/composite/sobjects", json=body)
        assert all(one["success"] for one in made), made
        return [one["id"] for one in made]

    def get(self, record_id: str, kind: str = "Contact") -> dict[str, Any]:
        """One record."""
        found: dict[str, Any] = self.json("GET", f"/sobjects/{kind}/{record_id}")
        return found

    def query_job(self, query: str, operation: str = "query", **more: Any) -> str:
        """The Id of a new query job."""
        body = {"operation": operation, "query": query, **more}
        job_id: str = self.json("POST", "/jobs/query", json=body)["id"]
        return job_id

    def results(self, job_id: str, **parameters: Any) -> requests.Response:
        """One page of a query job's results."""
        answer = self.send("GET", f"/jobs/query/{job_id}/results", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer

    def ingest(
        self, operation: str, content: str | bytes, kind: str = "Contact", **more: Any
    ) -> str:
        """The Id of an ingest job that has its file and is closed."""
        job_id = self.open(operation, kind, **more)
        data = content.encode() if isinstance(content, str) else content
        sent = self.send("PUT", f"/jobs/ingest/{job_id}/batches", data=data, headers=CSV)
        assert sent.status_code == 201, sent.text
        self.json("PATCH", f"/jobs/ingest/{job_id}", json={"state": "UploadComplete"})
        return job_id

    def open(self, operation: str, kind: str = "Contact", **more: Any) -> str:
        """The Id of an ingest job that waits for its file."""
        body = {"operation": operation, "object": kind, "contentType": "CSV", **more}
        job_id: str = self.json("POST", "/jobs/ingest", json=body)["id"]
        return job_id

    def job(self, job_id: str, kind: str = "ingest") -> dict[str, Any]:
        """What a job tells of itself."""
        found: dict[str, Any] = self.json("GET", f"/jobs/{kind}/{job_id}")
        return found

    def outcome(self, job_id: str, which: str, delimiter: str = ",") -> list[dict[str, str]]:
        """The rows of one of an ingest job's files."""
        answer = self.send("GET", f"/jobs/ingest/{job_id}/{which}")
        assert answer.status_code == 200, answer.text
        return rows(answer, delimiter)


CSV = {"Content-Type": "text/csv; charset=UTF-8"}


def rows(answer: requests.Response, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a CSV answer."""
    text = io.StringIO(answer.content.decode(), newline="")
    return list(csv.DictReader(text, delimiter=delimiter))

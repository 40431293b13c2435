"""The file store beside the API: pre-signed addresses for uploads and reports.

It answers as S3 does: XML errors, an `ETag`, and 403 for a request that is not exactly the one
that was signed.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from starlette.responses import Response
from starlette.routing import Route

from syncflow_dagster.sandbox.monday import faulty
from syncflow_dagster.sandbox.transport import CutConnection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.faults import FaultSpec
    from syncflow_dagster.sandbox.monday.ingest import Ingest
    from syncflow_dagster.sandbox.monday.runtime import Runtime

VALID_S = 600
CSV_TYPE = "text/csv"
_ROOT = "/bulk-import"
_CHECKSUM = "x-amz-checksum-crc32"


class StoreError(Exception):
    """A refusal by the store: S3's code and text."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class SignedUrls:
    """Addresses that each allow one method on one file for ten minutes of limit time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str, str], float] = {}

    def sign(self, base_url: str, method: str, path: str) -> str:
        """An absolute address below the one at which the client reached the service."""
        signature = secrets.token_hex(32)
        self._until[method, path, signature] = self._clock.limit_time() + VALID_S
        query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires={VALID_S}"
        return f"{base_url.rstrip('/')}{path}?{query}&X-Amz-Signature={signature}"

    def check(self, method: str, path: str, signature: str) -> None:
        """Refuse what was not signed, or is over.

        Raises:
            StoreError: Always 403.
        """
        until = self._until.get((method, path, signature))
        if until is None:
            text = "The request signature we calculated does not match the signature you provided."
            raise StoreError("SignatureDoesNotMatch", text)
        if self._clock.limit_time() >= until:
            raise StoreError("AccessDenied", "Request has expired")


def upload_path(job_id: str) -> str:
    """Where a job's file goes."""
    return f"{_ROOT}/{job_id}/upload.csv"


def report_path(job_id: str) -> str:
    """Where a job's report lies."""
    return f"{_ROOT}/{job_id}/report.csv"


class FileStore:
    """The endpoints behind the signed addresses."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def routes(self) -> list[Route]:
        """`PUT` of a file and `GET` of a report."""
        return [
            Route(upload_path("{job_id}"), self.put, methods=["PUT"]),
            Route(report_path("{job_id}"), self.get, methods=["GET"]),
        ]

    @property
    def _ingest(self) -> Ingest:
        # Looked up each time: a reset makes another one.
        return self._runtime.ingest

    async def put(self, request: Request) -> Response:
        """Take a job's file; the job starts to work on the first one."""
        self._runtime.world.later.run_due()
        faults = await self._faults("upload")
        # Read whole even where it is refused: an answer in the middle of an upload is lost.
        content = await _content(request, self._ingest.settings().ingest_limits.file_bytes)
        if (instead := _instead(faults)) is not None:
            return instead
        try:
            self._ingest.urls.check("PUT", request.url.path, _signature(request))
            _check_headers(request)
        except StoreError as error:
            self._ingest.events["uploads_refused"] += 1
            return _refused(error)
        self._ingest.receive(request.path_params["job_id"], content)
        digest = hashlib.md5(content or b"", usedforsecurity=False).hexdigest()
        return _spoiled(faults, Response(status_code=200, headers={"ETag": f'"{digest}"'}))

    async def get(self, request: Request) -> Response:
        """Hand out a job's report."""
        self._runtime.world.later.run_due()
        faults = await self._faults("report")
        if (instead := _instead(faults)) is not None:
            return instead
        try:
            self._ingest.urls.check("GET", request.url.path, _signature(request))
        except StoreError as error:
            self._ingest.events["reports_refused"] += 1
            return _refused(error)
        self._ingest.events["reports"] += 1
        report = self._ingest.report(request.path_params["job_id"])
        return _spoiled(faults, Response(report, media_type=CSV_TYPE))

    async def _faults(self, op: str) -> Mapping[str, FaultSpec]:
        faults = self._runtime.world.faults.draw_beside("monday", op)
        if "slow" in faults:
            await self._runtime.world.clock.sleep(faults["slow"].delay_s or 0.0)
        return faults


def _signature(request: Request) -> str:
    return request.query_params.get("X-Amz-Signature", "")


async def _content(request: Request, limit: int) -> bytes | None:
    """The body; None when it is larger than `limit` bytes, of which no more is kept."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
    return b"".join(parts) if size <= limit else None


def _check_headers(request: Request) -> None:
    if _CHECKSUM in request.headers:
        text = "There were headers present in the request which were not signed"
        raise StoreError("AccessDenied", text)
    if request.headers.get("content-type") != CSV_TYPE:
        text = f"The request was signed with Content-Type {CSV_TYPE}"
        raise StoreError("SignatureDoesNotMatch", text)


def _refused(error: StoreError) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    )
    return Response(body, error.status, media_type="application/xml")


def _instead(faults: Mapping[str, FaultSpec]) -> Response | None:
    if (before := faults.get("error_before")) is not None:
        return _broken(before)
    if (html := faults.get("html_error")) is not None:
        return faulty.page(html.status or 502)
    return None


def _broken(spec: FaultSpec) -> Response:
    text = "We encountered an internal error. Please try again."
    return _refused(StoreError("InternalError", text, spec.status or 500))


def _spoiled(faults: Mapping[str, FaultSpec], response: Response) -> Response:
    if (after := faults.get("error_after")) is not None:
        return _broken(after)
    if (lost := faults.get("lost_reply")) is not None:
        return CutConnection(response if lost.mid_body else None)
    return response

"""Resolvers of the bulk lane: starting a job, and what `fetch_job_status` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.ingest import BACKFILL, INGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLResolveInfo

    from syncflow_dagster.sandbox.monday.context import Context

# The fields of these names came with this API version.
SINCE = "2026-07"
STARTS = frozenset({INGEST, BACKFILL})
QUERY = "fetch_job_status"
STATUS_TYPE = "ItemsJobStatus"


def ingest_items(
    context: Context, board_id: str, group_id: str, on_match: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """`ingest_items`: a job that creates items, and updates those that match."""
    return _started(context, INGEST, board_id, group_id, on_match)


def backfill_items(context: Context, board_id: str, group_id: str) -> dict[str, Any]:
    """`backfill_items`: a larger job of an administrator, which only creates."""
    return _started(context, BACKFILL, board_id, group_id)


def _started(context: Context, operation: str, *given: Any) -> dict[str, Any]:
    job = context.ingest.start(operation, context.limits, *given)
    return {"job_id": job.id, "upload_url": context.ingest.upload_url(job, context.base_url)}


def fetch_job_status(context: Context, job_id: str) -> dict[str, Any]:
    """`fetch_job_status`: of a job that the caller started."""
    return context.ingest.job(job_id, context.limits).described()


def _report_url(status: dict[str, Any], info: GraphQLResolveInfo) -> str | None:
    context: Context = info.context
    return context.ingest.report_url(status["job"], context.base_url)


RESOLVERS = {STATUS_TYPE: {"report_url": _report_url}}

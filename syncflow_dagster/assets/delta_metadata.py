"""What a build of a delta node shows: counts, how it read, how fast, and a preview."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import dagster as dg

from syncflow_dagster.assets import tables
from syncflow_dagster.assets.plots import bars
from syncflow_dagster.core.soql.literals import without_texts
from syncflow_dagster.nodes.delta.report import COUNTS, DeltaResult, StageReport
from syncflow_dagster.nodes.pull.salesforce import SalesforceRows
from syncflow_dagster.nodes.pull.salesforce_window import Window
from syncflow_dagster.nodes.rows import Interval, RowSource

_OPERATIONS = ("inserted", "updated", "deleted", "same", "rejected", "duplicates", "waiting")
#: A rate over less time than this says nothing.
_MEASURABLE_S = 0.01
#: Queries shown of a read that takes several, and characters shown of each.
_QUERIES, _LONGEST_QUERY = 5, 2_000
_WRITTEN = ("inserted", "updated", "deleted")
_STRATEGIES = {
    "hash": "hash: all rows were read and compared by their contents",
    "sweep": "sweep: all rows were read, so that the next build may read changes only",
    "changes": "changes: only rows of a newer version than the last one seen were read",
}


def summary(result: DeltaResult) -> str:
    """Return a build's numbers in a sentence for the log."""
    told = ", ".join(f"{result.counts[name]:,} {name}" for name in _OPERATIONS)
    return (
        f"{result.counts['read']:,} rows read, {told}; {result.seconds:,.1f} s, "
        f"{_rate(_extract(result).rows, result.seconds):,.0f} rows/s from source to commit"
    )


def pull_metadata(result: DeltaResult, source: RowSource) -> dict[str, Any]:
    """Return what the pull's materialisation shows.

    Args:
        result: The build that the rows went into.
        source: What they were read from; it may tell how.
    """
    extract = _extract(result)
    return {
        **_of_query(source),
        **_of_interval(result.interval),
        "dagster/row_count": result.counts["read"],
        "seconds": round(extract.seconds, 3),
        "rows_per_s": _rate(extract.rows, extract.seconds),
    }


def _of_interval(interval: Interval | None) -> dict[str, Any]:
    """Return which time was read, where the query asks for it."""
    if interval is None:
        return {}
    end = dg.MetadataValue.timestamp(interval.end)
    if interval.start is None:
        return {"interval_start": "the first row", "interval_end": end}
    return {"interval_start": dg.MetadataValue.timestamp(interval.start), "interval_end": end}


def _of_query(source: RowSource) -> dict[str, Any]:
    """Return how records were asked of an org, where they came from one."""
    told = source.told if isinstance(source, SalesforceRows) else None
    if told is None:
        return {}
    metadata: dict[str, Any] = {
        "api": f"{told.choice.api}: {told.choice.why}",
        "soql": dg.MetadataValue.md(
            "\n\n".join(
                # An event log is for ever, and the values may tell about persons.
                f"```sql\n{without_texts(query)[:_LONGEST_QUERY]}\n```"
                for query in told.queries[:_QUERIES]
            )
        ),
        "queries": len(told.queries),
        "window": _in_words(told.window),
    }
    if told.usage is not None and told.usage.allowed:
        metadata |= {"org_requests_used": told.usage.used, "org_requests": told.usage.allowed}
    return metadata


def _in_words(window: Window) -> str:
    if window.since is None or window.upto is None:
        return "all records"
    return f"changes from {window.since.isoformat()} to before {window.upto.isoformat()}"


def delta_metadata(
    result: DeltaResult, states: dict[str, int], swept_at: datetime | None
) -> dict[str, Any]:
    """Return what the delta's materialisation shows.

    Args:
        result: The build.
        states: Delta rows by state.
        swept_at: When all rows were read last, where builds may read changes only.
    """
    counts = {name: result.counts[name] for name in _OPERATIONS}
    metadata: dict[str, Any] = {
        "dagster/row_count": result.counts["records"],
        **counts,
        "superseded": result.counts["superseded"],
        "migrated": result.counts["migrated"],
        "batch": result.batch_id,
        "strategy": _STRATEGIES[result.strategy],
        "chunks_resumed": result.resumed,
        "seconds": round(result.seconds, 3),
        "rows_per_s": _rate(_extract(result).rows, result.seconds),
        "states": tables.table(
            [{"state": state, "delta_rows": rows} for state, rows in states.items()],
            ["state", "delta_rows"],
        ),
        "stages": _stages(result),
        "preview": tables.preview(result.preview.to_dicts()),
    }
    if swept_at is not None:
        metadata["last_full_read"] = dg.MetadataValue.timestamp(swept_at)
    if any(counts[name] for name in _WRITTEN):
        # Not for a run that found nothing: a picture costs its process half a second.
        metadata["operations"] = bars(counts, "records of this run")
    return metadata | _rejected(result)


def retry_metadata(result: DeltaResult | None, still_rejected: int) -> dict[str, Any]:
    """Return what another try of a node's rejected rows shows.

    Args:
        result: The try; None if there was nothing to try.
        still_rejected: Rows of the node that are rejected after it.
    """
    tried = dict.fromkeys(COUNTS, 0) if result is None else result.counts
    metadata: dict[str, Any] = {
        "tried": tried["records"],
        "mended": tried["records"] - tried["rejected"] - tried["duplicates"],
        "still_rejected": still_rejected,
        **{name: tried[name] for name in ("inserted", "updated", "same", "waiting")},
    }
    if result is not None:
        metadata["seconds"] = round(result.seconds, 3)
        metadata |= _rejected(result)
    return metadata


def _rejected(result: DeltaResult) -> dict[str, dg.TableMetadataValue]:
    if not result.rejected:
        return {}
    columns = ["row_number", "business_key", "customer", "column", "value", "reason"]
    return {"rejected_records": tables.table([asdict(one) for one in result.rejected], columns)}


def _stages(result: DeltaResult) -> dg.TableMetadataValue:
    rows = [
        {
            "stage": one.name,
            "rows": one.rows,
            "seconds": round(one.seconds, 3),
            "rows_per_s": round(one.rows / one.seconds) if one.seconds >= _MEASURABLE_S else None,
        }
        for one in result.stages
    ]
    return tables.table(rows, ["stage", "rows", "seconds", "rows_per_s"])


def _extract(result: DeltaResult) -> StageReport:
    """Return what was read this time: a build that goes on where one was killed reads the rest."""
    return next(stage for stage in result.stages if stage.name == "extract")


def _rate(rows: int, seconds: float) -> float:
    return round(rows / seconds, 1) if seconds else 0.0

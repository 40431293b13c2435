"""What waits for a parent, as checks and materialisations show it."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from syncflow_dagster.assets import tables
from syncflow_dagster.nodes.delta.cycles import Cycles
from syncflow_dagster.nodes.delta.waiting import Family, Waiting, WaitingRow, shown_way

_ROW = ["business_key", "customer", "cause", "reason", "since", "tries", "way"]
_FAMILY = ["parent", "children", "cause", "reason", "since", "way"]


def waiting_metadata(found: Waiting) -> dict[str, Any]:
    """Return the waiting rows of a delta node for its materialisation: numbers, causes, parents."""
    numbers = found.statistics
    metadata: dict[str, Any] = {
        "waiting_rows": numbers.rows,
        "waiting_parents": numbers.families,
        "waiting_depth": numbers.depth,
    }
    if numbers.oldest is not None:
        metadata["waiting_since"] = dg.MetadataValue.timestamp(numbers.oldest)
        metadata["waiting_causes"] = tables.table(
            [{"cause": cause, "rows": rows} for cause, rows in numbers.causes.items()],
            ["cause", "rows"],
        )
        metadata["largest_families"] = _families(found.families)
    return metadata


def orphans(key: dg.AssetKey, name: str, found: Waiting, cycles: Cycles) -> dg.AssetCheckResult:
    """Return the check of what waits for a parent, and of records that are their own ancestors.

    Args:
        key: The delta node's asset.
        name: The check's name.
        found: The waiting rows.
        cycles: The cycles among all records.
    """
    metadata: dict[str, Any] = {**waiting_metadata(found), "cycles": cycles.cycles}
    metadata["number"] = found.statistics.rows
    if found.rows:
        metadata["samples"] = _rows(found.rows)
    if cycles.samples:
        ways = [{"way": shown_way(sample)} for sample in cycles.samples]
        metadata["cycle_samples"] = tables.table(ways, ["way"])
    told = [one for one in (found.statistics.in_words(), cycles.in_words()) if one]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not told,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(told) or "No record waits.",
        metadata=metadata,
    )


def _rows(rows: Iterable[WaitingRow]) -> dg.TableMetadataValue:
    shown = [{name: getattr(one, name) for name in _ROW if name != "way"} for one in rows]
    ways = (shown_way(one.path) for one in rows)
    return tables.table([{**one, "way": way} for one, way in zip(shown, ways, strict=True)], _ROW)


def _families(families: Iterable[Family]) -> dg.TableMetadataValue:
    return tables.table(
        [
            {
                "parent": one.key,
                "children": one.children,
                "cause": one.cause,
                "reason": one.reason,
                "since": one.since,
                "way": shown_way(one.path),
            }
            for one in families
        ],
        _FAMILY,
    )

"""The check of what has been in one state for too long; runs make it, and a sensor between runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, tables
from syncflow_dagster.assets.progress import duration
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.resources.stuck import Stuck, Watched, find_stuck, samples
from syncflow_dagster.store.database import Database
from syncflow_dagster.workflows.models import MondayPushNode, TagNode, Workflow

CHECK = "no_stuck_rows"
_EXAMPLES = 3
_COLUMNS = ["what", "customer", "state", "state_since", "reason"]


@dataclass(frozen=True, slots=True)
class StuckPlace:
    """Where the check is made.

    Attributes:
        workflow: The workflow.
        watched: The delta node or push node it looks at.
        key: The asset that shows it.
    """

    workflow: Workflow
    watched: Watched
    key: dg.AssetKey


def place_of_rows(workflow: Workflow, name: str, table: str) -> StuckPlace:
    """Return where the rows of a delta node are checked."""
    watched = Watched(workflow.workflow, name, workflow.stuck_after.of_rows, table)
    return StuckPlace(workflow, watched, names.asset_key(workflow, name))


def place_of_effects(workflow: Workflow, node: MondayPushNode) -> StuckPlace:
    """Return where the effects of a push are checked: its last pass."""
    watched = Watched(workflow.workflow, node.name, workflow.stuck_after.of_effects)
    return StuckPlace(workflow, watched, names.pass_key(workflow, node, names.passes(node)[-1]))


def place_of_tags(workflow: Workflow, node: TagNode) -> StuckPlace:
    """Return where the effects of a tag node are checked."""
    watched = Watched(workflow.workflow, node.name, workflow.stuck_after.of_effects)
    return StuckPlace(workflow, watched, names.asset_key(workflow, node.name))


def stuck_places(workflow: Workflow) -> Iterator[StuckPlace]:
    """Return all places of a workflow."""
    pushed = names.delta_tables(workflow)
    for node in workflow.deltas:
        if node.table in pushed:
            yield place_of_rows(workflow, node.name, node.table)
    for push in workflow.pushes:
        yield place_of_effects(workflow, push)
    for tag in workflow.tags:
        yield place_of_tags(workflow, tag)


def stuck_result(database: Database, place: StuckPlace, now: datetime) -> dg.AssetCheckResult:
    """Make the check.

    Args:
        database: Delta tables and ledger.
        place: Where.
        now: Database time.
    """
    found = find_stuck(database, [place.watched], now)
    shown: list[Mapping[str, Any]] = [*samples(database, place.watched, now)] if found else []
    left = _left_behind(database, place)
    told = [_words(one, place.watched.limits[one.state], shown) for one in found]
    left_number = int(left[0]["total"]) if left else 0
    told += [f"{left_number:,} belong to what the workflow no longer has"] if left else []
    number = sum(one.number for one in found) + left_number
    metadata: dict[str, Any] = {"number": number}
    if number:
        metadata["samples"] = tables.table([*left, *shown], _COLUMNS)
    if found:
        metadata["oldest"] = dg.MetadataValue.timestamp(min(one.since for one in found))
    # A parent that does not come is the source's matter; everything else is ours.
    only_waits = not left and all(one.state == "WAITING" for one in found)
    return dg.AssetCheckResult(
        asset_key=place.key,
        check_name=CHECK,
        passed=not number,
        severity=dg.AssetCheckSeverity.WARN if only_waits else dg.AssetCheckSeverity.ERROR,
        description="; ".join(told) or "None is.",
        metadata=metadata,
    )


def _words(stuck: Stuck, limit: timedelta, shown: Sequence[Mapping[str, Any]]) -> str:
    examples = [str(row["what"]) for row in shown if row["state"] == stuck.state][:_EXAMPLES]
    more = ", …" if stuck.number > len(examples) else ""
    since = stuck.since.isoformat(sep=" ", timespec="seconds")
    number, oldest = (
        (f"more than {stuck.number:,}", "one")
        if stuck.more
        else (f"{stuck.number:,}", "the oldest")
    )
    return (
        f"{number} {stuck.state} for more than {duration(limit.total_seconds())}, {oldest} since "
        f"{since}: {', '.join(examples)}{more}"
    )


def _left_behind(database: Database, place: StuckPlace) -> list[dict[str, Any]]:
    workflow = place.workflow
    places = names.effect_places(workflow)
    if not places or place.watched.node != places[0][0]:
        return []  # told once
    return [
        {
            **one,
            "customer": None,
            "reason": f"the workflow no longer has the {names.PASSES.get(one['pass'], 'pass')} of "
            f"a node {one['node']!r}: nothing takes this up unless it comes back",
        }
        for one in Observer(database).left_behind(workflow.workflow, places)
    ]

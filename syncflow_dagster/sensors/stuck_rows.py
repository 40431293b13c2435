"""Notices what is stuck although no run is started: the check changes when the state does.

A tick asks one question about all workflows. Only where something has become stuck, or is stuck no
more, since the last tick, the check is made and reported; so there is one event for each change.
"""

import json
from collections.abc import Sequence
from datetime import datetime

import dagster as dg
import psycopg

from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.assets.stuck import StuckPlace, stuck_places, stuck_result
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.resources.stuck import Stuck, find_stuck
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import MigrationError
from syncflow_dagster.workflows.models import Workflow

NAME = "stuck_rows"
_EVERY_S = 60
_DESCRIPTION = (
    "Looks every minute for changes that have been in one state for longer than their workflow "
    "file's `stuck_after` allows, and brings the check `no_stuck_rows` up to date when that "
    "changes: once when something gets stuck, and once when nothing is any more."
)


def stuck_rows_sensor(workflows: Sequence[Workflow]) -> dg.SensorDefinition:
    """Return the sensor of all workflows."""
    places = [place for workflow in workflows for place in stuck_places(workflow)]

    @dg.sensor(
        name=NAME,
        description=_DESCRIPTION,
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={STORE},
    )
    def stuck_rows(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        store: StoreResource = getattr(context.resources, STORE)
        try:
            with store.open() as opened:
                now = opened.clock.now()
                return evaluate(opened.database, places, context.cursor, now)
        except (psycopg.Error, MigrationError) as error:
            return dg.SkipReason(f"SyncFlow's database cannot be asked: {str(error).strip()}")

    return stuck_rows


def evaluate(
    database: Database, places: Sequence[StuckPlace], cursor: str | None, now: datetime
) -> dg.SensorResult:
    """Report what has changed since the last tick.

    Args:
        database: Delta tables and ledger.
        places: Where to look.
        cursor: What was stuck at the last tick; None at the first.
        now: Database time.
    """
    found = find_stuck(database, [place.watched for place in places], now)
    before: dict[str, list[str]] = json.loads(cursor) if cursor else {}
    after = {_name(place): states for place in places if (states := _states(place, found))}
    changed = [one for one in places if before.get(_name(one)) != after.get(_name(one))]
    events = [_evaluation(stuck_result(database, one, now)) for one in changed]
    number = sum(one.number for one in found)
    words = f"{number:,} changes are stuck." if number else "Nothing is stuck."
    return dg.SensorResult(
        asset_events=events,
        cursor=json.dumps(after, sort_keys=True),
        skip_reason=None if events else f"{words} Nothing changed.",
    )


def _name(place: StuckPlace) -> str:
    return f"{place.watched.workflow}.{place.watched.node}"


def _states(place: StuckPlace, found: Sequence[Stuck]) -> list[str]:
    watched = place.watched
    where = (watched.workflow, watched.node)
    return sorted(one.state for one in found if (one.workflow, one.node) == where)


def _evaluation(result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    assert result.asset_key is not None
    assert result.check_name is not None
    return dg.AssetCheckEvaluation(
        asset_key=result.asset_key,
        check_name=result.check_name,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )

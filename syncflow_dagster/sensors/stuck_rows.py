"""Notices what is stuck although no run is started: the check changes when the state does.

A tick asks one question about all workflows. Only where something has become stuck, or is stuck no
more, since the last tick, the check is made and reported; so there is one event for each change. A
run makes the check too, between two ticks: where it is red and nothing is stuck any more, it is
made again.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

import dagster as dg
import psycopg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus,
)

from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.assets.stuck import CHECK, StuckPlace, stuck_places, stuck_result
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
#: Makes the tick fail, so that it is seen: nobody is told of what gets stuck meanwhile.
_TOO_LONG = (
    "What is stuck could not be found in time: the database is there, but busy, or so many changes "
    "wait that to tell the stuck ones from the others takes too long. The next tick asks again; "
    "the check no_stuck_rows, run by hand, asks for one node alone"
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
                red = _red(context.instance, places)
                return evaluate(opened.database, places, context.cursor, now, red)
        except psycopg.errors.QueryCanceled as error:
            raise dg.Failure(_TOO_LONG) from error
        except (psycopg.Error, MigrationError) as error:
            return dg.SkipReason(f"SyncFlow's database cannot be asked: {str(error).strip()}")

    return stuck_rows


def evaluate(
    database: Database,
    places: Sequence[StuckPlace],
    cursor: str | None,
    now: datetime,
    red: Collection[dg.AssetCheckKey] = (),
) -> dg.SensorResult:
    """Report what has changed since the last tick.

    Args:
        database: Delta tables and ledger.
        places: Where to look.
        cursor: What was stuck at the last tick; None at the first.
        now: Database time.
        red: Checks whose last result is that something is stuck.
    """
    found = find_stuck(database, [place.watched for place in places], now)
    before: dict[str, list[str]] = json.loads(cursor) if cursor else {}
    after = {_name(place): states for place in places if (states := _states(place, found))}
    changed = [one for one in places if before.get(_name(one)) != after.get(_name(one))]
    events = [_evaluation(stuck_result(database, one, now)) for one in changed]
    for one in places:
        if one not in changed and _name(one) not in after and _key(one) in red:
            result = stuck_result(database, one, now)
            # What the workflow no longer has is not asked for at each tick, and stays red.
            events += [_evaluation(result)] if result.passed else []
    number = sum(one.number for one in found)
    more = "More than " if any(one.more for one in found) else ""
    words = f"{more}{number:,} changes are stuck." if number else "Nothing is stuck."
    return dg.SensorResult(
        asset_events=events,
        cursor=json.dumps(after, sort_keys=True),
        skip_reason=None if events else f"{words} Nothing changed.",
    )


def _name(place: StuckPlace) -> str:
    return f"{place.watched.workflow}.{place.watched.node}"


def _key(place: StuckPlace) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(place.key, CHECK)


def _red(instance: dg.DagsterInstance, places: Sequence[StuckPlace]) -> list[dg.AssetCheckKey]:
    """Return the checks that were made last with something stuck."""
    keys = [_key(one) for one in places]
    last = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    failed = AssetCheckExecutionRecordStatus.FAILED
    return [key for key, record in last.items() if record.status == failed]


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

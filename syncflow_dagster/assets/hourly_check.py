"""Checks that cost requests: runs of the whole workflow repeat a result that is young enough."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from syncflow_dagster.assets import names
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.steps import OpenStep, StepResources
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import MondayPushNode

#: Metadata: when the board was last looked at.
COUNTED_AT = "counted_at"
#: How long a result stands.
_COUNT_EVERY = timedelta(hours=1)


def hourly_check(
    loaded: LoadedWorkflow,
    node: MondayPushNode,
    spec: dg.AssetCheckSpec,
    name: str,
    *,
    judge: Callable[[OpenStep], dg.AssetCheckResult],
    repeats: Callable[[dg.AssetCheckResult, datetime], bool],
    with_pool: bool,
) -> dg.AssetChecksDefinition:
    """Return a check of a push node's board.

    Args:
        loaded: The workflow.
        node: The push node.
        spec: What the check is.
        name: The step's name within the workflow.
        judge: Looks at the board.
        repeats: Says whether the last result stands at a moment of this machine's time.
        with_pool: Whether it takes a place in the account's pool.
    """
    workflow = loaded.workflow
    step = StepResources(loaded, [node.connection])

    @dg.multi_asset_check(
        name=names.step_name(workflow, name),
        specs=[spec],
        required_resource_keys=step.keys,
        pool=names.account(workflow, node) if with_pool else None,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        last = last_count(context.instance, spec.key)
        is_whole_run = context.run.job_name == workflow.workflow
        if is_whole_run and last is not None and repeats(last, datetime.now(UTC)):
            yield last
            return
        with readable_failures(), step.open(context) as opened:
            yield judge(opened)

    return check


def last_count(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> dg.AssetCheckResult | None:
    """Return the last result of the check that came of a count, or repeats one."""
    records = instance.event_log_storage.get_asset_check_execution_history(
        key,
        limit=1,
        status={
            AssetCheckExecutionRecordStatus.SUCCEEDED,
            AssetCheckExecutionRecordStatus.FAILED,
        },
    )
    event = records[0].event.dagster_event if records and records[0].event else None
    if event is None:
        return None
    told = event.asset_check_evaluation_data
    return dg.AssetCheckResult(
        passed=told.passed,
        severity=told.severity,
        description=told.description,
        metadata=told.metadata,
    )


def stands(last: dg.AssetCheckResult, now: datetime) -> bool:
    """Say whether a count is young enough; one that could not be made never is.

    Args:
        last: The last result.
        now: This machine's time, as the result's.
    """
    counted_at = (last.metadata or {}).get(COUNTED_AT)
    if not isinstance(counted_at, dg.TimestampMetadataValue):
        return False
    return now - datetime.fromtimestamp(counted_at.value, UTC) < _COUNT_EVERY

"""Running a workflow's job in this process, on the instance the UI shows."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.assets.workflow import workflow_definitions
from syncflow_dagster.resources.run_options import (
    RESOURCE,
    RunOptions,
    RunOptionsResource,
    resource_config,
    run_config,
)
from syncflow_dagster.resources.store import StoreResource, store_resource
from syncflow_dagster.workflows.loader import LoadedWorkflow

_LINES = "lines"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check said."""

    asset: str
    check: str
    passed: bool
    severity: str
    description: str


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """A run that has ended.

    Attributes:
        run_id: Its id in the UI.
        success: Whether every step succeeded.
        error: What failed and what to do, if something did.
        numbers: The numbers each asset reported, by its name; in a dry run the plan's.
        checks: Every check that was made.
    """

    run_id: str
    success: bool
    error: str | None
    numbers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()


def execute_workflow(
    loaded: LoadedWorkflow,
    instance: dg.DagsterInstance,
    *,
    dry_run: bool = False,
    limit: int | None = None,
    full_resync: bool = False,
    customer: str | None = None,
    only_push: bool = False,
    store: StoreResource | None = None,
    tags: Mapping[str, str] | None = None,
    log: Callable[[str], None] | None = None,
) -> WorkflowRun:
    """Run a workflow's job to its end, here.

    It does not queue: it waits for no pool, and a push that another process has in hand fails.

    Args:
        loaded: The workflow, with the connections it shall use.
        instance: Where the run is recorded.
        dry_run: See `RunOptions`, as for the next three.
        limit: See there.
        full_resync: See there.
        customer: See there.
        only_push: Push what waits, without reading the source.
        store: SyncFlow's database; the one the environment names if left out.
        tags: Tags of the run, beside the workflow's own.
        log: Takes the run's log lines.
    """
    lines = log or (lambda _: None)
    built = workflow_definitions(
        loaded, with_pools=False, as_written=False, options=_options_and_lines
    )
    chosen = built.push_job if only_push and built.push_job is not None else built.job
    definitions = dg.Definitions(
        assets=built.assets,
        asset_checks=built.checks,
        jobs=[chosen],
        resources={
            STORE: store or store_resource(),
            RESOURCE: RunOptionsResource(),
            **built.resources,
        },
        loggers={_LINES: _line_logger(lines)},
    )
    result = definitions.resolve_job_def(chosen.name).execute_in_process(
        run_config=run_config(
            dry_run=dry_run, limit=limit, full_resync=full_resync, customer=customer
        ),
        instance=instance,
        tags=dict(tags or {}),
        raise_on_error=False,
    )
    return _summary(result)


@dg.config_mapping
def _options_and_lines(options: RunOptions) -> dict[str, Any]:
    return {**resource_config(options), "loggers": {_LINES: {"config": {}}}}


def _line_logger(log: Callable[[str], None]) -> dg.LoggerDefinition:
    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told = getattr(record, "dagster_meta", {}).get("orig_message")
            log(str(told or record.getMessage()))

    @dg.logger
    def lines(_: dg.InitLoggerContext) -> logging.Logger:
        # One of its own, known by no name: two runs in one process must not hear each other.
        logger = logging.Logger("syncflow.run", logging.INFO)  # noqa: LOG001
        logger.addHandler(Lines(logging.INFO))
        return logger

    return lines


def _summary(result: dg.ExecuteInProcessResult) -> WorkflowRun:
    numbers: dict[str, dict[str, float]] = {}
    errors = []
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            _keep(numbers, event.step_materialization_data.materialization)
        elif event.event_type == dg.DagsterEventType.ASSET_OBSERVATION:
            _keep(numbers, event.asset_observation_data.asset_observation)
        elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
            errors.append(_error(event))
    checks = tuple(
        CheckResult(
            one.asset_key.path[-1],
            one.check_name,
            one.passed,
            one.severity.value,
            one.description or "",
        )
        for one in result.get_asset_check_evaluations()
    )
    error = "\n\n".join(errors) or (None if result.success else "the run failed before a step")
    return WorkflowRun(result.run_id, result.success, error, numbers, checks)


def _keep(
    numbers: dict[str, dict[str, float]], event: dg.AssetMaterialization | dg.AssetObservation
) -> None:
    numbers[event.asset_key.path[-1]] = {
        name: value.value
        for name, value in event.metadata.items()
        if isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue)
        and value.value is not None
    }


def _error(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    told = data.user_failure_data
    if told is not None and told.description:
        return f"{event.step_key}: {told.description}"
    words = data.error.cause or data.error if data.error is not None else None
    return f"{event.step_key}: {words.message.strip() if words is not None else 'failed'}"

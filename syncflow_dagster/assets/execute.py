"""Running a workflow's job in this process, on the instance the UI shows."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, partitions
from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.assets.workflow import Job, WorkflowDefinitions, workflow_definitions
from syncflow_dagster.nodes.delta.report import COUNTS
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
_LOGGERS: dict[str, Any] = {_LINES: {"config": {}}}
#: Numbers that add up over partitions.
_COUNTS = frozenset({*COUNTS, "dagster/row_count", "seconds", "chunks_resumed"})


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
    """A run that has ended, or the runs of a workflow's partitions and the one after them.

    Attributes:
        run_ids: Ids in the UI, in the order of running.
        success: Whether every step succeeded.
        error: What failed and what to do, if something did.
        numbers: The numbers each asset reported, by its name; in a dry run the plan's. Those of
            partitions are added up.
        checks: Every check that was made, as it ended last.
    """

    run_ids: tuple[str, ...]
    success: bool
    error: str | None
    numbers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()

    @property
    def run_id(self) -> str:
        """Id of the last run."""
        return self.run_ids[-1]


def execute_workflow(
    loaded: LoadedWorkflow,
    instance: dg.DagsterInstance,
    *,
    only_push: bool = False,
    store: StoreResource | None = None,
    tags: Mapping[str, str] | None = None,
    log: Callable[[str], None] | None = None,
    **chosen: Any,
) -> WorkflowRun:
    """Run a workflow to its end, here: partition by partition, then what is not split.

    It does not queue: it waits for no pool, and a push that another process has in hand fails.
    The first run that fails is the last.

    Args:
        loaded: The workflow, with the connections it shall use.
        instance: Where the runs are recorded.
        only_push: Push what waits, without reading the source.
        store: SyncFlow's database; the one the environment names if left out.
        tags: Tags of the runs, beside the workflow's own.
        log: Takes the runs' log lines.
        chosen: Fields of `RunOptions`; what is left out has its default.
    """
    built = _built(loaded)
    wanted = _wanted(built, only_push=only_push)
    mapped = run_config(**chosen)
    options = RunOptions.model_validate(mapped)
    definitions = _definitions(built, [job for job, _ in wanted], store, log)
    results = []
    for job, partition in wanted:
        result = definitions.resolve_job_def(job.name).execute_in_process(
            run_config=mapped if partition is None else _with_lines(options),
            instance=instance,
            partition_key=partition,
            tags=dict(tags or {}),
            raise_on_error=False,
        )
        results.append(result)
        if not result.success:
            break
    return _summary(results)


def retry_rejected_rows(
    loaded: LoadedWorkflow,
    instance: dg.DagsterInstance,
    *,
    node: str | None = None,
    store: StoreResource | None = None,
    tags: Mapping[str, str] | None = None,
    log: Callable[[str], None] | None = None,
) -> WorkflowRun:
    """Try a workflow's rejected rows again, here, without reading the source.

    Args:
        loaded: The workflow.
        instance: Where the run is recorded.
        node: The delta node whose rows are tried; all nodes' if left out.
        store: SyncFlow's database; the one the environment names if left out.
        tags: Tags of the run, beside the workflow's own.
        log: Takes the run's log lines.
    """
    built = _built(loaded)
    definitions = _definitions(built, [built.retry_job], store, log)
    step = names.step_name(loaded.workflow, f"retry_{node}")
    result = definitions.resolve_job_def(built.retry_job.name).execute_in_process(
        run_config={"loggers": _LOGGERS},
        instance=instance,
        op_selection=None if node is None else [step],
        tags=dict(tags or {}),
        raise_on_error=False,
    )
    return _summary([result])


def _built(loaded: LoadedWorkflow) -> WorkflowDefinitions:
    return workflow_definitions(
        loaded, with_pools=False, as_written=False, options=_options_and_lines
    )


def _wanted(built: WorkflowDefinitions, *, only_push: bool) -> list[tuple[Job, str | None]]:
    """Return the jobs of a run, each with its partition."""
    if only_push and built.push_job is not None:
        return [(built.push_job, None)]
    split = partitions.partitioned(built.loaded.workflow)
    wanted: list[tuple[Job, str | None]] = [
        (built.parts_job, key) for key in (partitions.keys(split[0]) if split else [])
    ]
    return [*wanted, (built.job, None)] if built.job is not None else wanted


def _definitions(
    built: WorkflowDefinitions,
    jobs: Iterable[Job],
    store: StoreResource | None,
    log: Callable[[str], None] | None,
) -> dg.Definitions:
    return dg.Definitions(
        assets=built.assets,
        asset_checks=built.checks,
        jobs=list({job.name: job for job in jobs}.values()),
        resources={
            STORE: store or store_resource(),
            RESOURCE: RunOptionsResource(),
            **built.resources,
        },
        loggers={_LINES: _line_logger(log or (lambda _: None))},
    )


@dg.config_mapping
def _options_and_lines(options: RunOptions) -> dict[str, Any]:
    return _with_lines(options)


def _with_lines(options: RunOptions) -> dict[str, Any]:
    return {**resource_config(options), "loggers": _LOGGERS}


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


def _summary(results: Sequence[dg.ExecuteInProcessResult]) -> WorkflowRun:
    numbers: dict[str, dict[str, float]] = {}
    checks: dict[tuple[str, str], CheckResult] = {}
    errors = []
    for result in results:
        errors += [
            _error(event)
            for event in result.all_events
            if event.event_type == dg.DagsterEventType.STEP_FAILURE
        ]
        for name, found in _numbers(result).items():
            numbers[name] = _added(numbers.get(name, {}), found)
        checks |= {(one.asset, one.check): one for one in _checks(result)}
    success = all(result.success for result in results)
    return WorkflowRun(
        run_ids=tuple(result.run_id for result in results),
        success=success,
        error="\n\n".join(errors) or (None if success else "the run failed before a step"),
        numbers=numbers,
        checks=tuple(checks.values()),
    )


def _numbers(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, float]]:
    numbers: dict[str, dict[str, float]] = {}
    for event in result.all_events:
        told: dg.AssetMaterialization | dg.AssetObservation
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            told = event.step_materialization_data.materialization
        elif event.event_type == dg.DagsterEventType.ASSET_OBSERVATION:
            told = event.asset_observation_data.asset_observation
        else:
            continue
        numbers[told.asset_key.path[-1]] = {
            name: value.value
            for name, value in told.metadata.items()
            if isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue)
            and value.value is not None
        }
    return numbers


def _added(sums: Mapping[str, float], more: Mapping[str, float]) -> dict[str, float]:
    """Add one partition's numbers to those before it; what is no count is the newest."""
    added = {**sums, **more}
    for name in _COUNTS & sums.keys() & more.keys():
        added[name] = sums[name] + more[name]
    if "rows_per_s" in sums and added["seconds"]:
        rows = sum(one["rows_per_s"] * one["seconds"] for one in (sums, more))
        added["rows_per_s"] = round(rows / added["seconds"], 1)
    return added


def _checks(result: dg.ExecuteInProcessResult) -> Iterator[CheckResult]:
    for one in result.get_asset_check_evaluations():
        yield CheckResult(
            one.asset_key.path[-1],
            one.check_name,
            one.passed,
            one.severity.value,
            one.description or "",
        )


def _error(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    told = data.user_failure_data
    if told is not None and told.description:
        return f"{event.step_key}: {told.description}"
    words = data.error.cause or data.error if data.error is not None else None
    return f"{event.step_key}: {words.message.strip() if words is not None else 'failed'}"

"""What checks of different nodes have in common: their results, and which of them are asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, tables
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.steps import OpenStep, StepResources
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.workflows.loader import LoadedWorkflow

Maker = Callable[[], dg.AssetCheckResult]
Rows = Sequence[Mapping[str, Any]]

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def checks_of(
    loaded: LoadedWorkflow,
    key: dg.AssetKey,
    descriptions: Mapping[str, str],
    make: Callable[[OpenStep], Mapping[str, Maker]],
    connections: Sequence[str] = (),
    *,
    part: str | None = None,
) -> dg.AssetChecksDefinition:
    """Return checks of an asset, none of which holds up what comes after it.

    Args:
        loaded: The workflow.
        key: The asset.
        descriptions: What each check says when it is green, by name.
        make: Gives what makes each result; a person may ask for a single one.
        connections: Connections that are needed for it.
        part: What the step is called after; the asset's own name if left out.
    """
    step = StepResources(loaded, list(connections))

    @dg.multi_asset_check(
        name=names.step_name(loaded.workflow, f"check_{part or key.path[-1]}"),
        specs=[
            dg.AssetCheckSpec(name, asset=key, description=text, blocking=False)
            for name, text in descriptions.items()
        ],
        required_resource_keys=step.keys,
        can_subset=True,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        wanted = {one.name for one in context.selected_asset_check_keys}
        with readable_failures(), step.open(context) as opened:
            for name, result_of in make(opened).items():
                if name in wanted:
                    yield result_of()

    return check


def result(
    name: str,
    key: dg.AssetKey,
    number: int,
    words: str,
    rows: Rows,
    columns: Sequence[str],
    severity: dg.AssetCheckSeverity = WARN,
) -> dg.AssetCheckResult:
    """Return a result that is green where nothing is counted.

    Args:
        name: The check's name.
        key: The asset it is of.
        number: How many there are.
        words: The same in words.
        rows: Some of them.
        columns: What is shown of each.
        severity: How bad it is if there are any.
    """
    metadata: dict[str, Any] = {"number": number}
    if rows:
        metadata["samples"] = tables.table(rows, columns)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=number == 0,
        severity=severity,
        description=words,
        metadata=metadata,
    )


def unknown_outcomes(
    key: dg.AssetKey, observer: Observer, workflow: str, node: str
) -> dg.AssetCheckResult:
    """Return the result about effects of which it is not known whether they happened.

    Args:
        key: The asset.
        observer: Asks the ledger.
        workflow: The workflow's name.
        node: The node that sends.
    """
    rows = observer.open_questions(workflow, node)
    unknown, person = (rows[0]["unknown"], rows[0]["needs_person"]) if rows else (0, 0)
    words = f"{unknown:,} are being looked up, {person:,} need a person"
    columns = ["effect_id", "kind", "record", "customer", "state", "state_since", "reason"]
    severity = ERROR if person else WARN
    return result("no_unknown_outcomes", key, unknown + person, words, rows, columns, severity)

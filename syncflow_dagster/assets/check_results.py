"""What checks of different nodes have in common: their results, and which of them are asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from syncflow_dagster.assets import tables
from syncflow_dagster.resources.observe import Observer

Maker = Callable[[], dg.AssetCheckResult]
Rows = Sequence[Mapping[str, Any]]

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def selected(
    context: dg.AssetCheckExecutionContext, makers: Mapping[str, Maker]
) -> Iterator[dg.AssetCheckResult]:
    """Make the checks that were asked for: a person may run a single one."""
    wanted = {key.name for key in context.selected_asset_check_keys}
    for name, make in makers.items():
        if name in wanted:
            yield make()


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

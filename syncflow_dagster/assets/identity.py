"""An identity node as an asset: who is behind each record, who has moved, and what is asked."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, tables
from syncflow_dagster.assets.check_results import Maker, checks_of
from syncflow_dagster.assets.due import with_due
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.plots import bars
from syncflow_dagster.assets.progress import Progress, duration
from syncflow_dagster.assets.steps import OpenStep, StepResources
from syncflow_dagster.core.matching.decide import Action
from syncflow_dagster.core.matching.tiers import Tier
from syncflow_dagster.nodes.identity.report import IdentityReport, IdentityState
from syncflow_dagster.nodes.identity.run import identity_state, run_identity
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import IdentityNode, Workflow

NO_DUPLICATES, REVIEW_AGE = "no_duplicate_persons", "review_queue"
_DESCRIPTIONS = {
    NO_DUPLICATES: "No two persons have the same identifier. The database refuses a second one, so "
    "an error here means that somebody has written to the tables by hand.",
    REVIEW_AGE: "No record waits for a person's decision for longer than `stuck_after.held_h` in "
    "the workflow file. `syncflow review list` shows the questions, `syncflow review decide` "
    "answers one.",
}


def identity_asset(loaded: LoadedWorkflow, node: IdentityNode) -> dg.AssetsDefinition:
    """Return the asset of an identity node."""
    workflow = loaded.workflow
    key = names.asset_key(workflow, node.name)
    step = StepResources(loaded, [])

    @dg.multi_asset(
        name=names.step_name(workflow, node.name),
        description=node.description,
        specs=[_spec(workflow, node)],
        required_resource_keys=step.keys,
    )
    def identify(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        with readable_failures(), step.open(context) as opened:
            progress = Progress(context.log.info, "records")
            report = run_identity(
                opened.database,
                opened.clock,
                workflow,
                node,
                progress=lambda part: progress.tell(part.rows),
            )
        context.log.info(told(report))
        yield dg.MaterializeResult(asset_key=key, metadata=metadata(report))

    return identify


def identity_checks(loaded: LoadedWorkflow, node: IdentityNode) -> dg.AssetChecksDefinition:
    """Return the checks of an identity node: no duplicates, and the age of the review queue."""
    workflow = loaded.workflow
    key = names.asset_key(workflow, node.name)

    def make(opened: OpenStep) -> dict[str, Maker]:
        state = identity_state(opened.database, workflow.workflow, node.name)
        return {
            NO_DUPLICATES: lambda: _no_duplicates(key, state),
            REVIEW_AGE: lambda: _review_queue(key, opened, state),
        }

    return checks_of(loaded, key, _DESCRIPTIONS, make)


def told(report: IdentityReport) -> str:
    """Return what a run came to, in a line."""
    decided = ", ".join(
        f"{report.decisions[action]:,} {action}" for action in Action if report.decisions[action]
    )
    state = report.state
    known = f"; {state.persons:,} persons, {state.open_cases:,} questions open" if state else ""
    return (
        f"{report.rows:,} changes of records: {decided or 'nothing to decide'}; "
        f"{report.moves:,} moves to new companies{known}"
    )


def metadata(report: IdentityReport) -> dict[str, Any]:
    """Return a run's counts, its decisions as a plot, and the questions that came up."""
    counts = {str(action): report.decisions[action] for action in Action}
    found: dict[str, Any] = {
        "records": report.rows,
        **counts,
        "moves": report.moves,
        "united": report.united,
        "refused": report.refused,
    }
    if report.rows:
        found["decisions"] = bars(counts, "records of this run, by decision")
    if report.tiers:
        tiers = {Tier(tier).name.lower(): report.tiers[tier] for tier in sorted(report.tiers)}
        found["tiers"] = bars(tiers, "known persons found, by what tells them")
    if report.questions:
        found["questions"] = tables.table(
            [
                {
                    "case": one.case_id,
                    "record": one.record_id,
                    "reason": one.reason,
                    "candidates": one.candidates,
                }
                for one in report.questions
            ],
            ["case", "record", "reason", "candidates"],
        )
    if report.state is not None:
        found |= {
            "dagster/row_count": report.state.persons,
            "moves_in_all": report.state.moves,
            "open_questions": report.state.open_cases,
        }
    return found


def _no_duplicates(key: dg.AssetKey, state: IdentityState) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=NO_DUPLICATES,
        passed=state.duplicates == 0,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{state.duplicates:,} identifiers of two persons, {state.persons:,} persons",
        metadata={"number": state.duplicates, "persons": state.persons},
    )


def _review_queue(key: dg.AssetKey, opened: OpenStep, state: IdentityState) -> dg.AssetCheckResult:
    limit_s = opened.loaded.workflow.stuck_after.held_h * 3600
    age_s = 0.0
    if state.oldest_case is not None:
        age_s = (opened.clock.now() - state.oldest_case).total_seconds()
    words = "No question is open."
    if state.open_cases:
        words = f"{state.open_cases:,} questions are open, the oldest for {duration(age_s)}"
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=REVIEW_AGE,
        passed=age_s <= limit_s,
        severity=dg.AssetCheckSeverity.WARN,
        description=words,
        metadata={"number": state.open_cases, "oldest_s": round(age_s)},
    )


def _spec(workflow: Workflow, node: IdentityNode) -> dg.AssetSpec:
    return dg.AssetSpec(
        names.asset_key(workflow, node.name),
        deps=with_due(workflow, [node.source]),
        description=f"{node.description}\n\nNo record becomes a second row of a person, and none "
        "is joined to another for its name alone: what is not sure waits for a person's decision.",
        group_name=names.group_name(workflow),
        code_version=names.code_version(node),
        owners=names.owners(workflow),
        tags=names.asset_tags(workflow, "identity"),
        kinds={"postgres"},
    )

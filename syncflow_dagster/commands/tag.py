"""`syncflow tag`: plans of tag nodes, and what a person decides about them."""

from __future__ import annotations

import getpass
import json
import os
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.tag.plan_report import TagPlanReport
    from syncflow_dagster.nodes.tag.plans import StoredPlan
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import TagNode

FC = TypeVar("FC", bound="Callable[..., Any] | click.Command")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
_ACTOR = click.option(
    "--actor", default=getpass.getuser, show_default="you", help="Who decides; it is noted."
)
_REASON = click.option("--reason", required=True, help="Why; it is noted.")


def _limit(default: int, what: str) -> Callable[[FC], FC]:
    kind = click.IntRange(min=1)
    return click.option("--limit", type=kind, default=default, show_default=True, help=what)


@click.group()
def tag() -> None:
    """Show, approve and refuse plans of tag nodes; take back what a run has written."""


@tag.command("plans")
@click.argument("workflow")
@click.option("--all", "show_all", is_flag=True, help="Plans that are over, too.")
@_limit(20, "Plans shown.")
@_JSON
def list_plans(workflow: str, *, show_all: bool, limit: int, as_json: bool) -> None:
    """List a workflow's plans, newest first."""
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.tag.plans import plans
    from syncflow_dagster.store.location import default_home

    name = _found(workflow).workflow.workflow
    with command_store(default_home()) as database:
        found = plans(database, name, open_only=not show_all, limit=limit)
    lines = [_line(one) for one in found] or ["  no plan waits"]
    click.echo("\n".join([f"{name}: plans", *lines]), err=as_json)
    if as_json:
        _print_json({"workflow": name, "plans": [_plan_json(one) for one in found]})


@tag.command()
@click.argument("workflow")
@click.argument("plan")
@_limit(100, "Changes shown.")
@_JSON
def show(workflow: str, plan: str, *, limit: int, as_json: bool) -> None:
    """Show a plan: who is tagged, with what, why, and from what to what."""
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.tag.approval import find_plan, plan_store
    from syncflow_dagster.store.location import default_home

    flow = _found(workflow).workflow
    with command_store(default_home()) as database, _told():
        found = find_plan(database, flow.workflow, plan)
        node = flow.node(found.node)
        assert node.type == "tag"
        lines = plan_store(database, flow, node).lines(found.plan_id, limit)
    shown = [_line(found), *(_change(one) for one in lines)]
    if found.changes > len(lines):
        shown.append(f"  and {found.changes - len(lines):,} more")
    click.echo("\n".join(shown), err=as_json)
    if as_json:
        _print_json({**_plan_json(found), "lines": lines})


@tag.command()
@click.argument("workflow")
@click.argument("plan")
@_REASON
@_ACTOR
@_JSON
def approve(workflow: str, plan: str, *, reason: str, actor: str, as_json: bool) -> None:
    """Let the next run apply a plan, if nothing has changed by then."""
    _decide(workflow, plan, actor, reason, approves=True, as_json=as_json)


@tag.command()
@click.argument("workflow")
@click.argument("plan")
@_REASON
@_ACTOR
@_JSON
def refuse(workflow: str, plan: str, *, reason: str, actor: str, as_json: bool) -> None:
    """Let nobody apply a plan; `retry-dead` lets its rows be planned anew."""
    _decide(workflow, plan, actor, reason, approves=False, as_json=as_json)


@tag.command()
@click.argument("workflow")
@click.option("--run", "run_id", required=True, help="The run whose tags are taken back.")
@click.option("--dry-run", is_flag=True, help="Keep the plan and write nothing else.")
@_ACTOR
@_JSON
def undo(workflow: str, *, run_id: str, dry_run: bool, actor: str, as_json: bool) -> None:
    """Plan the reverse of what a run has written, where it still stands."""
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.store.location import default_home

    loaded = _found(workflow)
    with command_store(default_home()) as database, _told():
        reports = {
            node.name: _undone(database, loaded, node, run_id, actor, dry_run=dry_run)
            for node in loaded.workflow.tags
        }
    lines = [line for name, report in reports.items() for line in _undo_lines(name, report)]
    click.echo("\n".join([f"{workflow}: undo of run {run_id}", *lines]), err=as_json)
    if as_json:
        plans = {
            name: [
                {"plan_hash": one.plan_hash, "status": one.status, "changes": one.changes}
                for one in report.plans
            ]
            for name, report in reports.items()
        }
        _print_json({"workflow": workflow, "run": run_id, "plans": plans})


#: What the command line adds to its own.
COMMANDS = (tag,)


def _decide(
    workflow: str, plan: str, actor: str, reason: str, *, approves: bool, as_json: bool
) -> None:
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.nodes.tag import approval
    from syncflow_dagster.nodes.tag.policy import policy_of
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.location import default_home

    loaded = _found(workflow)
    flow = loaded.workflow
    decide = approval.approve if approves else approval.refuse
    with command_store(default_home()) as database, _told():
        found = approval.find_plan(database, flow.workflow, plan)
        node = flow.node(found.node)
        assert node.type == "tag"
        policy = policy_of(loaded, node)
        now = DatabaseClock(database).now()
        decided = decide(database, flow, policy, found.plan_hash, By(actor, reason), now)
    what = "the next run applies it as it is" if approves else "nobody applies it"
    click.echo(f"{_line(decided).strip()}; {what}", err=as_json)
    if as_json:
        _print_json(_plan_json(decided))


def _undone(
    database: Database,
    loaded: LoadedWorkflow,
    node: TagNode,
    run_id: str,
    actor: str,
    *,
    dry_run: bool,
) -> TagPlanReport:
    from syncflow_dagster.nodes.tag.run import TagOptions, TagRun
    from syncflow_dagster.store.clock import DatabaseClock

    options = TagOptions(actor, f"undo of {run_id}", dry_run, environ=os.environ)
    with closing(TagRun(database, DatabaseClock(database), loaded, node, options)) as run:
        run.prepare()
        return run.undo(run_id)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a person can mend into a line."""
    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.nodes.compliance.key import PrivacyKeyError
    from syncflow_dagster.nodes.pull.ports import SourceError
    from syncflow_dagster.nodes.tag.approval import NotApprovable
    from syncflow_dagster.nodes.tag.policy import PolicyUnusable
    from syncflow_dagster.nodes.tag.preflight import TagUnfit

    try:
        yield
    except (NotApprovable, PolicyUnusable, PrivacyKeyError, SourceError, TagUnfit) as error:
        raise CommandFailed(str(error)) from error


def _line(plan: StoredPlan) -> str:
    from syncflow_dagster.nodes.tag.plans import SHORT

    what = f" that take back run {plan.undo_of}" if plan.undo_of else ""
    when = plan.planned_at.isoformat(sep=" ", timespec="seconds")
    why = f"; {plan.reason}" if plan.reason else ""
    by = f", decided by {plan.decided_by}" if plan.decided_by else ""
    return (
        f"  {plan.plan_hash[:SHORT]} {plan.status} {plan.node}: {plan.changes:,} changes of "
        f"{plan.records:,} records{what} (planned by {plan.planned_by}, {when}{by}{why})"
    )


def _change(line: DictRow) -> str:
    from syncflow_dagster.nodes.tag.plan_report import shown

    why = f"{', '.join(line['rules'])} for {line['purpose']}"
    change = f"{shown(line['before'])} → {shown(line['after'])}"
    return f"  {line['record_id']} {line['kind']}: {change} ({why})"


def _plan_json(plan: StoredPlan) -> Mapping[str, Any]:
    from dataclasses import asdict

    return asdict(plan)


def _undo_lines(name: str, report: TagPlanReport) -> list[str]:
    gone = [f"  {name}: {count:,} times {why}" for why, count in report.settled.items()]
    made = [f"  {name}: {one}" for one in report.plans]
    return [*made, *gone] or [f"  {name}: nothing is known that this run has written"]


def _found(workflow: str) -> LoadedWorkflow:
    from syncflow_dagster.commands.find import find_workflow, workflows_folder

    return find_workflow(workflows_folder(), workflow)


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")

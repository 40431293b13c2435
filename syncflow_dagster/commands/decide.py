"""The commands for what waits for a person, as the command line sees them."""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from syncflow_dagster.ledger.decisions import Answer
    from syncflow_dagster.workflows.loader import LoadedWorkflow

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
_ACTOR = click.option(
    "--actor", default=getpass.getuser, show_default="you", help="Who decides; it is noted."
)


@click.command()
@click.argument("workflow")
@click.option("--state", help="Only effects of this state, such as DEAD or NEEDS_PERSON.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Effects shown."
)
@_JSON
def effects(workflow: str, *, state: str | None, limit: int, as_json: bool) -> None:
    """Show which changes wait, are in question or are dead, with the reason and since when."""
    from syncflow_dagster.commands.effects import effects_report
    from syncflow_dagster.store.location import default_home

    chosen = state.upper() if state else None
    report = effects_report(default_home(), _found(workflow), state=chosen, limit=limit)
    click.echo("\n".join(report.lines()), err=as_json)
    if as_json:
        _print_json(report.as_json())


@click.command()
@click.argument("workflow")
@click.option("--only", multiple=True, type=int, help="Id of an effect; may be given more often.")
@click.option("--reason", help="Only dead letters whose reason contains this.")
@_ACTOR
@_JSON
def retry_dead(
    workflow: str, *, only: tuple[int, ...], reason: str | None, actor: str, as_json: bool
) -> None:
    """Let the next push try dead letters again, and nothing else."""
    from syncflow_dagster.commands import effects as commands
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.store.location import default_home

    by = By(actor, f"those that say {reason!r}" if reason else "all that were chosen")
    number = commands.retry_dead(default_home(), _found(workflow), by, only=only, reason=reason)
    word = "dead letter goes" if number == 1 else "dead letters go"
    click.echo(f"{workflow}: {number:,} {word} again with the next push", err=as_json)
    if as_json:
        _print_json({"workflow": workflow, "retried": number})


@click.command()
@click.argument("effect", type=int)
@click.option("--applied", metavar="REMOTE_ID", help="It did happen; the id of what it made.")
@click.option("--not-applied", is_flag=True, help="It did not happen; it is sent again.")
@click.option("--drop", is_flag=True, help="It is not wanted any more.")
@click.option("--reason", required=True, help="Why; it is noted.")
@_ACTOR
def resolve(
    effect: int, *, applied: str | None, not_applied: bool, drop: bool, reason: str, actor: str
) -> None:
    """Answer the question that an effect has become (NEEDS_PERSON)."""
    from syncflow_dagster.commands import effects as commands
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.store.location import default_home

    chosen: list[Answer] = ["applied"] if applied is not None else []
    chosen += ["not_applied"] if not_applied else []
    chosen += ["drop"] if drop else []
    if len(chosen) != 1:
        raise click.UsageError("give one of --applied REMOTE_ID, --not-applied, --drop")
    commands.resolve(default_home(), effect, chosen[0], By(actor, reason), applied)
    click.echo(f"effect {effect}: {chosen[0].replace('_', ' ')}; the next push goes on from there")


#: What the command line adds to its own.
COMMANDS = (effects, retry_dead, resolve)


def _found(workflow: str) -> LoadedWorkflow:
    from syncflow_dagster.commands.find import find_workflow, workflows_folder

    return find_workflow(workflows_folder(), workflow)


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")

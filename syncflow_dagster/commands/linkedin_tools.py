"""What people do about outreach on LinkedIn by hand; each is noted with who and why."""

from __future__ import annotations

import getpass
import json
from typing import TYPE_CHECKING, Any, TypeVar

import click

from syncflow_dagster.commands.identifiers import JSON, REASON

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")
_BY = click.option(
    "--by", "actor", default=getpass.getuser, show_default="you", help="Who wants it; it is noted."
)
_LEAD = click.argument("lead", type=int)


def _audited(command: _Command) -> _Command:
    """Add the options of whatever changes something."""
    for option in (JSON, REASON, _BY):
        command = option(command)
    return command


def _scope(command: _Command) -> _Command:
    """Add the options that name what is switched off or on."""
    for option in (
        click.option("--account", help="An account, as `unipile:default/anna`, or a tenant."),
        click.option("--node", help="A node, as `workflow.node`."),
    ):
        command = option(command)
    return command


@click.command()
@_LEAD
@_audited
def requeue(lead: int, **how: Any) -> None:
    """Let a lead go on that needs review or has failed; its step is looked at anew."""
    _do(how, "requeue", lead=lead)


@click.command()
@_LEAD
@_audited
def reconcile(lead: int, **how: Any) -> None:
    """Ask LinkedIn whether an action that is in question was sent."""
    _do(how, "reconcile", lead=lead)


@click.command()
@_LEAD
@click.option("--id", "remote_id", help="Unipile's id of the invitation or message, if known.")
@_audited
def mark_sent(lead: int, *, remote_id: str | None, **how: Any) -> None:
    """Say that an action that is in question was sent."""
    _do(how, "mark_sent", lead=lead, remote_id=remote_id)


@click.command()
@_LEAD
@click.option("--evidence", required=True, help="Where it can be seen, without names; it is noted.")
@_audited
def mark_connected(lead: int, *, evidence: str, **how: Any) -> None:
    """Say that a lead is connected, as somebody has seen."""
    _do(how, "mark_connected", lead=lead, evidence=evidence)


@click.command()
@_LEAD
@_audited
def skip(lead: int, **how: Any) -> None:
    """Leave the step out at which a lead stands."""
    _do(how, "skip", lead=lead)


@click.command()
@_LEAD
@_audited
def cancel(lead: int, **how: Any) -> None:
    """Take a lead out for good."""
    _do(how, "cancel", lead=lead)


@click.command()
@_LEAD
@_audited
def withdraw(lead: int, **how: Any) -> None:
    """Take the invitation of a lead back now, if its account may act."""
    _do(how, "withdraw", lead=lead)


@click.command()
@click.argument("lead", type=int, required=False)
@_scope
@_audited
def pause(lead: int | None, *, node: str | None, account: str | None, **how: Any) -> None:
    """Hold a lead, a node or an account; what is queued is not sent."""
    _do(how, "pause", lead=lead, node=node, account=account)


@click.command()
@click.argument("lead", type=int, required=False)
@_scope
@_audited
def resume(lead: int | None, *, node: str | None, account: str | None, **how: Any) -> None:
    """Let a paused lead, node or account go on."""
    _do(how, "resume", lead=lead, node=node, account=account)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Everything that sends on LinkedIn.")
@_scope
@_audited
def stop(*, everything: bool, node: str | None, account: str | None, **how: Any) -> None:
    """Switch sending off at once: the kill switch. Answers are still taken in."""
    _do(how, "stop", everything=everything, node=node, account=account)


@click.command()
@click.option("--all", "everything", is_flag=True, help="What was stopped with --all.")
@_scope
@_audited
def start(*, everything: bool, node: str | None, account: str | None, **how: Any) -> None:
    """Switch sending on again, where it was stopped, also by SyncFlow itself."""
    _do(how, "start", everything=everything, node=node, account=account)


@click.command()
@click.argument("event", type=int)
@_audited
def replay(event: int, **how: Any) -> None:
    """Have an event of the inbox read again."""
    _do(how, "replay", event=event)


#: What the group `outreach` gets.
COMMANDS = (
    requeue,
    reconcile,
    mark_sent,
    mark_connected,
    skip,
    cancel,
    withdraw,
    pause,
    resume,
    stop,
    start,
    replay,
)


def _do(how: dict[str, Any], tool: str, **about: Any) -> None:
    from syncflow_dagster.commands.linkedin_runs import opened
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.nodes.linkedin.steering import Tool, Wanted, WronglyAsked, carry_out

    try:
        wanted = Wanted(Tool(tool), By(how["actor"], how["reason"]), **about)
    except WronglyAsked as error:
        raise click.UsageError(str(error)) from error
    with opened() as at:
        told = carry_out(wanted, at.database, at.clock, at.of_lead)
    click.echo(told, err=how["as_json"])
    if how["as_json"]:
        given = {name: value for name, value in about.items() if value}
        found = {"action": tool.replace("_", "-"), **given, "told": told}
        click.echo(json.dumps(found, ensure_ascii=False))

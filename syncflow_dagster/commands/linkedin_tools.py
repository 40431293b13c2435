"""What people do about outreach on LinkedIn by hand; each is noted with who and why."""

from __future__ import annotations

import getpass
import json
from typing import TYPE_CHECKING, Any, TypeVar

import click

from syncflow_dagster.commands.identifiers import JSON, REASON

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.commands.linkedin_runs import Opened
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.nodes.linkedin.interventions import Interventions

    Work = Callable[[Opened, By], str]

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
    _do(how, "requeue", lambda at, by: _tools(at).requeue(lead, by), lead=lead)


@click.command()
@_LEAD
@_audited
def reconcile(lead: int, **how: Any) -> None:
    """Ask LinkedIn whether an action that is in question was sent."""
    from syncflow_dagster.nodes.linkedin import interventions_now

    def work(at: Opened, by: By) -> str:
        return interventions_now.reconcile(at.of_lead(lead), lead, by)

    _do(how, "reconcile", work, lead=lead)


@click.command()
@_LEAD
@click.option("--id", "remote_id", help="Unipile's id of the invitation or message, if known.")
@_audited
def mark_sent(lead: int, *, remote_id: str | None, **how: Any) -> None:
    """Say that an action that is in question was sent."""
    _do(how, "mark-sent", lambda at, by: _tools(at).mark_sent(lead, by, remote_id), lead=lead)


@click.command()
@_LEAD
@click.option("--evidence", required=True, help="Where it can be seen, without names; it is noted.")
@_audited
def mark_connected(lead: int, *, evidence: str, **how: Any) -> None:
    """Say that a lead is connected, as somebody has seen."""
    from syncflow_dagster.nodes.linkedin import interventions_now

    def work(at: Opened, by: By) -> str:
        return interventions_now.mark_connected(at.of_lead(lead), lead, by, evidence)

    _do(how, "mark-connected", work, lead=lead)


@click.command()
@_LEAD
@_audited
def skip(lead: int, **how: Any) -> None:
    """Leave the step out at which a lead stands."""
    _do(how, "skip", lambda at, by: _tools(at).skip(lead, by), lead=lead)


@click.command()
@_LEAD
@_audited
def cancel(lead: int, **how: Any) -> None:
    """Take a lead out for good."""
    _do(how, "cancel", lambda at, by: _tools(at).cancel(lead, by), lead=lead)


@click.command()
@_LEAD
@_audited
def withdraw(lead: int, **how: Any) -> None:
    """Take the invitation of a lead back now, if its account may act."""
    from syncflow_dagster.nodes.linkedin import interventions_now

    def work(at: Opened, by: By) -> str:
        return interventions_now.withdraw(at.of_lead(lead), lead, by)

    _do(how, "withdraw", work, lead=lead)


@click.command()
@click.argument("lead", type=int, required=False)
@_scope
@_audited
def pause(lead: int | None, *, node: str | None, account: str | None, **how: Any) -> None:
    """Hold a lead, a node or an account; what is queued is not sent."""
    chosen = _one_of(lead=lead, node=node, account=account)
    if lead is not None:
        _do(how, "pause", lambda at, by: _tools(at).pause(lead, by), lead=lead)
    else:
        _switch(how, "pause", str(chosen), off=True)


@click.command()
@click.argument("lead", type=int, required=False)
@_scope
@_audited
def resume(lead: int | None, *, node: str | None, account: str | None, **how: Any) -> None:
    """Let a paused lead, node or account go on."""
    chosen = _one_of(lead=lead, node=node, account=account)
    if lead is not None:
        _do(how, "resume", lambda at, by: _tools(at).resume(lead, by), lead=lead)
    else:
        _switch(how, "resume", str(chosen), off=False)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Everything that sends on LinkedIn.")
@_scope
@_audited
def stop(*, everything: bool, node: str | None, account: str | None, **how: Any) -> None:
    """Switch sending off at once: the kill switch. Answers are still taken in."""
    scope = _one_of(all="*" if everything else None, node=node, account=account)
    _switch(how, "stop", str(scope), off=True)


@click.command()
@click.option("--all", "everything", is_flag=True, help="What was stopped with --all.")
@_scope
@_audited
def start(*, everything: bool, node: str | None, account: str | None, **how: Any) -> None:
    """Switch sending on again, where it was stopped, also by SyncFlow itself."""
    scope = _one_of(all="*" if everything else None, node=node, account=account)
    _switch(how, "start", str(scope), off=False)


@click.command()
@click.argument("event", type=int)
@_audited
def replay(event: int, **how: Any) -> None:
    """Have an event of the inbox read again."""
    from syncflow_dagster.nodes.linkedin import interventions_switch

    def work(at: Opened, by: By) -> str:
        return interventions_switch.replay(at.database, at.clock, event, by)

    _do(how, "replay", work, event=event)


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


def _do(how: dict[str, Any], action: str, work: Work, **about: Any) -> None:
    from syncflow_dagster.commands.linkedin_runs import opened
    from syncflow_dagster.ledger.decisions import By

    by = By(how["actor"], how["reason"])
    with opened() as at:
        told = work(at, by)
    click.echo(told, err=how["as_json"])
    if how["as_json"]:
        click.echo(json.dumps({"action": action, **about, "told": told}, ensure_ascii=False))


def _switch(how: dict[str, Any], action: str, scope: str, *, off: bool) -> None:
    from syncflow_dagster.nodes.linkedin.interventions_switch import Switch

    def work(at: Opened, by: By) -> str:
        switch = Switch(at.database, at.clock)
        if not off:
            return switch.start(scope, by)
        told = switch.stop(scope, by)
        if not switch.is_known(scope):
            told += "; nobody is a lead of it, is it spelled right?"
        return told

    _do(how, action, work, scope=scope)


def _tools(at: Opened) -> Interventions:
    from syncflow_dagster.nodes.linkedin.interventions import Interventions

    return Interventions(at.database, at.clock)


def _one_of(**given: Any) -> Any:
    """Return the only one that is given."""
    found = [one for one in given.values() if one is not None]
    if len(found) != 1:
        names = ", ".join("LEAD" if name == "lead" else f"--{name}" for name in given)
        msg = f"name exactly one of {names}"
        raise click.UsageError(msg)
    return found[0]

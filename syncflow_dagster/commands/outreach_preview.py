"""What people see and decide before anything is sent on LinkedIn: texts, and the accounts' risk."""

from __future__ import annotations

import getpass
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from syncflow_dagster.commands.identifiers import JSON, REASON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.nodes.linkedin.preview import Extreme, Preview, StepPreview
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow

_BY = click.option(
    "--by", "actor", default=getpass.getuser, show_default="you", help="Who decides; it is noted."
)


@click.command()
@click.argument("workflow")
@click.argument("node", required=False)
@click.option("--account", help="Only this account.")
@click.option("--all", "every", is_flag=True, help="Show the texts of every lead.")
@JSON
def preview(
    workflow: str, node: str | None, *, account: str | None, every: bool, as_json: bool
) -> None:
    """Show the texts that wait for approval: shortest, longest, and what is wrong or missing."""
    from syncflow_dagster.nodes.linkedin.approval import accounts_of
    from syncflow_dagster.nodes.linkedin.preview import batch_of, make_preview

    found: list[dict[str, Any]] = []
    with _opened(workflow) as (database, clock, loaded):
        chosen = [
            (its, one)
            for its, _, one in accounts_of(loaded)
            if node in (None, its.name) and account in (None, one.name)
        ]
        if not chosen:
            names = {f"{its.name} {one.name}" for its, _, one in accounts_of(loaded)}
            _fail(f"workflow {workflow!r} has no such node and account; it has: {_listed(names)}")
        for its, one in chosen:
            made = make_preview(database, clock, loaded, its, one)
            rows = batch_of(database, loaded, its, one)
            texts = {row["lead_id"]: row["texts"] for row in rows}
            click.echo("\n".join(_lines(workflow, made, texts, every=every)), err=as_json)
            told = made.as_json()
            if every:
                told["texts"] = [{"lead": lead, "texts": said} for lead, said in texts.items()]
            found.append(told)
    if as_json:
        click.echo(json.dumps({"workflow": workflow, "previews": found}, ensure_ascii=False))


@click.command()
@click.argument("workflow")
@click.argument("batch_hash", metavar="HASH")
@_BY
@REASON
@JSON
def approve(workflow: str, batch_hash: str, *, actor: str, reason: str, as_json: bool) -> None:
    """Approve the texts of a preview: its leads go on as soon as the node may send."""
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.nodes.linkedin import approval

    with _opened(workflow) as (database, clock, loaded):
        done = approval.approve(database, clock, loaded, batch_hash, By(actor, reason))
    click.echo(f"{done.node}: {done.leads:,} leads of {done.account} are approved", err=as_json)
    if as_json:
        told = {"approval": done.approval_id, "account": done.account, "leads": done.leads}
        click.echo(json.dumps(told))


@click.command()
@click.argument("workflow")
@click.argument("batch_hash", metavar="HASH")
@_BY
@REASON
@JSON
def refuse(workflow: str, batch_hash: str, *, actor: str, reason: str, as_json: bool) -> None:
    """Refuse the texts of a preview: its leads wait until the workflow file says something else."""
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.nodes.linkedin import approval

    with _opened(workflow) as (database, clock, loaded):
        done = approval.refuse(database, clock, loaded, batch_hash, By(actor, reason))
    click.echo(f"{done.node}: the texts for {done.account} are refused", err=as_json)
    if as_json:
        click.echo(json.dumps({"approval": done.approval_id, "account": done.account}))


@click.command()
@click.argument("workflow")
@click.argument("account")
@_BY
@REASON
@JSON
def acknowledge(workflow: str, account: str, *, actor: str, reason: str, as_json: bool) -> None:
    """Accept the risk of an account; LinkedIn's terms forbid what the node does with it."""
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.nodes.linkedin import approval

    with _opened(workflow) as (database, clock, loaded):
        done = approval.acknowledge(database, clock, loaded, account, By(actor, reason))
    click.echo(f"{approval.STATEMENT}\n\naccepted by {actor} for {_listed(done)}", err=as_json)
    if as_json:
        told = {"accounts": done, "statement": approval.STATEMENT, "by": actor}
        click.echo(json.dumps(told))


#: What the group `outreach` gets.
COMMANDS = (preview, approve, refuse, acknowledge)


@contextmanager
def _opened(workflow: str) -> Iterator[tuple[Database, DatabaseClock, LoadedWorkflow]]:
    """Open the database and the workflow.

    Raises:
        CommandFailed: They are not there, or what is asked cannot be done.
    """
    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.commands.find import find_workflow, workflows_folder
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.linkedin.approval import NotApproved
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.location import default_home

    loaded = find_workflow(workflows_folder(), workflow)
    with command_store(default_home()) as database:
        try:
            yield database, DatabaseClock(database), loaded
        except NotApproved as error:
            raise CommandFailed(str(error)) from error


def _fail(text: str) -> NoReturn:
    from syncflow_dagster.commands import CommandFailed

    raise CommandFailed(text)


def _listed(names: set[str] | list[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _lines(
    workflow: str, made: Preview, texts: dict[int, list[dict[str, Any]]], *, every: bool
) -> Iterator[str]:
    where = f"{made.node}, {made.account}"
    if made.leads:
        yield f"{where}: {made.leads:,} leads of version {made.version} wait for approval"
    else:
        yield f"{where}: nobody waits for approval"
    for step in made.steps:
        yield from _step(step, texts)
    for reason, number in made.missing.most_common():
        yield f"  {number:,} without texts: {reason}"
    for lead, reason in made.faults:
        yield f"    lead {lead}: {reason}"
    if made.waiting:
        yield f"  {made.waiting:,} wait until the first name of the account's owner is known"
    if every:
        for lead, said in texts.items():
            yield f"  lead {lead}"
            for one in said:
                yield from _text(one, "    ")
    if made.leads:
        command = f"syncflow outreach approve {workflow} {made.batch_hash} --reason ..."
        yield f"  to approve exactly this: {command}"


def _step(step: StepPreview, texts: dict[int, list[dict[str, Any]]]) -> Iterator[str]:
    yield f"  step {step.step + 1}, {step.kind}: {step.leads:,} texts of {step.limit:,} characters"
    for name, number in sorted(step.variants.items()):
        yield f"    variant {name}: {number:,}"
    for token, number in step.fallbacks.most_common():
        yield f"    {number:,} say the fallback of {{{{{token}}}}}"
    over = "; too long, were there such a lead" if step.at_most > step.limit else ""
    yield f"    with the longest value of each token: {step.at_most:,} characters{over}"
    ends: tuple[tuple[str, Extreme | None], ...] = (
        ("shortest", step.shortest),
        ("longest", step.longest),
    )
    for name, one in ends:
        if one is not None:
            yield f"    {name}, lead {one.lead_id}: {one.length:,} characters"
            said = [text for text in texts.get(one.lead_id, []) if text["step"] == step.step]
            for text in said:
                yield from _text(text, "      ")


def _text(text: dict[str, Any], indent: str) -> Iterator[str]:
    if text["subject"] is not None:
        yield f"{indent}| {text['subject']}"
    for line in (text["text"] or "").splitlines():
        yield f"{indent}| {line}"

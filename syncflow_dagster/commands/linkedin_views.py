"""What people look at about outreach: leads, one lead's life, what is stuck, webhooks."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from syncflow_dagster.commands.identifiers import JSON
from syncflow_dagster.core.outreach.states import LeadState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.interventions_views import Life, Stuck

_NODE = click.option("--node", help="Only this node.")
_LIMIT = click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Shown at most."
)


@click.command()
@click.argument("workflow")
@_NODE
@click.option(
    "--state",
    type=click.Choice([str(one) for one in LeadState]),
    metavar="STATE",
    help="Only leads in this state, such as needs_review.",
)
@click.option("--account", help="Only leads of this account.")
@click.option("--who", help="The lead of this address, slug, provider's id or key of the source.")
@click.option("--lead", type=int, help="Show the whole life of this lead.")
@_LIMIT
@JSON
def leads(workflow: str, *, lead: int | None, as_json: bool, **wanted: Any) -> None:
    """List leads of a workflow, or show everything that happened to one of them."""
    from syncflow_dagster.commands.linkedin_runs import opened
    from syncflow_dagster.nodes.linkedin import interventions_views as views

    if lead is not None:
        with opened() as at:
            life = views.life(at.database, lead)
        if life is None or life.lead["workflow"] != workflow:
            msg = f"workflow {workflow!r} has no lead {lead}"
            raise click.UsageError(msg)
        _show(list(_life(life)), {"lead": life.lead, "events": life.events}, as_json=as_json)
        return
    with opened() as at:
        rows = views.leads(at.database, workflow, views.Filter(**wanted))
    total = rows[0]["total"] if rows else 0
    lines = [f"{workflow}: {total:,} leads", *(_line(row) for row in rows)]
    _show(lines, {"workflow": workflow, "total": total, "leads": rows}, as_json=as_json)


@click.command()
@click.argument("workflow")
@_NODE
@_LIMIT
@JSON
def stuck(workflow: str, *, node: str | None, limit: int, as_json: bool) -> None:
    """Show what waits for somebody: leads, actions in question, events, what is stopped."""
    found = _stuck(workflow, node, limit)
    parts = {"late": found.late, "waiting": found.waiting}
    told = {"workflow": workflow, **parts, "events": found.events, "stopped": found.stops}
    _show(list(_stuck_lines(workflow, found)), told, as_json=as_json)


@click.command()
@click.argument("workflow")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_NODE
@JSON
def export_stuck(workflow: str, file: Path, *, node: str | None, as_json: bool) -> None:
    """Write the leads that wait for somebody into a CSV file; without names and addresses."""
    from syncflow_dagster.nodes.linkedin import interventions_views as views

    found = _stuck(workflow, node, 1_000_000)
    rows = list(views.lead_rows(found))
    with _written(file) as out:
        writer = csv.DictWriter(out, views.LEAD_COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    told = {"workflow": workflow, "leads": len(rows), "file": str(file)}
    _show([f"{workflow}: {len(rows):,} leads written to {file}"], told, as_json=as_json)


@click.command()
@click.argument("workflow")
@_NODE
@click.option("--register", metavar="URL", help="Where Unipile reaches the receiver from outside.")
@click.option("--own-accounts", is_flag=True, help="Only for the workflow's accounts.")
@JSON
def webhooks(
    workflow: str, *, node: str | None, register: str | None, own_accounts: bool, as_json: bool
) -> None:
    """Show the webhooks of a workflow's tenants, or make those the receiver needs."""
    from syncflow_dagster.commands.linkedin_runs import opened

    lines: list[str] = []
    found: dict[str, Any] = {}
    with opened() as at:
        for run in at.nodes(workflow, node):
            tenant = run.connection.account
            if tenant in found:
                continue
            accounts = [one.id for one in run.node.accounts] if own_accounts else []
            found[tenant] = _hooks(run.connection, tenant, register, accounts, lines)
    _show(lines, {"workflow": workflow, "tenants": found}, as_json=as_json)


#: What the group `outreach` gets.
COMMANDS = (leads, stuck, export_stuck, webhooks)


def _hooks(
    connection: Any, tenant: str, register: str | None, accounts: list[str], lines: list[str]
) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.nodes.linkedin import inbox_webhooks
    from syncflow_dagster.nodes.linkedin.client import UnipileClient

    client = UnipileClient(connection, read_only=register is None)
    if register is not None:
        if connection.webhook_secret is None:
            msg = f"the connection of tenant {tenant!r} has no webhook_secret: none would be taken"
            raise CommandFailed(msg)
        url = f"{register.rstrip('/')}/unipile/{tenant}"
        secret = connection.webhook_secret.get_secret_value()
        made, there = inbox_webhooks.register(client, url, secret, accounts)
        lines.append(f"{tenant}: made {', '.join(made) or 'none'}; there: {', '.join(there) or 0}")
    known = inbox_webhooks.hooks(client)
    lines += [f"  {one.source} → {one.url}{'' if one.enabled else ' (off)'}" for one in known]
    return [asdict(one) for one in known]


def _written(file: Path) -> TextIO:
    """Open a CSV file for writing.

    Raises:
        CommandFailed: It cannot be written.
    """
    from syncflow_dagster.commands import CommandFailed

    try:
        return file.open("w", encoding="utf-8", newline="")
    except OSError as error:
        msg = f"{file} cannot be written: {error.strerror}"
        raise CommandFailed(msg) from error


def _stuck(workflow: str, node: str | None, limit: int) -> Stuck:
    from syncflow_dagster.commands.linkedin_runs import opened
    from syncflow_dagster.nodes.linkedin import interventions_views as views

    with opened() as at:
        return views.stuck(at.nodes(workflow, node), limit)


def _stuck_lines(workflow: str, found: Stuck) -> Iterator[str]:
    from syncflow_dagster.nodes.linkedin import interventions_views as views

    yield f"{workflow}: {len(found.late):,} leads do not go on, {len(found.waiting):,} wait for you"
    for row in views.lead_rows(found):
        action = f"; {row['action']}" if row["action"] else ""
        why = row.get("reason") or "no reason is known"
        yield f"  lead {row['lead_id']} {row['state']} since {_at(row['since'])}: {why}{action}"
    for row in views.event_rows(found):
        why = f"failed {row['tries']} times: {row['outcome']}"
        yield f"  event {row['inbox_id']} {row['what']} {why}"
    for row in found.stops:
        since = f"by {row['actor']} since {_at(row['at'])}"
        yield f"  {row['scope']} is stopped {since}: {row['reason']}"


def _line(row: DictRow) -> str:
    due = f", due {_at(row['next_due_at'])}" if row["next_due_at"] else ""
    why = f" ({row['reason']})" if row["reason"] else ""
    place = f"{row['account']}, step {row['current_step']} of {row['n_steps']}"
    return f"  {row['lead_id']} {row['state']} {row['source_key']}, {place}{due}{why}"


def _life(life: Life) -> Iterator[str]:
    lead = life.lead
    yield (
        f"lead {lead['lead_id']} of {lead['workflow']}.{lead['node']}, {lead['account']}: "
        f"{lead['state']}, step {lead['current_step']} of {lead['n_steps']}"
    )
    for row in life.events:
        change = f" {row['old_state'] or 'new'} → {row['new_state']}" if row["new_state"] else ""
        why = f": {row['reason']}" if row["reason"] else ""
        details = f" {json.dumps(row['details'], ensure_ascii=False)}" if row["details"] else ""
        yield f"  {_at(row['at'])} {row['what']}{change}{why}{details}"
    for row in life.actions:
        sent = f", sent {_at(row['sent_at'])}" if row["sent_at"] else ""
        why = f": {row['reason']}" if row["reason"] else ""
        what = f"{row['kind']} of step {row['step']}"
        yield f"  action {row['effect_id']} {what} {row['state']}{sent}{why}"


def _at(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")


def _show(lines: list[str], told: dict[str, Any], *, as_json: bool) -> None:
    click.echo("\n".join(lines), err=as_json)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, default=str))

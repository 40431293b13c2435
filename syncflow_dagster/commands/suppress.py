"""`syncflow suppress`: who may not be written about, whatever else allows it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.identifiers import (
    ACTOR,
    JSON,
    REASON,
    folder_of_workflows,
    identifiers,
    named,
    opened,
)

if TYPE_CHECKING:
    from typing import Literal, TextIO

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.compliance.lists import Identifier

_LIST = click.option(
    "--list",
    "name",
    default="do_not_contact",
    show_default=True,
    help="Name of the list; this one counts in every policy.",
)

_DOMAIN = click.option(
    "--domain", "domains", multiple=True, help="A company's domain; may be given more often."
)


@click.group()
def suppress() -> None:
    """Keep the suppression lists; only keyed hashes of persons are stored."""


@suppress.command()
@named
@_DOMAIN
@click.option(
    "--emails-from",
    type=click.File(encoding="utf-8"),
    help="File of addresses, one a line; - reads them from standard input.",
)
@_LIST
@click.option("--new-list", is_flag=True, help="The list is meant, although nothing names it yet.")
@REASON
@ACTOR
@JSON
def add(
    *,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    records: tuple[str, ...],
    profiles: tuple[str, ...],
    domains: tuple[str, ...],
    emails_from: TextIO | None,
    name: str,
    new_list: bool,
    reason: str,
    actor: str,
    as_json: bool,
) -> None:
    """Put persons on a list: from now on nothing is written about them."""
    if not new_list:
        _check_list(name)
    lines = () if emails_from is None else emails_from.read().split("\n")
    more = tuple(line.strip() for line in lines if line.strip())
    asked = identifiers((*emails, *more), phones, records, profiles, domains)
    _enter(asked, name, "add", reason, actor, as_json=as_json)


@suppress.command()
@named
@_DOMAIN
@_LIST
@REASON
@ACTOR
@JSON
def revoke(
    *,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    records: tuple[str, ...],
    profiles: tuple[str, ...],
    domains: tuple[str, ...],
    name: str,
    reason: str,
    actor: str,
    as_json: bool,
) -> None:
    """Enter that persons are on a list no longer; the earlier entries stay."""
    asked = identifiers(emails, phones, records, profiles, domains)
    _enter(asked, name, "revoke", reason, actor, as_json=as_json)


@suppress.command("list")
@click.option("--list", "name", help="Only entries of this list.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Entries shown."
)
@JSON
def list_entries(*, name: str | None, limit: int, as_json: bool) -> None:
    """List entries, the latest first: what, who, why and when; of persons only hashes."""
    from syncflow_dagster.nodes.compliance.lists import Lists

    with opened() as (database, key, _):
        rows = Lists(database, key).entries(name, None, limit)
    _show_entries(rows, as_json=as_json)


@suppress.command()
@named
@_DOMAIN
@click.option("--list", "lists", multiple=True, help="A list that counts, too; may be given more.")
@JSON
def check(
    *,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    records: tuple[str, ...],
    profiles: tuple[str, ...],
    domains: tuple[str, ...],
    lists: tuple[str, ...],
    as_json: bool,
) -> None:
    """Tell whether a person is on a list or erased now, and show the entries."""
    from syncflow_dagster.nodes.compliance.lists import Lists

    asked = identifiers(emails, phones, records, profiles, domains)
    with opened() as (database, key, _):
        ours = Lists(database, key)
        rows = ours.entries(None, asked, 1_000)
        known = [one for found in ours.known_by(records).values() for one in found]
        standing = ours.standing(lists, [[*asked, *known]])[0]
    on = ", ".join(standing.lists) or "no list that counts"
    erased = "; erased" if standing.erased else ""
    told = {"lists": list(standing.lists), "erased": standing.erased}
    _show_entries(rows, as_json=as_json, first=f"on {on}{erased}", told=told)


#: What the command line adds to its own.
COMMANDS = (suppress,)


def _enter(
    asked: list[Identifier],
    name: str,
    action: Literal["add", "revoke"],
    reason: str,
    actor: str,
    *,
    as_json: bool,
) -> None:
    from syncflow_dagster.nodes.compliance.lists import Entry, Lists

    with opened() as (database, key, now):
        number = Lists(database, key).enter(name, asked, action, Entry(actor, reason, now))
    done = "added to" if action == "add" else "revoked from"
    click.echo(f"{name}: {number:,} {done} the list", err=as_json)
    if as_json:
        click.echo(json.dumps({"list": name, "action": action, "entries": number}))


def _check_list(name: str) -> None:
    """Refuse a list that counts nowhere: who is on it would still be written about."""
    from syncflow_dagster.commands.find import workflows_folder
    from syncflow_dagster.nodes.compliance.lists import ALWAYS
    from syncflow_dagster.workflows.loader import find_policies
    from syncflow_dagster.workflows.models.policy import Policy
    from syncflow_dagster.workflows.policy import load_policy

    if name == ALWAYS:
        return
    known: set[str] = set()
    for path in find_policies(workflows_folder()):
        policy = load_policy(path, os.environ)
        if isinstance(policy, Policy):
            known |= set(policy.suppression_lists)
        else:
            click.echo(f"{path}: has mistakes and is left out", err=True)
    for loaded in folder_of_workflows().workflows:
        known |= {one for node in loaded.workflow.linkedin_steps for one in node.suppression_lists}
    if name not in known:
        msg = (
            f"neither a policy nor a LinkedIn step names the list {name!r}, so it would count "
            f"nowhere; these do: {', '.join(sorted({ALWAYS, *known}))}. With --new-list it is "
            "begun all the same"
        )
        raise CommandFailed(msg)


def _show_entries(
    rows: list[DictRow],
    *,
    as_json: bool,
    first: str | None = None,
    told: dict[str, Any] | None = None,
) -> None:
    total = rows[0]["total"] if rows else 0
    lines = [first] if first else []
    lines += [f"{total:,} entries", *(_line(row) for row in rows)]
    click.echo("\n".join(lines), err=as_json)
    if as_json:
        entries = [_plain(row) for row in rows]
        click.echo(json.dumps({**(told or {}), "total": total, "entries": entries}, default=str))


def _line(row: DictRow) -> str:
    at = row["entered_at"].isoformat(sep=" ", timespec="seconds")
    digest = bytes(row["hash"]).hex()[:12]
    return (
        f"  {row['entry_id']} {at} {row['list']}: {row['action']} {row['kind']} {digest} "
        f"by {row['actor']}: {row['reason']}"
    )


def _plain(row: DictRow) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name != "total"}
    return {**kept, "hash": bytes(row["hash"]).hex()}

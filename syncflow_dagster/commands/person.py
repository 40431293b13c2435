"""`syncflow person`: what is held about a person, erasing it, and proof of what was decided."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from syncflow_dagster.commands.identifiers import (
    ACTOR,
    JSON,
    REASON,
    declared_fields,
    identifiers,
    named,
    opened,
)

if TYPE_CHECKING:
    from typing import TextIO


@click.group()
def person() -> None:
    """Tell or erase what is held about a person, and check the log of decisions."""


@person.command()
@named
@click.option(
    "--output",
    type=click.File("w", encoding="utf-8"),
    default="-",
    help="File it is written to; standard output if left out.",
)
def export(
    *,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    records: tuple[str, ...],
    profiles: tuple[str, ...],
    output: TextIO,
) -> None:
    """Print everything that is held about a person, as JSON."""
    from syncflow_dagster.nodes.compliance import holdings

    asked, known = identifiers(emails, phones, records, profiles), declared_fields()
    with opened() as (database, key, _), database.transaction() as conn:
        held = holdings.export(conn, asked, key, known)
    json.dump(held, output, indent=2, ensure_ascii=False, default=str)
    output.write("\n")


@person.command()
@named
@click.option("--dry-run", is_flag=True, help="Only count what would be erased.")
@click.option(
    "--most",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Records that may be found at most; more are somebody else's, too.",
)
@REASON
@ACTOR
@JSON
def erase(
    *,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    records: tuple[str, ...],
    profiles: tuple[str, ...],
    dry_run: bool,
    most: int,
    reason: str,
    actor: str,
    as_json: bool,
) -> None:
    """Erase a person's values from every table; hashes that keep him from coming back stay."""
    from syncflow_dagster.nodes.compliance import erasure
    from syncflow_dagster.nodes.compliance.lists import Entry

    asked, known = identifiers(emails, phones, records, profiles), declared_fields()
    with opened() as (database, key, now):
        by = Entry(actor, reason, now)
        result = erasure.erase(database, asked, key, by, most=most, dry_run=dry_run, declared=known)
        unfinished = 0 if dry_run else erasure.finish_erasures(database, key, now)
    verb = "would be erased" if dry_run else "erased"
    lines = [f"{name}: {number:,} rows {verb}" for name, number in result.counts.items()]
    lines.append(
        f"{result.identifiers:,} identifiers {'' if dry_run else 'kept as hashes'}".rstrip()
    )
    if unfinished:
        lines.append(
            f"{unfinished:,} requests are unfinished: changes are on their way; they are erased "
            "with the next retention, or by erasing again"
        )
    click.echo("\n".join(lines), err=as_json)
    if as_json:
        told = {
            "erasure_id": result.erasure_id,
            "rows": result.counts,
            "identifiers": result.identifiers,
            "unfinished": unfinished,
        }
        click.echo(json.dumps(told))


@person.command()
@JSON
def verify(*, as_json: bool) -> None:
    """Check that no decision of the gate was altered or put in by somebody without the key."""
    from syncflow_dagster.nodes.compliance.log import broken_link, policies

    with opened() as (database, key, _now):
        found = {name: broken_link(database, name, key) for name in policies(database)}
    broken = {name: link for name, link in found.items() if link is not None}
    lines = [
        f"{name}: broken at decision {link}" if link is not None else f"{name}: intact"
        for name, link in found.items()
    ]
    click.echo("\n".join(lines or ["no decisions"]), err=as_json)
    if as_json:
        click.echo(json.dumps({"intact": not broken, "policies": found}))
    sys.exit(1 if broken else 0)


#: What the command line adds to its own.
COMMANDS = (person,)

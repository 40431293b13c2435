"""What commands about persons share: naming somebody, and opening the database with the key."""

from __future__ import annotations

import getpass
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import Any

    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.nodes.compliance.declared import Declared
    from syncflow_dagster.nodes.compliance.lists import Identifier
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import Loaded

_Command = TypeVar("_Command", bound="Callable[..., Any]")

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
ACTOR = click.option(
    "--actor", default=getpass.getuser, show_default="you", help="Who wants it; it is noted."
)
REASON = click.option("--reason", required=True, help="Why; it is noted.")


def named(command: _Command) -> _Command:
    """Add the options that name a person to a command."""
    more = "may be given more often."
    for option in (
        click.option(
            "--linkedin", "profiles", multiple=True, help=f"Address of a LinkedIn profile; {more}"
        ),
        click.option("--record", "records", multiple=True, help=f"Id of a record; {more}"),
        click.option("--phone", "phones", multiple=True, help=f"A phone number; {more}"),
        click.option("--email", "emails", multiple=True, help=f"An e-mail address; {more}"),
    ):
        command = option(command)
    return command


def identifiers(
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    records: tuple[str, ...],
    profiles: tuple[str, ...],
    domains: tuple[str, ...] = (),
) -> list[Identifier]:
    """Return what the options of `named` name, and `--domain` where a command has it.

    Raises:
        UsageError: They name nobody.
    """
    from syncflow_dagster.core.consent.identifiers import Kind
    from syncflow_dagster.nodes.compliance.lists import Identifier

    given = {
        Kind.EMAIL: emails,
        Kind.PHONE: phones,
        Kind.RECORD: records,
        Kind.LINKEDIN: profiles,
        Kind.DOMAIN: domains,
    }
    found = [Identifier(kind, one) for kind, values in given.items() for one in values]
    if not found:
        raise click.UsageError("name somebody: --email, --phone, --record or --linkedin")
    return found


def folder_of_workflows() -> Loaded:
    """Read the workflow files; say of each that has mistakes that it could not be heeded."""
    from syncflow_dagster.commands.find import workflows_folder
    from syncflow_dagster.workflows.loader import load_folder

    found = load_folder(workflows_folder(), os.environ)
    for one in found.broken:
        click.echo(f"{one.path}: has mistakes and is left out; see `syncflow check`", err=True)
    return found


def declared_fields() -> Declared:
    """Return the fields that the workflow files declare to hold addresses of persons."""
    from syncflow_dagster.nodes.compliance.declared import declared

    return declared(one.workflow for one in folder_of_workflows().workflows)


@contextmanager
def opened() -> Iterator[tuple[Database, PrivacyKey, datetime]]:
    """Open the database with the key for hashes of persons; and tell its time.

    Raises:
        CommandFailed: The database or the key is not there, or what is asked cannot be done.
    """
    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.compliance.erasure import TooMuch
    from syncflow_dagster.nodes.compliance.key import PrivacyKeyError, privacy_key
    from syncflow_dagster.nodes.compliance.lists import NotAnIdentifier
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.location import default_home

    with command_store(default_home()) as database:
        now = DatabaseClock(database).now()
        try:
            yield database, privacy_key(os.environ, database, now), now
        except (NotAnIdentifier, PrivacyKeyError, TooMuch) as error:
            raise CommandFailed(str(error)) from error

"""`syncflow inbox`: takes Unipile's webhooks for as long as it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from syncflow_dagster.workflows.loader import LoadedWorkflow


@click.command()
@click.argument("workflows", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8077, show_default=True, help="Port to listen on.")
def inbox(workflows: tuple[str, ...], *, host: str, port: int) -> None:
    """Take webhooks of Unipile, at /unipile/TENANT, until interrupted.

    Each is kept as it comes; what follows from it is done by the workflow's runs. Only the tenants
    of the workflows named here are listened to, and only with their connection's webhook_secret.
    """
    import uvicorn

    from syncflow_dagster.commands.find import find_workflow, workflows_folder
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.linkedin.receiver import app
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.location import default_home

    loaded = [find_workflow(workflows_folder(), one) for one in workflows]
    secrets = _secrets(loaded)
    with command_store(default_home()) as database:
        for tenant in secrets:
            click.echo(f"listening on http://{host}:{port}/unipile/{tenant}", err=True)
        taking = app(database, DatabaseClock(database), secrets)
        # The access log would hold nothing of use: what came is in the database.
        uvicorn.run(taking, host=host, port=port, access_log=False, log_level="warning")


#: What the command line adds to its own.
COMMANDS = (inbox,)


def _secrets(loaded: list[LoadedWorkflow]) -> dict[str, str]:
    """Return the secret of each tenant of some workflows.

    Raises:
        CommandFailed: A connection has none, or two of one tenant differ.
    """
    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.workflows.models import UnipileConnection

    found: dict[str, str] = {}
    for one in loaded:
        for name, connection in one.workflow.connections.items():
            if not isinstance(connection, UnipileConnection):
                continue
            if connection.webhook_secret is None:
                msg = f"{one.path}: connection {name!r} has no webhook_secret, so nothing is taken"
                raise CommandFailed(msg)
            secret = connection.webhook_secret.get_secret_value()
            if found.setdefault(connection.account, secret) != secret:
                msg = f"{one.path}: tenant {connection.account!r} has another secret elsewhere"
                raise CommandFailed(msg)
    if not found:
        raise CommandFailed("none of these workflows has a connection to Unipile")
    return found

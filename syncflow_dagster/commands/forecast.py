"""`syncflow forecast`: when what waits will be written, and whether its window is long enough."""

from __future__ import annotations

import json

import click

from syncflow_dagster.commands.identifiers import JSON


@click.command()
@click.argument("workflow")
@JSON
def forecast(workflow: str, *, as_json: bool) -> None:
    """Tell when a workflow's waiting changes will be written, and what its window leaves over.

    It goes by how fast the last runs were, the account's limits and the workflow's windows; other
    workflows on the same account are not reckoned with. Nothing is asked of any service.
    """
    from syncflow_dagster.commands.find import find_workflow, workflows_folder
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.triggers.forecast import forecasts
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.location import default_home

    found = find_workflow(workflows_folder(), workflow).workflow
    with command_store(default_home()) as database:
        told = forecasts(database, DatabaseClock(database), found)
    lines = [f"{one.node}: {one.in_words()}" for one in told]
    nothing = "it has no node that writes to a service in batches: there is nothing to forecast"
    click.echo("\n".join(lines) or nothing, err=as_json)
    if as_json:
        nodes = [one.as_json() for one in told]
        click.echo(json.dumps({"workflow": workflow, "nodes": nodes}, default=str))

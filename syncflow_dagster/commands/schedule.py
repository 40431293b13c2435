"""`syncflow schedule`: when a workflow runs next, by its triggers."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from syncflow_dagster.commands.forecast import forecast
from syncflow_dagster.commands.identifiers import JSON
from syncflow_dagster.commands.instant import Instant
from syncflow_dagster.commands.slot import slot


@click.command()
@click.argument("workflow")
@click.option("--from", "start", type=Instant(), help="First instant that counts; else now.")
@click.option(
    "--count",
    type=click.IntRange(min=1, max=1000),
    default=20,
    show_default=True,
    help="Times of each trigger.",
)
@JSON
def schedule(workflow: str, *, start: datetime | None, count: int, as_json: bool) -> None:
    """Show the next times of a workflow's triggers, local and in UTC, and what is odd about them.

    It reads the workflow file alone: switches in Dagster's UI and windows that somebody has opened
    for a while are not seen.
    """
    from syncflow_dagster.commands.due_times import due_times
    from syncflow_dagster.commands.find import find_workflow, workflows_folder

    loaded = find_workflow(workflows_folder(), workflow)
    times = due_times(loaded.workflow, start or datetime.now(UTC), count)
    click.echo("\n".join(times.lines()), err=as_json)
    if as_json:
        click.echo(json.dumps(times.as_json(), ensure_ascii=False))


#: What the command line adds to its own.
COMMANDS = (schedule, slot, forecast)

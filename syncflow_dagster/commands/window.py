"""`syncflow window`: a workflow's windows, and those that a person opens for a while."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from syncflow_dagster.commands.identifiers import ACTOR, JSON, REASON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any

    from syncflow_dagster.core.timing.windows import WeekWindows
    from syncflow_dagster.nodes.triggers.windows import Override

_LENGTH = re.compile(
    r"(?:(?P<days>\d{1,4})d)?\s*(?:(?P<hours>\d{1,4})h)?\s*(?:(?P<minutes>\d{1,4})m)?"
)


def _length(value: str) -> timedelta:
    """Read `2h`, `45m`, `1d` or `1h 30m`."""
    found = _LENGTH.fullmatch(value.strip())
    given = {} if found is None else found.groupdict(default="0")
    length = timedelta(**{unit: int(number) for unit, number in given.items()})
    if not length:
        msg = f"{value!r} is no length of time: write, for example, 2h, 45m or 1d"
        raise click.BadParameter(msg)
    return length


@click.group()
def window() -> None:
    """Open a workflow's window for a while, and see which there are."""


@window.command("open")
@click.argument("workflow")
@click.option(
    "--for", "length", type=_length, required=True, help="How long: 2h, 45m, 1d; 7d at most."
)
@REASON
@ACTOR
@JSON
def open_window(
    workflow: str, *, length: timedelta, reason: str, actor: str, as_json: bool
) -> None:
    """Let a workflow be at work outside its windows, from now on."""
    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.commands.find import find_workflow, workflows_folder
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.triggers.windows import open_for_a_while
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.location import default_home

    found = find_workflow(workflows_folder(), workflow).workflow
    with command_store(default_home()) as database:
        now = DatabaseClock(database).now()
        try:
            one = open_for_a_while(database, found, length, actor=actor, reason=reason, now=now)
        except ValueError as error:
            raise CommandFailed(str(error)) from error
    assert found.windows is not None
    zone = ZoneInfo(found.windows.timezone)
    click.echo(f"{workflow} is open until {_shown(one.open_until, zone)}, {zone.key}", err=as_json)
    if as_json:
        click.echo(json.dumps(_plain(one), default=str))


@window.command("list")
@click.argument("workflow")
@click.option(
    "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Entries of each."
)
@JSON
def list_windows(workflow: str, *, limit: int, as_json: bool) -> None:
    """Show when a workflow may be at work next, and what persons have opened, the latest first."""
    from syncflow_dagster.commands.find import find_workflow, workflows_folder
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.triggers.windows import overrides
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.location import default_home
    from syncflow_dagster.workflows.timing import windows_of

    found = find_workflow(workflows_folder(), workflow).workflow
    windows = windows_of(found)
    with command_store(default_home()) as database:
        now = DatabaseClock(database).now()
        opened = overrides(database, workflow, limit)
    coming = [] if windows is None else list(islice(windows.stretches(now), limit))
    zone = ZoneInfo("UTC" if windows is None else windows.zone)
    lines = _lines(windows, coming, opened, zone)
    click.echo("\n".join(lines), err=as_json)
    if as_json:
        told = {
            "workflow": workflow,
            "windows": None
            if windows is None
            else [{"open": one, "close": two} for one, two in coming],
            "opened": [_plain(one) for one in opened],
        }
        click.echo(json.dumps(told, default=str))


#: What the command line adds to its own.
COMMANDS = (window,)


def _lines(
    windows: WeekWindows | None,
    coming: list[tuple[datetime, datetime]],
    opened: list[Override],
    zone: ZoneInfo,
) -> Iterator[str]:
    yield "no windows: it may be at work at any time" if windows is None else f"windows, {zone.key}"
    for begin, end in coming:
        yield f"  {_shown(begin, zone)} to {_shown(end, zone)}"
    yield f"{len(opened)} opened by hand"
    for one in opened:
        whose = "" if one.run_id is None else f", run {one.run_id[:8]} alone"
        yield (
            f"  {_shown(one.open_from, zone)} to {_shown(one.open_until, zone)}{whose}, "
            f"by {one.actor}: {one.reason}"
        )


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"


def _plain(one: Override) -> dict[str, Any]:
    return {
        "open_from": one.open_from,
        "open_until": one.open_until,
        "actor": one.actor,
        "reason": one.reason,
        "made_at": one.made_at,
        "run_id": one.run_id,
    }

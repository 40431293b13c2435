"""`syncflow slot`: what is due and not served, and skipping one of it by hand."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

import click

from syncflow_dagster.commands.identifiers import ACTOR, JSON, REASON
from syncflow_dagster.commands.instant import Instant

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.nodes.triggers.slots import Slot


class _Which(click.ParamType["int | datetime"]):
    """A slot, by its number or by when it was due."""

    name = "NUMBER|TIME"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | datetime:
        return int(value) if value.isdecimal() else Instant().convert(value, param, ctx)


@click.group()
def slot() -> None:
    """See what is due and not served yet, and skip one of it."""


@slot.command("list")
@click.argument("workflow")
@JSON
def list_slots(workflow: str, *, as_json: bool) -> None:
    """Show a workflow's slots that no run has taken yet, in the order in which they come."""
    from syncflow_dagster.commands.find import find_workflow, workflows_folder
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.triggers.skipping import open_slots
    from syncflow_dagster.store.location import default_home

    find_workflow(workflows_folder(), workflow)
    with command_store(default_home()) as database:
        found = open_slots(database, workflow)
    _show(workflow, "open", found, as_json=as_json)


@slot.command("skip")
@click.argument("workflow")
@click.argument("which", type=_Which(), metavar="NUMBER|TIME")
@REASON
@ACTOR
@JSON
def skip_slot(
    workflow: str, *, which: int | datetime, reason: str, actor: str, as_json: bool
) -> None:
    """Let no run serve a slot; all slots of that due time, if a time is given."""
    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.commands.find import find_workflow, workflows_folder
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.triggers.skipping import skip
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.location import default_home

    find_workflow(workflows_folder(), workflow)
    with command_store(default_home()) as database:
        now = DatabaseClock(database).now()
        try:
            found = skip(database, workflow, which, actor=actor, reason=reason, now=now)
        except ValueError as error:
            raise CommandFailed(str(error)) from error
    _show(workflow, "skipped", found, as_json=as_json)


def _show(workflow: str, what: str, slots: list[Slot], *, as_json: bool) -> None:
    lines = [f"{workflow}: {len(slots)} {what}"]
    lines += [
        f"  {one.slot_id}  {_moment(one.due_at)}  {one.trigger}{one.part and f', {one.part}'}  "
        f"{one.state}"
        for one in slots
    ]
    click.echo("\n".join(lines), err=as_json)
    if as_json:
        click.echo(json.dumps({"workflow": workflow, what: [_plain(one) for one in slots]}))


def _plain(one: Slot) -> dict[str, Any]:
    return {
        "slot": one.slot_id,
        "trigger": one.trigger,
        "part": one.part,
        "due_at": _moment(one.due_at),
        "state": one.state,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")

"""`syncflow map propose`: a first mapping between Salesforce and a delta node, to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncflow_dagster.commands import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncflow_dagster.commands.preflight import Shown
    from syncflow_dagster.core.soql.schema import ObjectInfo, Schema
    from syncflow_dagster.core.soql.where import Path as FieldPath
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import DeltaNode, SalesforcePullNode


@click.group(name="map")
def map_group() -> None:
    """Propose mappings between Salesforce and delta nodes."""


@map_group.command(name="propose")
@click.argument("workflow")
@click.argument("node")
@click.option("--object", "owner", help="Object to map, where the node names none or another.")
@click.option("--connection", help="Connection of the org, where the workflow has several.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
def propose(
    workflow: str, node: str, *, owner: str | None, connection: str | None, as_json: bool
) -> None:
    """Print fields of a delta node for a pull node, or tag rules for a delta node.

    For a Salesforce pull node: the fields of a delta node that reads from it; with --object those
    of the whole object, and what the pull node has to say. For a delta node: rules of a tag node
    that write its fields to an object, by the columns that a delta node declares, and by names;
    left out: the object its rows come from.
    """
    import json

    from syncflow_dagster.commands.find import find_workflow, workflows_folder

    loaded = find_workflow(workflows_folder(), workflow)
    shown = propose_mapping(loaded, node, owner, connection)
    click.echo("\n".join(shown.lines()), err=as_json)
    if as_json:
        click.echo(json.dumps(shown.as_json(), ensure_ascii=False))


COMMANDS = (map_group,)


def propose_mapping(
    loaded: LoadedWorkflow, name: str, owner: str | None, connection: str | None = None
) -> Shown:
    """Return a mapping for a node, by the names and types of an object's fields.

    Args:
        loaded: The workflow.
        name: A Salesforce pull node or a delta node.
        owner: The object, where the node names none or another is meant.
        connection: The org's connection, where the node names none and there are several.

    Raises:
        CommandFailed: There is no such node or object, or the org cannot be asked.
    """
    from syncflow_dagster.commands.plan_reads import Orgs
    from syncflow_dagster.commands.preflight import Shown
    from syncflow_dagster.nodes.pull.ports import SourceError

    orgs = Orgs(loaded)
    with orgs.stack:
        try:
            pull, delta = _node(loaded, name)
            org = pull.connection if pull is not None else _connection(loaded, connection)
            _, schema = orgs.of(org)
            return Shown(list(_lines(loaded, pull, delta, owner, schema)))
        except SourceError as error:
            msg = f"the org cannot be asked: {error}"
            raise CommandFailed(msg) from error


def _lines(
    loaded: LoadedWorkflow,
    pull: SalesforcePullNode | None,
    delta: DeltaNode | None,
    owner: str | None,
    schema: Schema,
) -> Iterator[str]:
    from syncflow_dagster.nodes.pull.soql import QueryUnfit, check_pull
    from syncflow_dagster.nodes.salesforce import propose as proposing

    if delta is not None:
        named = owner or (_read_by(pull) if pull is not None else "")
        yield from proposing.tag_lines(delta, loaded.workflow.deltas, _object(named, schema))
    elif owner is not None:
        found = _object(owner, schema)
        yield from proposing.pull_lines(found)
        yield from proposing.delta_lines(found, _own(found))
    elif pull is not None:
        try:
            checked = check_pull(loaded.workflow, pull, schema)
        except QueryUnfit as error:
            msg = f"{pull.name}: {error}; syncflow preflight tells where"
            raise CommandFailed(msg) from error
        yield from proposing.delta_lines(checked.owner, checked.columns)


def _read_by(pull: SalesforcePullNode) -> str:
    from syncflow_dagster.core.soql import raw

    return pull.object or raw.parse(pull.soql or "").owner


def _own(owner: ObjectInfo) -> list[FieldPath]:
    from syncflow_dagster.core.soql.where import Path as FieldPath
    from syncflow_dagster.nodes.salesforce.propose import readable_fields

    return [FieldPath((one.name,), one) for one in readable_fields(owner)]


def _object(name: str, schema: Schema) -> ObjectInfo:
    from syncflow_dagster.core.soql.paths import find_object
    from syncflow_dagster.core.soql.tree import Mistake

    if not name:
        msg = "a delta node is mapped onto an object: name it with --object"
        raise CommandFailed(msg)
    found = find_object(name, schema, ())
    if isinstance(found, Mistake):
        msg = f"{found.message}; {found.hint}"
        raise CommandFailed(msg)
    return found


def _node(loaded: LoadedWorkflow, name: str) -> tuple[SalesforcePullNode | None, DeltaNode | None]:
    """Return the node of that name: a pull node, or a delta node with the pull node it reads."""
    workflow = loaded.workflow
    pull = next((one for one in workflow.salesforce_pulls if one.name == name), None)
    delta = next((one for one in workflow.deltas if one.name == name), None)
    if pull is None and delta is None:
        known = [one.name for one in workflow.salesforce_pulls]
        known += [one.name for one in workflow.deltas]
        msg = (
            f"{workflow.workflow} has no Salesforce pull node or delta node {name!r}; there are: "
            f"{_listed(known)}"
        )
        raise CommandFailed(msg)
    if delta is not None:
        pull = next((one for one in workflow.salesforce_pulls if one.name == delta.source), None)
    return pull, delta


def _connection(loaded: LoadedWorkflow, name: str | None) -> str:
    connections = loaded.workflow.connections
    known = [key for key, one in connections.items() if one.type == "salesforce"]
    if name is None and len(known) == 1:
        return known[0]
    if name in known:
        return str(name)
    msg = f"name the org's connection with --connection: {_listed(known)}"
    raise CommandFailed(msg)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"

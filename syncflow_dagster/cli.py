"""The command `syncflow`.

With `--json` a command prints one JSON object as the last line of its standard output; everything
else goes to standard error.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import click
from dotenv import load_dotenv

from syncflow_dagster.commands import decide, inbox, outreach, person, review, suppress, tag
from syncflow_dagster.commands import map as mapping
from syncflow_dagster.commands import schedule as times
from syncflow_dagster.commands import window as windows

if TYPE_CHECKING:
    from collections.abc import Iterable

PASSED, FAILED = 0, 1
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")


class _Commands(click.Group):
    """Says what is wrong in a line where a person can mend it, instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except _for_people() as error:
            _fail(str(error))


def _for_people() -> tuple[type[Exception], ...]:
    # Called only once something has gone wrong, so that the command line starts quickly.
    import psycopg

    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.commands.find import NoSuchWorkflow
    from syncflow_dagster.demo.world import DemoError
    from syncflow_dagster.ledger.pauses import AccountPaused
    from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
    from syncflow_dagster.nodes.monday.adoption.gate import AdoptionUnfinished
    from syncflow_dagster.nodes.monday.contract import BoardUnavailable, ContractBroken
    from syncflow_dagster.store.embedded import EmbeddedServerError, StoreError
    from syncflow_dagster.store.location import LocationError
    from syncflow_dagster.store.migrate import MigrationError
    from syncflow_dagster.supervisor import SupervisorError

    return (
        AccountPaused,
        AdoptionUnfinished,
        BoardUnavailable,
        CommandFailed,
        ContractBroken,
        DeltaDefinitionError,
        DemoError,
        EmbeddedServerError,
        LocationError,
        MigrationError,
        NoSuchWorkflow,
        StoreError,
        SupervisorError,
        psycopg.OperationalError,
    )


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="syncflow-dagster")
def main() -> None:
    """Operational syncs on Dagster: every effect reaches the outside world once."""
    load_dotenv(Path.cwd() / ".env")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)


@main.command()
@_JSON
def demo(*, as_json: bool) -> None:
    """Run the example workflow once against a sandbox, and show what came of it."""
    from syncflow_dagster.demo.run import run_demo

    outcome = run_demo(_home(), say=_say)
    _show(outcome, as_json)
    sys.exit(PASSED if outcome.passed else FAILED)


@main.command()
@click.option("--port", default=3000, show_default=True, help="Port of Dagster's UI; 0: any.")
def dev(port: int) -> None:
    """Start everything and leave Dagster's UI up.

    With MONDAY_TOKEN or SALESFORCE_CLIENT_SECRET set (in the environment or in .env) it works on
    the real accounts and the lasting database; otherwise on a fresh demo world: example order
    book, sandbox, one run of each example.
    """
    from syncflow_dagster.demo.dev import run_dev

    sys.exit(run_dev(_home(), port=port, say=_say))


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@_JSON
def check(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Check workflow files (default: the workflows folder); one line for each mistake."""
    from syncflow_dagster.workflows.check import check as check_files

    report = check_files(list(paths) or [_workflows()], os.environ)
    _show(report, as_json)
    sys.exit(PASSED if report.ok else FAILED)


@main.command()
@click.argument("workflow")
@click.option("--dry-run", is_flag=True, help="Plan the push and show it; write nothing there.")
@click.option("--full-resync", is_flag=True, help="Write every record again, changed or not.")
@click.option("--limit", type=click.IntRange(min=1), help="Items to push at most.")
@click.option("--customer", help="Push only this customer's records.")
@_JSON
def run(
    workflow: str,
    *,
    dry_run: bool,
    full_resync: bool,
    limit: int | None,
    customer: str | None,
    as_json: bool,
) -> None:
    """Run a workflow once, as a Dagster run of this process."""
    from syncflow_dagster.commands.find import find_workflow
    from syncflow_dagster.commands.run import run_workflow

    options = {
        "dry_run": dry_run,
        "full_resync": full_resync,
        "limit": limit,
        "customer": customer,
    }
    result = run_workflow(_home(), find_workflow(_workflows(), workflow), options, _say)
    _show(result, as_json)
    sys.exit(PASSED if result.success else FAILED)


@main.command()
@click.argument("workflow")
@_JSON
def plan(workflow: str, *, as_json: bool) -> None:
    """Show what the next push would do with the rows that are pending now."""
    from syncflow_dagster.commands.find import find_workflow
    from syncflow_dagster.commands.plan import plan_workflow

    plans = plan_workflow(_home(), find_workflow(_workflows(), workflow))
    _show(plans, as_json)


@main.command()
@click.argument("workflow")
@click.option("--node", help="Only this push node's board.")
@click.option("--dry-run", is_flag=True, help="Find and report; take nothing over.")
@click.option("--keep-board", is_flag=True, help="Leave values that differ as the board has them.")
@click.option(
    "--duplicates",
    type=click.Choice(["hold", "oldest", "newest"]),
    default="hold",
    show_default=True,
    help="Which of several items for one record is taken.",
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="File of findings.")
@click.option("--abandon", is_flag=True, help="Give an unfinished adoption up.")
@_JSON
def adopt(
    workflow: str,
    *,
    node: str | None,
    abandon: bool,
    report: Path | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Take over a board that is filled already; nothing is written to it."""
    from syncflow_dagster.commands import adopt as adoption
    from syncflow_dagster.commands.find import find_workflow

    found = find_workflow(_workflows(), workflow)
    if abandon:
        result = adoption.abandon_adoption(_home(), found, node=node)
    else:
        options = adoption.AdoptionOptions(**how)
        result = adoption.adopt_workflow(
            _home(), found, options, node=node, report=report, say=_say
        )
    _show(result, as_json)


@main.command()
@click.argument("workflow")
@click.option("--pin", is_flag=True, help="Take the boards as they are for right, as a file.")
@click.option("--columns", is_flag=True, help="Only print the boards' columns, to paste.")
@click.option("--propose", metavar="NODE", help="Only print a mapping for a push node, by titles.")
@_JSON
def preflight(
    workflow: str, *, pin: bool, columns: bool, propose: str | None, as_json: bool
) -> None:
    """Compare the boards with the workflow, before anything is written."""
    from syncflow_dagster.commands.find import find_workflow
    from syncflow_dagster.commands.preflight import answer_preflight

    loaded = find_workflow(_workflows(), workflow)
    report = answer_preflight(_home(), loaded, pin=pin, columns=columns, propose=propose)
    _show(report, as_json)
    sys.exit(PASSED if report.success else FAILED)


@main.command()
@click.argument("workflow")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Parents and records shown of each node.",
)
@_JSON
def waiting(workflow: str, *, limit: int, as_json: bool) -> None:
    """Show which records wait for a parent, for how long, and what stands in its way."""
    from syncflow_dagster.commands.find import find_workflow
    from syncflow_dagster.commands.waiting import waiting_report

    report = waiting_report(_home(), find_workflow(_workflows(), workflow), limit)
    _show(report, as_json)


@main.command()
@click.argument("workflow")
@click.option("--node", help="Only this delta node's rows.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Rows of each node."
)
@_JSON
def rejected(workflow: str, *, node: str | None, limit: int, as_json: bool) -> None:
    """Show which rows of the source could not become records, and why."""
    from syncflow_dagster.commands.find import find_workflow
    from syncflow_dagster.commands.rejected import rejected_report

    found = find_workflow(_workflows(), workflow)
    report = rejected_report(_home(), found, node=node, limit=limit)
    _show(report, as_json)


@main.command()
@click.argument("workflow")
@click.option("--node", help="Only this delta node's rows.")
@_JSON
def retry(workflow: str, *, node: str | None, as_json: bool) -> None:
    """Try the rejected rows again under today's rules, without reading the source."""
    from syncflow_dagster.commands.find import find_workflow
    from syncflow_dagster.commands.rejected import retry_workflow

    result = retry_workflow(_home(), find_workflow(_workflows(), workflow), node=node, say=_say)
    _show(result, as_json)
    sys.exit(PASSED if result.success else FAILED)


@main.command()
@click.argument("workflow")
@click.option("--run", "run_id", help="The run, by its id or how that begins; else the newest.")
@_JSON
def summary(workflow: str, *, run_id: str | None, as_json: bool) -> None:
    """Show what became of each customer's records in a run."""
    from syncflow_dagster.commands.find import find_workflow
    from syncflow_dagster.commands.summary import summary_report

    loaded = find_workflow(_workflows(), workflow)
    _show(summary_report(_home(), loaded.workflow.workflow, run_id), as_json)


@main.command()
@click.argument("workflow")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@_JSON
def retain(workflow: str, *, dry_run: bool, as_json: bool) -> None:
    """Move or delete what is history, as the workflow file says."""
    from syncflow_dagster.commands.find import find_workflow
    from syncflow_dagster.commands.retain import retain_workflow

    loaded = find_workflow(_workflows(), workflow)
    _show(retain_workflow(_home(), loaded, dry_run=dry_run), as_json)


@main.command()
@click.option("--port", default=0, help="Port of the monday service; 0 takes a free one.")
@click.option("--salesforce-port", default=0, help="Port of the Salesforce service.")
@click.option("--unipile-port", default=0, help="Port of the Unipile service.")
@click.option("--control-port", default=0, help="Port of the control endpoints.")
@click.option(
    "--seed", "seeds", multiple=True, type=click.Path(path_type=Path), help="File of a seed."
)
@_JSON
def sandbox(seeds: tuple[Path, ...], *, as_json: bool, **ports: int) -> None:
    """Start the fake services on loopback, until interrupted."""
    from syncflow_dagster.sandbox.server import serve

    files = list(seeds) or sorted((_workflows() / "sandbox").glob("*.json"))
    sys.exit(serve(files, json_output=as_json, **ports))


@main.command()
@click.option("--only", multiple=True, help="Run only faults whose name contains this.")
@click.option("--resume", is_flag=True, help="Go on with a matrix that was cut off.")
@_JSON
def fault(only: tuple[str, ...], *, resume: bool, as_json: bool) -> None:
    """Break everything that can break, and count what was doubled or lost."""
    from syncflow_dagster.testing.faults.run import run_faults

    outcome = run_faults(Path("build/fault.json"), only=only, resume=resume, say=_say)
    _show(outcome, as_json)
    sys.exit(PASSED if outcome.passed else FAILED)


@main.command()
@click.argument("what", type=click.Choice(["delta", "monday", "salesforce", "linkedin", "idle"]))
@click.option("--rows", type=click.IntRange(min=1), help="How many rows, orders, and so on.")
@click.option("--ratios", is_flag=True, help="Leave out what means nothing elsewhere.")
@_JSON
def bench(what: str, rows: int | None, *, ratios: bool, as_json: bool) -> None:
    """Measure a part against what cannot be had for less; only the ratios mean anything.

    Rows are 100,000 of the delta's source, 1,000 orders for monday, 100,000 records of a
    Salesforce org, 1,000,000 leads for linkedin, or 50 workflows for idle, if not said otherwise.
    """
    from syncflow_dagster.testing.bench import measure

    result, told = measure(what, rows, ratios_only=ratios)
    click.echo("\n".join(told), err=as_json)
    if as_json:
        _print_json(result)


@main.command()
def schema() -> None:
    """Print the JSON Schema of workflow files, for editors."""
    from syncflow_dagster.workflows.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _home() -> Path:
    from syncflow_dagster.store.location import default_home

    return default_home()


def _workflows() -> Path:
    from syncflow_dagster.commands.find import workflows_folder

    return workflows_folder()


class _Shown(Protocol):
    """What came of a command, for people and for programs."""

    def lines(self) -> Iterable[str]: ...

    def as_json(self) -> object: ...


def _show(outcome: _Shown, as_json: bool) -> None:
    click.echo("\n".join(outcome.lines()), err=as_json)
    if as_json:
        _print_json(outcome.as_json())


def _say(text: str) -> None:
    click.echo(text, err=True)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def _fail(text: str) -> NoReturn:
    click.echo(f"syncflow: {text}", err=True)
    sys.exit(FAILED)


for _module in (decide, mapping, review, suppress, person, tag, outreach, inbox, times, windows):
    for _command in _module.COMMANDS:
        main.add_command(_command)

if __name__ == "__main__":
    main()

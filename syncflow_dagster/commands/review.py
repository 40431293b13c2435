"""`syncflow review`: who is who, where records alone do not tell; and a person's answer."""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.identity.review import Answer, Case

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
_STATES = click.Choice(["open", "decided", "overtaken", "all"])
_SHOWN = ("first_name", "last_name", "email", "company", "account", "title", "linkedin")


@click.group()
def review() -> None:
    """Show and answer the questions of identity nodes: who is who."""


@review.command("list")
@click.argument("workflow")
@click.option("--state", type=_STATES, default="open", show_default=True, help="Which questions.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Questions shown."
)
@_JSON
def list_cases(workflow: str, *, state: str, limit: int, as_json: bool) -> None:
    """List the questions of a workflow, the oldest first."""
    from syncflow_dagster.commands.find import find_workflow, workflows_folder
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.nodes.identity.review import Review
    from syncflow_dagster.store.location import default_home

    name = find_workflow(workflows_folder(), workflow).workflow.workflow
    with command_store(default_home()) as database:
        rows = Review(database).cases(name, None if state == "all" else state.upper(), limit)
    total = rows[0]["total"] if rows else 0
    lines = [f"{name}: {total:,} questions", *(_line(row) for row in rows)]
    if total > len(rows):
        lines.append(f"  and {total - len(rows):,} more")
    click.echo("\n".join(lines), err=as_json)
    if as_json:
        cases = [{key: row[key] for key in row if key != "total"} for row in rows]
        _print_json({"workflow": name, "total": total, "cases": cases})


@review.command()
@click.argument("case", type=int)
@_JSON
def show(case: int, *, as_json: bool) -> None:
    """Show a question: the record, who it may be, and what they have in common."""
    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.ledger.decisions import NotDecidable
    from syncflow_dagster.nodes.identity.review import Review
    from syncflow_dagster.store.location import default_home

    with command_store(default_home()) as database:
        try:
            found = Review(database).case(case)
        except NotDecidable as error:
            raise CommandFailed(str(error)) from error
    click.echo("\n".join(_case_lines(found)), err=as_json)
    if as_json:
        _print_json(_case_json(found))


@review.command()
@click.argument("case", type=int)
@click.option("--same", is_flag=True, help="It is the same person as the candidate.")
@click.option("--new", is_flag=True, help="It is none of the candidates.")
@click.option("--ignore", is_flag=True, help="Leave a record alone that is nobody's.")
@click.option("--person", type=click.UUID, help="Whose it is: a candidate, or anybody.")
@click.option("--reason", required=True, help="Why; it is noted.")
@click.option(
    "--actor", default=getpass.getuser, show_default="you", help="Who decides; it is noted."
)
@_JSON
def decide(
    case: int,
    *,
    same: bool,
    new: bool,
    ignore: bool,
    person: UUID | None,
    reason: str,
    actor: str,
    as_json: bool,
) -> None:
    """Answer a question for good; the next run goes on from there."""
    from syncflow_dagster.commands import CommandFailed
    from syncflow_dagster.commands.store import command_store
    from syncflow_dagster.ledger.decisions import By, NotDecidable
    from syncflow_dagster.nodes.identity.review import Review
    from syncflow_dagster.store.clock import DatabaseClock
    from syncflow_dagster.store.location import default_home

    given: dict[Answer, bool] = {"same": same, "new": new, "ignore": ignore}
    chosen = [answer for answer, is_given in given.items() if is_given]
    if len(chosen) != 1:
        raise click.UsageError("give one of --same, --new, --ignore")
    if person is not None and not same:
        raise click.UsageError("--person goes with --same")
    if not reason.strip() or not actor.strip():
        raise click.UsageError("--reason and --actor may not be empty: they are what is kept")
    with command_store(default_home()) as database:
        now = DatabaseClock(database).now()
        try:
            Review(database).answer(case, chosen[0], By(actor, reason), now, person)
        except NotDecidable as error:
            raise CommandFailed(str(error)) from error
    click.echo(f"case {case}: {chosen[0]}; the next run goes on from there", err=as_json)
    if as_json:
        _print_json({"case_id": case, "decision": chosen[0], "actor": actor, "reason": reason})


#: What the command line adds to its own.
COMMANDS = (review,)


def _line(row: DictRow) -> str:
    since = row["opened_at"].isoformat(sep=" ", timespec="seconds")
    ended = f"; {row['decision']}, by {row['actor']}: {row['why']}" if row["decision"] else ""
    return (
        f"  {row['case_id']} {row['state']} tier {row['tier']}: {row['record_id']} "
        f"{row['reason']} ({row['candidates']} candidates, since {since}{ended})"
    )


def _case_lines(case: Case) -> Iterator[str]:
    head = case.head
    yield f"case {head['case_id']} ({head['state']}), tier {head['tier']}"
    yield f"  record {head['record_id']} {head['reason']}"
    for name, value in _said(case).items():
        yield f"    {name}: {value}"
    for one in case.candidates:
        yield f"  person {one.person_id}, likeness {one.likeness:.0f}: {'; '.join(one.evidence)}"
        for record in one.records:
            known = ", ".join(str(record[name]) for name in _SHOWN if record[name])
            yield f"    {record['record_id']}: {known}"
    if head["decision"]:
        yield f"  {head['decision']}, by {head['actor']}: {head['why']}"


def _said(case: Case) -> dict[str, Any]:
    """Return the record's own fields, without those of every delta row."""
    from syncflow_dagster.core.records import RESERVED_COLUMNS

    row = case.record or {}
    return {
        name: value
        for name, value in row.items()
        if name not in RESERVED_COLUMNS and value is not None
    }


def _case_json(case: Case) -> dict[str, Any]:
    head = {name: value for name, value in case.head.items() if name != "known_table"}
    candidates = [
        {
            "person_id": one.person_id,
            "likeness": one.likeness,
            "tier": one.tier,
            "evidence": list(one.evidence),
            "records": [
                {name: value for name, value in record.items() if name != "person_id"}
                for record in one.records
            ],
        }
        for one in case.candidates
    ]
    return {**head, "record": _said(case), "candidates": candidates}


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")

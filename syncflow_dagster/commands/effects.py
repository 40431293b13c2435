"""`syncflow effects`, `retry-dead` and `resolve`: what waits for a person, and his answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.store import command_store
from syncflow_dagster.ledger.decisions import By, Decisions, NotDecidable
from syncflow_dagster.store.clock import DatabaseClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from psycopg.rows import DictRow

    from syncflow_dagster.ledger.decisions import Answer
    from syncflow_dagster.workflows.loader import LoadedWorkflow

_SHOWN = (
    "effect_id",
    "node",
    "kind",
    "label",
    "customer",
    "state",
    "reason",
    "state_since",
    "tries",
    "lookups",
    "not_before",
    "object_key",
    "remote_id",
)


@dataclass(slots=True)
class EffectsReport:
    """Effects of a workflow that need attention, or those of a state.

    Attributes:
        workflow: Its name.
        total: How many there are.
        effects: Some of them, the oldest first.
    """

    workflow: str
    total: int = 0
    effects: list[DictRow] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the report for a person."""
        lines = [_line(row) for row in self.effects]
        if self.total > len(self.effects):
            lines.append(f"  and {self.total - len(self.effects):,} more")
        return [f"{self.workflow}: {self.total:,} effects", *lines]

    def as_json(self) -> dict[str, Any]:
        """Return the report as one object."""
        effects = [{name: row[name] for name in _SHOWN} for row in self.effects]
        return {"workflow": self.workflow, "total": self.total, "effects": effects}


def _line(row: DictRow) -> str:
    what = row["label"] or row["object_key"]
    customer = f" ({row['customer']})" if row["customer"] else ""
    since = row["state_since"].isoformat(sep=" ", timespec="seconds")
    often = f", sent {row['tries']:,} times" if row["tries"] else ""
    return (
        f"  {row['effect_id']} {row['state']} {row['kind']} {what}{customer}: "
        f"{row['reason'] or 'no reason is known'} (since {since}{often})"
    )


def effects_report(
    home: Path, loaded: LoadedWorkflow, *, state: str | None, limit: int
) -> EffectsReport:
    """Ask the ledger which effects of a workflow wait, are in question, or are dead.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        state: Only those of this state.
        limit: Effects at most.

    Raises:
        CommandFailed: The database is not there.
    """
    name = loaded.workflow.workflow
    with command_store(home) as database:
        rows = Decisions(database).effects(name, state, limit)
    return EffectsReport(name, rows[0]["total"] if rows else 0, rows)


def retry_dead(
    home: Path, loaded: LoadedWorkflow, by: By, *, only: Sequence[int], reason: str | None
) -> int:
    """Let a workflow's dead letters be tried again by the next push; return how many.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        by: Who wants it, and why.
        only: Ids of effects; all dead ones if there are none.
        reason: Only those whose reason contains this.

    Raises:
        CommandFailed: The database is not there.
    """
    workflow = loaded.workflow
    tables = [node.table for node in workflow.deltas]
    with command_store(home) as database:
        return Decisions(database).retry_dead(
            workflow.workflow,
            by,
            DatabaseClock(database).now(),
            effect_ids=list(only) or None,
            reason=reason,
            tables=tables,
        )


def resolve(home: Path, effect_id: int, answer: Answer, by: By, remote_id: str | None) -> None:
    """Answer the question an effect has become.

    Args:
        home: SyncFlow's home folder.
        effect_id: The effect.
        answer: What is the case.
        by: Who says so, and why.
        remote_id: The service's id of the object, where it is there.

    Raises:
        CommandFailed: The database is not there, or nothing is to be decided about this effect.
    """
    with command_store(home) as database:
        now = DatabaseClock(database).now()
        try:
            Decisions(database).resolve(effect_id, answer, by, now, remote_id)
        except NotDecidable as error:
            raise CommandFailed(str(error)) from error

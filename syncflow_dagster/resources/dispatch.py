"""Which workflows have something to do, for the dispatcher: one query. Imports no Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.ledger.worker import LOCK_CLASS
from syncflow_dagster.nodes.delta.parents import awaited
from syncflow_dagster.nodes.monday.plan import ITEMS
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from syncflow_dagster.resources.observe import Work
    from syncflow_dagster.store.database import Database

#: Counting stops here: nobody needs to know more.
MOST_COUNTED = 1_000
_SCHEMA = "syncflow"


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for a push; each number stops where counting does, for each table and pass."""

    rows: int = 0
    effects: int = 0
    plans: int = 0
    due: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to push."""
        return bool(self.rows or self.effects or self.plans or self.due)

    def in_words(self) -> str:
        """Return what waits, in words."""
        parts = [_number(self.rows, "new row")] if self.rows else []
        parts += [_number(self.due, "due record")] if self.due else []
        parts += [_number(self.effects, "unfinished change")] if self.effects else []
        parts += [_number(self.plans, "approved plan")] if self.plans else []
        return " and ".join(parts) or "nothing"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What there is to do.

    Attributes:
        pending: What waits for a push, of workflows for which something does.
        slots: Workflows with due times, or other workflows' ends, that are not served.
        waiting: Whether workflows are noted as waiting for a turn.
    """

    pending: Mapping[str, Pending]
    slots: frozenset[str]
    waiting: bool


def outlook(
    database: Database,
    work: Mapping[str, Work],
    now: datetime,
    *,
    most: int = 1,
    timeout_s: float = 5.0,
) -> Outlook:
    """Return what there is to do, with one query whose cost does not grow with what is done.

    Args:
        database: SyncFlow's own.
        work: Where each workflow's pushes take their work from.
        now: Database time.
        most: Where to stop counting; 1: only tell whether there is something.
        timeout_s: Seconds after which the database gives up.

    Raises:
        psycopg.errors.QueryCanceled: it took longer.
    """
    counts: dict[str, dict[str, int]] = {}
    with database.transaction() as conn:
        milliseconds = compose.Literal(int(timeout_s * 1000))
        conn.execute(compose.SQL("set local statement_timeout = {}").format(milliseconds))
        names = {name for one in work.values() for name in _tables(one)}
        known = sql.load("observe")["known_tables"]
        there = {row["table_name"] for row in conn.execute(known, {"tables": list(names)})}
        query = compose.SQL(" union all ").join(_parts(work, there))
        for row in conn.execute(query, {**_values(work), "now": now, "most": most}):
            of_workflow = counts.setdefault(row["workflow"], {})
            of_workflow[row["what"]] = of_workflow.get(row["what"], 0) + row["number"]
    waiting = bool(counts.pop("", {}))
    slots = frozenset(workflow for workflow, found in counts.items() if found.pop("slots", 0))
    pending = {workflow: Pending(**found) for workflow, found in counts.items()}
    return Outlook({name: one for name, one in pending.items() if one}, slots, waiting)


def _parts(work: Mapping[str, Work], there: set[str]) -> Iterator[compose.Composable]:
    for workflow, one in work.items():
        name = compose.Literal(workflow)
        for table in there.intersection(one.tables):
            where = compose.Identifier(_SCHEMA, table)
            yield _bare("dispatch", "pending_rows").format(workflow=name, table=where)
        for node, parent in one.children:
            if there.issuperset((node.table, parent.table)):
                found = awaited(node, parent)
                yield _bare("observe", "free_rows").format(workflow=name, awaited=found)
    for statement in ("due_effects", "approved_plans", "open_slots", "due_records", "any_waiting"):
        yield _bare("dispatch", statement)


def _values(work: Mapping[str, Work]) -> dict[str, Any]:
    places = [(workflow, *place) for workflow, one in work.items() for place in one.places]
    due = [(workflow, node) for workflow, one in work.items() for node in one.due]
    return {
        "workflows": [workflow for workflow, _, _ in places],
        "nodes": [node for _, node, _ in places],
        "passes": [number for _, _, number in places],
        "first_pass": ITEMS,
        "lock_class": LOCK_CLASS,
        "slot_workflows": list(work),
        "due_workflows": [workflow for workflow, _ in due],
        "due_nodes": [node for _, node in due],
    }


def _tables(work: Work) -> Iterator[str]:
    yield from work.tables
    for pair in work.children:
        yield from (node.table for node in pair)


def _bare(file: str, name: str) -> compose.SQL:
    text: Any = sql.load(file)[name].rstrip().rstrip(";")
    return compose.SQL(text)


def _number(count: int, word: str) -> str:
    if count >= MOST_COUNTED:
        return f"{MOST_COUNTED:,} or more {word}s"
    return f"{count:,} {word}{'' if count == 1 else 's'}"

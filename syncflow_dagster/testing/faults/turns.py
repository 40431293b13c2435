"""Fair turns against a real database: many owners with little to do beside one with very much.

The dispatcher is the real one, on a clock that is driven by hand; a worker does so many rows of a
second, and asks at each boundary whether it must leave. `python -m` this module prints how long
each owner waited.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql

from syncflow_dagster.core.turns import START_S
from syncflow_dagster.nodes.delta.tables import delta_id, prepare
from syncflow_dagster.nodes.triggers.turns import charge, must_leave
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench.databases import a_database_each
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.faults.rehearsal import Rehearsal
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.workflows.models import Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: Owners, rows of the first, rows of each other one, and rows a worker does in a second.
OWNERS, MANY, FEW, ROWS_PER_S = 50, 200_000, 10, 100
#: Seconds between two ticks of the dispatcher; a worker's boundaries are as far apart.
TICK_S = 10
_LARGE = "owner_00"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long owners took.

    Attributes:
        done_s: Seconds until each owner's rows were done, counted from when they came.
        round_s: Seconds of a fair round: everybody has one whole turn.
        left: Rows that were not done at the end.
    """

    done_s: dict[str, float]
    round_s: float
    left: int

    @property
    def longest_s(self) -> float:
        """Seconds the last of those with few rows took."""
        return max(seconds for owner, seconds in self.done_s.items() if owner != _LARGE)


def turn_cases() -> dict[str, int]:
    """Return the places of each case, by the case's name."""
    words = f"{OWNERS} owners, one with {MANY:,} rows beside {FEW} each, places:"
    return {f"{words} {places}": places for places in (1, 6)}


def fair_turns(wanted: Callable[[str], bool], *, url: str | None = None) -> Iterator[FaultResult]:
    """Run the cases, each in a database of its own.

    Args:
        wanted: Tells by its name whether a case is to run.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    chosen = [case for case in turn_cases().items() if wanted(case[0])]
    for (name, places), one in a_database_each(chosen, url):
        yield _judged(name, simulate(one, places))


def simulate(
    url: str,
    places: int,
    *,
    owners: int = OWNERS,
    many: int = MANY,
    few: int = FEW,
    turn_s: int = 300,
) -> Waits:
    """Let all rows come while the large owner is at work, and see when they are done."""
    workflows = [_workflow(f"owner_{number:02}", turn_s) for number in range(owners)]
    clock = FakeClock(datetime.now(UTC))
    with Database(url) as database:
        migrate(database)
        for one in workflows:
            prepare(database, one.workflow, one.deltas)
        with Rehearsal.on(database, clock, workflows, places) as rehearsal:
            office = _Office(database, clock, rehearsal, workflows)
            _insert(database, workflows[0], many)
            office.tick()
            for one in workflows[1:]:
                _insert(database, one, few)
            # Everybody gets a whole turn, and a place stands empty until the next tick.
            round_s = owners * (turn_s + START_S + TICK_S) / places
            while not office.is_done and office.seconds < owners * round_s:
                office.step()
        left = sum(_left(database, one) for one in workflows)
    return Waits(office.done_s, round_s, left)


@dataclass
class _Office:
    """The dispatcher, and workers for the runs it starts."""

    database: Database
    clock: FakeClock
    rehearsal: Rehearsal
    workflows: Sequence[Workflow]
    runs: dict[str, tuple[Any, datetime]] = field(default_factory=dict)
    done_s: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return sum(self.clock.slept)

    @property
    def is_done(self) -> bool:
        """Whether all rows of all owners are done."""
        return len(self.done_s) == len(self.workflows)

    def step(self) -> None:
        """Let the workers work until the next tick, and the dispatcher choose."""
        self.clock.sleep(TICK_S)
        for one in self.workflows:
            if one.workflow in self.runs:
                self._work(one)
        self.tick()

    def tick(self) -> None:
        """Begin what the dispatcher starts."""
        for workflow, run in self.rehearsal.tick().items():
            self.runs[workflow] = (run, self.clock.now())

    def _work(self, one: Workflow) -> None:
        run, begun = self.runs[one.workflow]
        now = self.clock.now()
        _take(self.database, one, ROWS_PER_S * TICK_S)
        is_done = not _left(self.database, one)
        if is_done:
            self.done_s[one.owner] = self.seconds
        if is_done or must_leave(self.database, one, begun, now) is not None:
            seconds = (now - begun).total_seconds()
            charge(self.database, one.owner, one.turns.share, seconds, now)
            self.rehearsal.end(run)
            del self.runs[one.workflow]


def _judged(name: str, waits: Waits) -> FaultResult:
    result = FaultResult(name, "F18", lost=waits.left)
    if waits.longest_s > 2 * waits.round_s:
        result.broken.append(
            f"an owner with few rows waited for {waits.longest_s:,.0f} s, longer than two rounds "
            f"of {waits.round_s:,.0f} s"
        )
    return result


def _workflow(owner: str, turn_s: int) -> Workflow:
    common = {"description": "Rows."}
    nodes = [
        {
            **common,
            "type": "pull",
            "name": "pull_rows",
            "connection": "book",
            "query": "rows.sql",
        },
        {
            **common,
            "type": "delta",
            "name": "rows",
            "source": "pull_rows",
            "entity": owner,
            "table": f"{owner}_delta",
            "key": ["number"],
            "fields": [{"name": "number"}],
        },
        {
            **common,
            "type": "identity",
            "name": "people",
            "source": "rows",
            "person": {"record_id": "number", "last_name": "number", "company": "number"},
        },
    ]
    return Workflow.model_validate(
        {
            **common,
            "workflow": f"{owner}_rows",
            "owner": owner,
            "connections": {"book": {"type": "sql", "url": "sqlite://"}},
            "triggers": [{"type": "pending_rows"}],
            "turns": {"turn_s": turn_s},
            "nodes": nodes,
        }
    )


def _insert(database: Database, workflow: Workflow, rows: int) -> None:
    _on_table(database, workflow, "turns_insert", rows=rows)


def _take(database: Database, workflow: Workflow, rows: int) -> None:
    _on_table(database, workflow, "turns_take", rows=rows)


def _left(database: Database, workflow: Workflow) -> int:
    return int(_on_table(database, workflow, "turns_left")[0]["rows"])


def _on_table(database: Database, workflow: Workflow, name: str, **given: Any) -> list[Any]:
    (node,) = workflow.deltas
    statement = sql.SQL(load("faults")[name]).format(table=delta_id(node))
    with database.transaction() as conn:
        cursor = conn.execute(statement, given)
        return cursor.fetchall() if cursor.description else []


def main() -> None:
    """Print how long the owners waited, for each number of places."""
    for places, one in a_database_each(turn_cases().values(), None):
        waits = simulate(one, places)
        few = sorted(seconds for owner, seconds in waits.done_s.items() if owner != _LARGE)
        print(
            f"places {places}: a fair round {waits.round_s:,.0f} s; few rows: median "
            f"{few[len(few) // 2]:,.0f} s, longest {few[-1]:,.0f} s; "
            f"many rows: {waits.done_s[_LARGE]:,.0f} s; left {waits.left}"
        )


if __name__ == "__main__":
    main()

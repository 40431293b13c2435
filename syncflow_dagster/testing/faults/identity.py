"""An identity node killed between its steps: nobody twice, no move twice, and none missed.

This module is also the process that is killed.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from psycopg import sql

from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.nodes.identity.run import run_identity
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.crash import IDENTITY_POINTS
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.killed import run_killed
from syncflow_dagster.workflows.models import DeltaNode, Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Persons; a third of them moves with a new record, a third within the one they have, and of the
#: others each second one gets a namesake, who is asked about.
PEOPLE = 3_000
#: Batches of as many records as there are persons; the batch at which it is killed.
_BATCHES, _PASSAGE = 6, 3
_ONCE = "identity.begun"
_KINDS = 3
_FIELDS = ("id", "first", "last", "email", "phone", "company")


def identity_cases() -> dict[str, str]:
    """Return the crash point of each case, by the case's name."""
    return {
        f"kill -9 at {point}": point if point == _ONCE else f"{point}:{_PASSAGE}"
        for point in IDENTITY_POINTS
    }


def killed_identities(
    wanted: Callable[[str], bool], *, people: int = PEOPLE, url: str | None = None
) -> Iterator[FaultResult]:
    """Kill an identity node at each step, and judge what the next run makes of it.

    Args:
        wanted: Tells by its name whether a case is to run.
        people: How many persons there are; six at least.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    # The process that is killed needs none of these, and begins at once without them.
    from syncflow_dagster.store.migrate import migrate
    from syncflow_dagster.testing.bench.databases import databases

    chosen = {name: point for name, point in identity_cases().items() if wanted(name)}
    if not chosen:
        return
    with databases(url) as server:
        one = server.create("identity")
        with Database(one) as database:
            migrate(database)
            for number, (name, point) in enumerate(chosen.items()):
                flow = workflow(f"people{number}", people // _BATCHES)
                fill(database, flow, people)
                yield _run(database, flow, name, point, people)
        server.drop(one)


def _run(database: Database, flow: Workflow, name: str, point: str, people: int) -> FaultResult:
    result = FaultResult(name, "F1")
    rows = str(_node(flow).batch_rows)
    result.error = run_killed(point, __name__, database.url, flow.workflow, rows)
    if result.error:
        return result
    started = time.monotonic()
    decide(database, flow)
    result.recovery_s = round(time.monotonic() - started, 1)
    found = judge(database, flow)
    result.second_run_writes = decide(database, flow)
    wanted = expected(people)
    over = [name for name in ("persons", "records", "moves", "asked") if found[name] > wanted[name]]
    result.duplicates = found["twice"] + sum(found[each] - wanted[each] for each in over)
    result.lost = sum(max(0, wanted[each] - found[each]) for each in wanted)
    result.unknown = found["undecided"]
    return result


def workflow(name: str, batch_rows: int) -> Workflow:
    """Return a workflow of contacts and the persons behind them."""
    contacts = {
        "type": "delta",
        "name": "contacts",
        "description": "Contacts",
        "source": "pull",
        "entity": "contact",
        "table": f"{name}_contacts",
        "key": ["contact_id"],
        "fields": [{"name": "contact_id", "column": "id"}, *({"name": one} for one in _FIELDS[1:])],
    }
    people = {
        "type": "identity",
        "name": "people",
        "description": "Persons",
        "source": "contacts",
        "batch_rows": batch_rows,
        "person": {
            "record_id": "contact_id",
            "first_name": "first",
            "last_name": "last",
            "email": "email",
            "phones": ["phone"],
            "company": "company",
        },
    }
    return Workflow.model_validate(
        {
            "workflow": name,
            "description": "Persons",
            "owner": "operations",
            "connections": {"book": {"type": "sql", "url": "sqlite://"}},
            "nodes": [contacts, people],
        }
    )


def fill(database: Database, flow: Workflow, people: int) -> None:
    """Let people be known, and then let them move, and their namesakes come; undecided yet."""
    first = [_contact(n) for n in range(people)]
    _tell(database, flow, first)
    decide(database, flow)
    later: list[dict[str, Any]] = []
    for n, one in enumerate(first):
        kind = n % _KINDS
        new = {"id": f"new{n}", "email": f"{n}@beta.com", "company": "Beta"}
        later.append(one if kind != 1 else {**one, "company": "Beta"})
        if kind == 0:
            later.append({**one, **new})
        elif kind != 1 and n % 2:
            later.append({**one, **new, "phone": None})
    _tell(database, flow, later)


def expected(people: int) -> dict[str, int]:
    """Return what there is to be in the end."""
    joined = sum(n % _KINDS == 0 for n in range(people))
    moved = sum(n % _KINDS == 1 for n in range(people))
    asked = sum(n % _KINDS == 2 and n % 2 == 1 for n in range(people))
    return {
        "persons": people,
        "records": people + joined,
        "moves": joined + moved,
        "asked": asked,
    }


def judge(database: Database, flow: Workflow) -> dict[str, int]:
    """Return what there is."""
    source = flow.node("contacts")
    assert isinstance(source, DeltaNode)
    statement = sql.SQL(load("faults")["judge_identity"]).format(table=delta_id(source))
    with database.transaction() as conn:
        found = conn.execute(statement, {"workflow": flow.workflow}).fetchone()
    assert found is not None
    return found


def decide(database: Database, flow: Workflow) -> int:
    """Run the node; return how many changes it decided."""
    return run_identity(database, DatabaseClock(database), flow, _node(flow)).rows


def _node(flow: Workflow) -> Any:
    (node,) = flow.identities
    return node


def _contact(n: int) -> dict[str, Any]:
    return {
        "id": f"old{n}",
        "first": f"First{n}",
        "last": f"Last{n}",
        "email": f"{n}@acme.com",
        "phone": f"+1415{n:07}",
        "company": "Acme",
    }


def _tell(database: Database, flow: Workflow, contacts: list[dict[str, Any]]) -> None:
    import pyarrow as pa

    from syncflow_dagster.nodes.delta.build import build_delta

    schema = pa.schema([(name, pa.string()) for name in _FIELDS])
    source = flow.node("contacts")
    assert isinstance(source, DeltaNode)
    rows = GivenRows([pa.RecordBatch.from_pylist(contacts, schema)])
    clock = DatabaseClock(database)
    build_delta(database, flow.workflow, source, rows, parent=None, clock=clock)


if __name__ == "__main__":
    with Database(sys.argv[1]) as _database:
        decide(_database, workflow(sys.argv[2], int(sys.argv[3])))

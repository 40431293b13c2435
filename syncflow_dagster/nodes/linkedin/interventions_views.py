"""What people look at before they do something: leads, one lead's whole life, what is stuck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.nodes.linkedin.inbox import TRIES, source_of
from syncflow_dagster.nodes.linkedin.sweep import stuck_leads
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.store.database import Database

#: What is shown of a lead that waits for somebody: nothing that names a person.
LEAD_COLUMNS = ("sort", "lead_id", "node", "account", "state", "since", "reason", "action")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which leads are wanted.

    Attributes:
        node: Of this node.
        state: In this state.
        account: Of this account, by its name in the node or in the ledger.
        who: The lead of this address, slug, provider's id or key of the source.
        limit: At most so many.
    """

    node: str | None = None
    state: str | None = None
    account: str | None = None
    who: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Life:
    """Everything that is known of a lead.

    Attributes:
        lead: Its row.
        events: What happened and what people did, in its order: at, what, old_state, new_state,
            step, reason, details.
        actions: Its actions in the ledger.
    """

    lead: DictRow
    events: list[DictRow]
    actions: list[DictRow]


@dataclass(frozen=True, slots=True)
class Stuck:
    """What waits for somebody.

    Attributes:
        late: Leads that should go on by themselves and do not.
        waiting: Leads that are held, need review, or whose action nobody knows of.
        events: Events that could not be taken in.
        stops: What is switched off.
    """

    late: list[DictRow]
    waiting: list[DictRow]
    events: list[DictRow]
    stops: list[DictRow]


def leads(database: Database, workflow: str, wanted: Filter) -> list[DictRow]:
    """Return leads of a workflow, and with each the `total`."""
    who = wanted.who
    named = None if who is None else slugs.normalise(who)
    given = {
        "workflow": workflow,
        "node": wanted.node,
        "state": wanted.state,
        "account": wanted.account,
        "who": named.value if named is not None and "/" in (who or "") else who,
        "limit": wanted.limit,
    }
    return database.fetch_all(sql.load("outreach_tools")["leads"], given)


def life(database: Database, lead_id: int) -> Life | None:
    """Return everything about a lead; None if there is none of this number."""
    queries = sql.load("outreach_tools")
    given: dict[str, Any] = {"lead_id": lead_id, "lead_ids": [lead_id]}
    row = database.fetch_one(sql.load("outreach")["read_leads"], given)
    if row is None:
        return None
    events = database.fetch_all(queries["life"], given)
    return Life(row, events, database.fetch_all(queries["actions"], given))


def stuck(runs: Sequence[OutreachRun], limit: int) -> Stuck:
    """Return what waits for somebody in some nodes of one workflow.

    Args:
        runs: The nodes, one at least.
        limit: At most so many of each sort.
    """
    first = runs[0]
    queries = sql.load("outreach_tools")
    late = [
        {**row, "node": run.node.name}
        for run in runs
        for row in stuck_leads(run, run.clock.now(), limit)
    ]
    waiting = []
    for run in runs:
        place = {"workflow": run.workflow.workflow, "node": run.node.name, "limit": limit}
        waiting += first.database.fetch_all(queries["needs_person"], place)
    sources = sorted({source_of(run.connection.account) for run in runs})
    given = {"sources": sources, "most": TRIES, "limit": limit}
    events = first.database.fetch_all(queries["given_up"], given)
    return Stuck(late, waiting, events, first.database.fetch_all(queries["stops"]))


def lead_rows(found: Stuck) -> Iterator[dict[str, Any]]:
    """Return the leads that wait for somebody, with `LEAD_COLUMNS`."""
    for sort, rows in (("late", found.late), ("waiting", found.waiting)):
        for row in rows:
            action = row.get("kind") and f"{row['kind']} {row['effect_id']} {row['action_state']}"
            yield {**row, "sort": sort, "action": action}


def event_rows(found: Stuck) -> Iterator[dict[str, Any]]:
    """Return the events that could not be taken in, with `what` they are; keys may name persons."""
    for row in found.events:
        yield {**row, "what": row["event_key"].partition(":")[0]}
